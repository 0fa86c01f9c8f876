"""Work in a process of its own, forked from one that has loaded the program."""

import os
import signal
from collections.abc import Callable

LONGEST = 120  # seconds; what takes longer hangs, and is killed


def fork(work: Callable[[], object]) -> int:
    """Do it there; gives the process's number. It exits 0 when the work returned, 1 when it raised, after saying why."""
    child = os.fork()
    if child:
        return child
    signal.alarm(LONGEST)
    try:
        work()
        os._exit(0)
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)


def wait(child: int) -> int:
    """Its status, as the system gives it."""
    return os.waitpid(child, 0)[1]
