"""When Python looks for garbage: not while a batch of digests is made or sent, and not through what was learnt.

What nobody refers to is freed at once. Only objects that refer to each other in a ring wait for the collector, which
looks through all young ones whenever some more were made. Those of a batch are many, and in use until it is written:
looking through them took a tenth of the time of a morning's digests, and found nothing. Looking through all of the
program, as it does now and then, cost 20 to 25 us a mail that was sent.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_turn = Lock()
_under_way: list[bool] = []  # one a batch, in whatever thread: whether the collector was at work before it


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep the collector away while a batch is made; what the batch has left in rings is freed when it is done.

    Batches of several threads may overlap. After the last the collector is at work again, if it was before the first.
    """
    with _turn:
        _under_way.append(gc.isenabled() or any(_under_way))
        gc.disable()
    try:
        yield
    finally:
        sweep()  # also when another batch is never far
        with _turn:
            if _under_way.pop() and not _under_way:
                gc.enable()


def sweep() -> None:
    """Free what was lately left in rings; for a round that is `undisturbed` for long."""
    gc.collect(1)


def keep() -> None:
    """Never look through what there is now: it was learnt, and stays."""
    gc.collect()
    gc.freeze()
