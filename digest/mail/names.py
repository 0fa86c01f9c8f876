"""Where a mail server is: its name becomes addresses, and nobody waits for that longer than was said.

The system's resolver knows no deadline and cannot be waited for beside sockets. So it is asked in a thread of its own,
which speaks up through a pair of sockets; a resolver that hangs costs a thread, and never those who send.
"""

import socket
import threading
import time
from typing import Any

from digest.mail.turns import READ, until_ready

# A resolver that is well answers at once. One that is not must not hold up a connection for as long as a mail server, whose
# answer counts, may take for it.
LOOKUP_SECONDS = 5.0

Address = tuple[Any, ...]  # as `socket.getaddrinfo` gives them


def addresses_of(host: str, port: int, seconds: float) -> list[Address]:
    """The addresses behind a host name, as `socket.getaddrinfo` gives them. Others go on meanwhile (`mail.turns`).

    Raises `OSError`: the name means nothing, or nobody said what it means within `seconds`, and `LOOKUP_SECONDS` at most.
    """
    try:  # written as an address it needs nobody's help
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except UnicodeError:
        raise OSError("this cannot be the name of a server") from None
    except socket.gaierror:
        return _asked_for(host, port, min(seconds, LOOKUP_SECONDS))


def _asked_for(host: str, port: int, seconds: float) -> list[Address]:
    answers: list[list[Address] | OSError] = []
    ours, theirs = socket.socketpair()
    with ours:
        threading.Thread(
            target=_ask, args=(host, port, answers, theirs), name="digest-names", daemon=True
        ).start()
        try:
            until_ready(ours, READ, time.monotonic() + seconds)
        except TimeoutError:
            raise OSError(
                f"DNS did not say within {seconds:g} seconds what the name stands for (is the network there?)"
            ) from None
    if isinstance(answers[0], OSError):
        raise answers[0]
    return answers[0]


def _ask(host: str, port: int, answers: list[list[Address] | OSError], theirs: socket.socket) -> None:
    with theirs:  # its end is the word that the answer is there
        try:
            answers.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            answers.append(error)
