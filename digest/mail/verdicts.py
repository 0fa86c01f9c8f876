"""What a failed hand-over means for the message: pure, one function."""

from enum import StrEnum

from digest.errors import PermanentTransportError
from digest.mail.transport import InDoubt, Unreachable, Withdrawn


class Fate(StrEnum):
    """What becomes of a message that was not accepted."""

    DEFERRED = "deferred"
    FAILED = "failed"
    GIVEN_BACK = "given back"  # it was not tried: no attempt is counted
    DOUBTFUL = "doubtful"  # it may have left


def judge(error: Exception, attempt: int) -> Fate:
    """The fate of a message whose `attempt`-th hand-over ended in `error`.

    A refusal for good that is not about the reader's address gets a second try: a server that blocks us now may not in
    an hour. One that is about us waits until we are mended, or the message is too old. What was refused before it was
    said to any server has no code, and no second try.
    """
    if isinstance(error, Withdrawn | Unreachable):
        return Fate.GIVEN_BACK
    if isinstance(error, InDoubt):
        return Fate.DOUBTFUL
    if (
        isinstance(error, PermanentTransportError)
        and not error.about_sender
        and (error.about_reader or error.code is None or attempt >= 2)
    ):
        return Fate.FAILED
    return Fate.DEFERRED
