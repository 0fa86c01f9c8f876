"""When to stop asking a mail server that is in trouble, so that its trouble does not burn every reader's attempts."""

from collections import deque

from digest.errors import PermanentTransportError, TemporaryTransportError

_IN_A_ROW = 10
_REFUSALS_IN_A_ROW = 3  # of messages, for what is no reader's fault: our content or our name is the trouble
_WINDOW = 50
_SHARE = 0.3


class Breaker:
    """Watches outcomes, and says when it is the server that fails and not a reader's address."""

    def __init__(self) -> None:
        self._last: deque[bool] = deque(maxlen=_WINDOW)
        self._faults = 0  # in a row
        self._refusals = 0  # in a row

    def saw(self, error: Exception | None) -> bool:
        """Take note of one outcome, None for a message that was taken. True when it is time to stop."""
        refused = (
            isinstance(error, PermanentTransportError) and not error.about_reader and error.code is not None
        )
        fault = refused or is_servers_fault(error)
        self._last.append(fault)
        self._faults = self._faults + 1 if fault else 0
        self._refusals = self._refusals + 1 if refused else 0
        too_many = len(self._last) == _WINDOW and sum(self._last) > _SHARE * _WINDOW
        return self._faults >= _IN_A_ROW or self._refusals >= _REFUSALS_IN_A_ROW or too_many


def is_servers_fault(error: Exception | None) -> bool:
    """Whether a failure speaks of the server (lost connection, 421, RFC 3463 classes 4.3 and 4.7), or of a bug of ours.

    What is this recipient's business alone never does: greylisting (RFC 6647) answers each new reader "not now", so a
    house with many new readers hears it many times in a row from a server that is well.
    """
    if isinstance(error, TemporaryTransportError):
        if error.about_reader:
            return False
        return error.whole_server or (error.status or "").startswith(("4.3.", "4.7."))
    return error is not None and not isinstance(error, PermanentTransportError)
