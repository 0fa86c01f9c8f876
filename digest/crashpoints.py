"""Named moments at which a trial may kill the process, to prove what a crash there costs.

Inert unless DIGEST_CRASHPOINT names one: "smtp.before_dot:3" kills at the third time that point is passed.
"""

import os
import signal

_WANTED, _, _TIMES = os.environ.get("DIGEST_CRASHPOINT", "").partition(":")
_left = {_WANTED: int(_TIMES or 1)} if _WANTED else {}


def arm(point: str, times: int = 1) -> None:
    """Die at `point`, the `times`-th time it is passed. For trials that fork."""
    _left.clear()
    _left[point] = times


def crashpoint(name: str) -> None:
    """Die here if this is the moment a trial asked for, with a signal nobody can catch."""
    if _left and name in _left:
        _left[name] -= 1
        if _left[name] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
