"""Conversations that take turns: whoever waits lets the others go on, and nobody waits longer than was said."""

import socket
import time

import pytest

from digest.mail import turns as of_turns
from digest.mail.turns import READ, WRITE, Polled, Selected, Turns, here, until_ready


@pytest.fixture(params=[Polled, Selected])
def pair(request, monkeypatch):
    monkeypatch.setattr(of_turns, "_watched", request.param)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def soon():
    return time.monotonic() + 0.1


def test_while_one_waits_the_others_go_on(pair):
    ours, theirs = pair
    turns, said = Turns(), []

    def hears():
        until_ready(ours, READ, soon())
        said.append(ours.recv(10))

    def speaks():
        said.append("I speak")
        theirs.send(b"hello")

    turns.begin(hears)
    turns.begin(speaks)
    turns.take(1)
    assert said == ["I speak", b"hello"]


def test_a_word_is_given_to_who_listens():
    turns, heard, listening = Turns(), [], []

    def listens():
        listening.append(here())
        heard.append(here().listen())
        heard.append(here().listen())

    turns.begin(listens)
    assert heard == []
    for word in ("one", "two"):
        listening[0].tell(word)
    assert heard == ["one", "two"]


def test_who_waits_too_long_is_told_and_the_others_are_not(pair):
    ours, theirs = pair
    turns, told = Turns(), []

    def waits(for_whom, ends_at):
        try:
            until_ready(for_whom, READ, ends_at)
            told.append("ready")
        except TimeoutError:
            told.append("late")

    began = time.monotonic()
    turns.begin(lambda: waits(ours, soon()))
    turns.begin(lambda: waits(theirs, soon() + 600))
    while not told:
        turns.take(0.02)
    assert 0.1 <= time.monotonic() - began < 60
    ours.send(b"x")
    turns.take(1)
    assert told == ["late", "ready"]


def test_what_came_in_time_counts_though_somebody_looks_too_late(pair):
    ours, theirs = pair
    turns, told = Turns(), []

    def waits():
        until_ready(ours, READ, time.monotonic() + 0.01)
        told.append(ours.recv(5))

    turns.begin(waits)
    theirs.send(b"early")
    time.sleep(0.05)  # the books were written meanwhile
    turns.take(0)
    assert told == [b"early"]


def test_outside_of_a_conversation_it_just_waits(pair):
    ours, theirs = pair
    until_ready(ours, WRITE, soon())
    with pytest.raises(TimeoutError):
        until_ready(ours, READ, soon())
    theirs.send(b"x")
    until_ready(ours, READ, time.monotonic() - 1)


def test_who_waits_for_nothing_waits_as_long_as_was_said(pair):
    began = time.monotonic()
    Turns().take(0.05)
    assert time.monotonic() - began >= 0.05


def test_a_wait_that_is_over_already_is_none(pair):
    ours, _ = pair
    turns, told = Turns(), []

    def waits():
        with pytest.raises(TimeoutError):
            until_ready(ours, READ, soon())
        told.append("late")

    turns.begin(waits)
    while not told:
        turns.take(-1)
