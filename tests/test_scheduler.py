"""The scheduler only looks: every verb at its pace, one at a time, and a failure ends nothing."""

import threading
import time
from datetime import timedelta

from digest.scheduler import Job, run_forever

OFTEN = timedelta(milliseconds=20)


def test_every_job_runs_at_once_in_order_and_then_again():
    stopping, calls = threading.Event(), []

    def second():
        calls.append("second")
        if calls.count("second") >= 3:
            stopping.set()

    run_forever([Job("first", lambda: calls.append("first"), OFTEN), Job("second", second, OFTEN)], stopping)
    assert calls[:2] == ["first", "second"]
    assert calls.count("first") >= 2


def test_a_job_that_fails_is_tried_again_and_stops_no_other(caplog):
    stopping, calls = threading.Event(), []

    def fails():
        calls.append("fails")
        if calls.count("fails") >= 3:
            stopping.set()
        raise RuntimeError("a bug")

    run_forever([Job("fails", fails, OFTEN), Job("works", lambda: calls.append("works"), OFTEN)], stopping)
    assert calls.count("works") >= 1
    assert "job=fails failed" in caplog.text


def test_jobs_never_run_at_the_same_time_and_the_item_at_hand_is_finished():
    stopping, running, most = threading.Event(), [], []

    def slow(name):
        running.append(name)
        most.append(len(running))
        time.sleep(0.05)
        running.remove(name)
        if len(most) > 5:
            stopping.set()

    run_forever([Job("a", lambda: slow("a"), OFTEN), Job("b", lambda: slow("b"), OFTEN)], stopping)
    assert max(most) == 1
    assert running == []


def test_told_to_stop_before_it_begins_it_runs_the_job_at_hand_and_no_more():
    stopping, calls = threading.Event(), []

    def first():
        calls.append("first")
        stopping.set()

    run_forever([Job("first", first, OFTEN), Job("second", lambda: calls.append("second"), OFTEN)], stopping)
    assert calls == ["first"]
