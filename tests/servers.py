"""Real servers on loopback, for the time of a test."""

import random
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller

_dice = random.SystemRandom()  # the other is seeded alike in tests that run side by side


@dataclass
class Mailbox:
    """What an SMTP server accepted, and how it answers."""

    received: list[tuple[str, str, bytes]] = field(default_factory=list)  # from, to, content
    on_rcpt: Callable[[str], str] = lambda _address: "250 ok"
    on_data: Callable[[bytes], str] = lambda _content: "250 accepted"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        reply = self.on_rcpt(address)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        reply = self.on_data(envelope.content)
        if reply.startswith("250"):
            [rcpt_to] = envelope.rcpt_tos
            self.received.append((envelope.mail_from, rcpt_to, envelope.content))
        return reply


@contextmanager
def smtp_server(mailbox: Mailbox, **options) -> Iterator[int]:
    """A real SMTP server (aiosmtpd) in a thread of its own; gives its port."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def free_port() -> int:
    """A port nobody listens on, from below those that systems give to connections: no other test's takes it meanwhile."""
    while True:
        port = _dice.randrange(10_000, 32_768)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def scripted_server(talk: Callable[[socketserver.StreamRequestHandler], None]) -> Iterator[int]:
    """A server that says what `talk` tells it to, for what no decent server does."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # the client had enough
                talk(self)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
