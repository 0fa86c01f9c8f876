"""The smallest script that sends the same bytes and notes each mail: what Python and this machine cost by themselves.

It reads nothing from the database, checks no answer but its class, knows no deadline, and loses what was under way when
it dies. Beside it stands what all of that costs us.
"""

import select
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from digest.model import Delivery

_MARK = "UPDATE deliveries SET state = 'sent', settled_at = '2026-03-02' WHERE id = ?"
Talk = Iterator[None]  # goes on when its socket has something to say


def send_bare(port: int, file: Path, owed: list[Delivery], connections: int, synchronous: str) -> int:
    """Send all of it over that many connections, in one thread; one commit a message. Returns how many were taken."""
    ledger = sqlite3.connect(file, isolation_level=None)
    ledger.execute(f"PRAGMA synchronous = {synchronous}")
    work, waiting, poll = iter(owed), dict[int, Talk](), select.poll()
    for _ in range(connections):
        to_sink = socket.create_connection(("127.0.0.1", port))
        to_sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting[to_sink.fileno()] = _talk(to_sink, work, ledger)
        poll.register(to_sink, select.POLLIN)
    for talk in waiting.values():
        next(talk)
    while waiting:
        for number, _ in poll.poll():
            if next(waiting[number], "over") == "over":
                poll.unregister(number)
                del waiting[number]
    left = next(work, None)
    ledger.close()
    return len(owed) if left is None else 0


def _talk(to_sink: socket.socket, work: Iterator[Delivery], ledger: sqlite3.Connection) -> Talk:
    """One connection: the envelope in one write, the message in another, and a note of it when it was taken."""
    yield from _answers(to_sink, 1)
    to_sink.sendall(b"EHLO [127.0.0.1]\r\n")
    yield from _answers(to_sink, 1)
    for delivery in work:
        mail_from, rcpt_to = delivery.envelope.mail_from, delivery.envelope.rcpt_to
        to_sink.sendall(f"MAIL FROM:<{mail_from}>\r\nRCPT TO:<{rcpt_to}>\r\nDATA\r\n".encode())
        yield from _answers(to_sink, 3)
        to_sink.sendall(delivery.raw + b".\r\n")
        yield from _answers(to_sink, 1)
        ledger.execute(_MARK, (delivery.id,))
    to_sink.sendall(b"QUIT\r\n")
    yield from _answers(to_sink, 1)
    to_sink.close()


def _answers(to_sink: socket.socket, count: int) -> Talk:
    """Wait until so many were given. A line whose code is followed by a dash goes on."""
    said = b""
    while True:
        yield
        said += to_sink.recv(4096)
        lines = said.splitlines()
        assert all(line[:1] in b"23" for line in lines), said
        if said.endswith(b"\n") and sum(line[3:4] != b"-" for line in lines) == count:
            return
