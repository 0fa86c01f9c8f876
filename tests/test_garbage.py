"""The collector stays away while a batch is made, and is back when it is done."""

import gc
import threading
import weakref

import pytest

from digest.garbage import sweep, undisturbed


class Ring:
    """Refers to itself: nothing but the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def off():
    gc.disable()
    yield
    gc.enable()


def test_nobody_looks_for_garbage_while_a_batch_is_made():
    with undisturbed():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_a_batch_leaves_behind_in_rings_is_freed_when_it_is_done():
    with undisturbed():
        ring = Ring()
        gone = weakref.ref(ring)
        del ring
        assert gone() is not None
    assert gone() is None


def test_a_batch_that_fails_gives_the_collector_back():
    with pytest.raises(RuntimeError), undisturbed():
        raise RuntimeError
    assert gc.isenabled()


def test_the_last_of_several_batches_gives_the_collector_back():
    begun, done = threading.Event(), threading.Event()

    def other():
        with undisturbed():
            begun.set()
            done.wait(10)

    thread = threading.Thread(target=other)
    with undisturbed():
        thread.start()
        assert begun.wait(10)
    assert not gc.isenabled()
    done.set()
    thread.join()
    assert gc.isenabled()


def test_who_wants_no_collector_gets_none(off):
    with undisturbed():
        pass
    assert not gc.isenabled()


def test_who_is_undisturbed_for_long_may_sweep():
    with undisturbed():
        ring = Ring()
        gone = weakref.ref(ring)
        del ring
        sweep()
        assert gone() is None
        assert not gc.isenabled()
