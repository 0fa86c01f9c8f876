"""The scheduler only looks: every verb at its pace, one at a time, and a failure ends nothing."""

import threading
import time
from datetime import timedelta
from functools import partial

from digest.scheduler import Job, run_forever


def often():
    return timedelta(milliseconds=20)


class Calls:
    """Jobs that say their names, until each was called often enough."""

    def __init__(self, *names, times=3):
        self.made = []
        self.stopping = threading.Event()
        self.jobs = [Job(name, partial(self.call, name), often) for name in names]
        self._names, self._times = names, times

    def call(self, name):
        self.made.append(name)
        if all(self.made.count(each) >= self._times for each in self._names):
            self.stopping.set()
        if name == "fails":
            raise RuntimeError("a bug")


def test_every_job_runs_at_once_in_order_and_then_again():
    calls = Calls("first", "second")
    run_forever(calls.jobs, calls.stopping)
    assert calls.made[:2] == ["first", "second"]


def test_a_job_that_fails_is_tried_again_and_stops_no_other(caplog):
    calls = Calls("fails", "works")
    run_forever(calls.jobs, calls.stopping)
    assert calls.made.count("works") >= 3
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

    run_forever([Job("a", lambda: slow("a"), often), Job("b", lambda: slow("b"), often)], stopping)
    assert max(most) == 1
    assert running == []


def test_a_pace_that_changes_holds_from_the_next_look_on():
    stopping, paces = threading.Event(), [timedelta(hours=1)]
    made: list[int] = []

    def call():
        made.append(len(made))
        if len(made) > 3:
            stopping.set()

    asked = threading.Timer(0.2, paces.insert, [0, timedelta(milliseconds=20)])
    asked.start()
    run_forever([Job("paced", call, lambda: paces[0])], stopping)
    asked.join()
    assert len(made) > 3


def test_told_to_stop_before_it_begins_it_runs_the_job_at_hand_and_no_more():
    stopping, calls = threading.Event(), []

    def first():
        calls.append("first")
        stopping.set()

    run_forever([Job("first", first, often), Job("second", lambda: calls.append("second"), often)], stopping)
    assert calls == ["first"]
