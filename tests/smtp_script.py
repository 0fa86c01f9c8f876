"""An SMTP server that misbehaves at one stage, exactly as told, and behaves everywhere else."""

import socket
import socketserver
import ssl
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.servers import scripted_server

STAGES = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT", "QUIT")
_SIMPLE = {"EHLO": "EHLO", "HELO": "EHLO", "STAR": "STARTTLS"}
GOOD = {"CONNECT": b"220 hello", "DATA": b"354 go on", "DOT": b"250 2.0.0 taken", "QUIT": b"221 bye"}


@dataclass
class Script:
    """What the server does: `at` a stage it answers with `act`, a reply or one of the misdeeds below, `times` times."""

    at: str = ""
    act: str = ""
    times: int = 10**9
    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME")
    context: ssl.SSLContext | None = None
    after: int = 0  # misbehave only after so many messages were taken
    pause: float = 0.0  # seconds to think before each message is taken
    taken: list[tuple[str, bytes]] = field(default_factory=list)  # recipient, content
    said: list[str] = field(default_factory=list)  # what clients asked, verb by verb
    connections: int = 0
    secrets: list[bytes] = field(default_factory=list)  # what was said to log in


class _Gone(Exception):  # noqa: N818
    """The server leaves."""


@contextmanager
def smtp_script(script: Script) -> Iterator[int]:
    """Serve `script` on loopback; gives the port."""
    with scripted_server(partial(_talk, script)) as port:
        yield port


def _talk(script: Script, peer: socketserver.StreamRequestHandler) -> None:
    script.connections += 1
    talk = _Talk(script, peer)
    try:
        with suppress(_Gone, OSError):
            talk.answer("CONNECT")
            while talk.step():
                pass
    finally:
        talk.lines.close()
        talk.socket.close()


class _Talk:
    def __init__(self, script: Script, peer: Any) -> None:
        self.script = script
        self.socket = peer.connection
        self.socket.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # replies to a pipeline are short writes
        self.lines = self.socket.makefile("rb")
        self.rcpt = ""
        self.ready = [False, False]  # sender, recipient

    def step(self) -> bool:
        line = self.lines.readline()
        verb = line[:4].strip().upper().decode("latin-1")
        self.script.said.append(verb)
        if not line:
            return False
        if verb in _SIMPLE:
            self.answer(_SIMPLE[verb])
        elif verb == "MAIL":
            self.ready = [self.answer("MAIL"), False]
        elif verb == "RCPT":
            self.rcpt = line.split(b"<")[1].split(b">")[0].decode()
            self.ready[1] = self.answer("RCPT") if self.ready[0] else self.say(b"503 5.5.1 no sender")
        elif verb == "DATA":
            self.data()
        elif verb == "AUTH":
            self.log_in(line.split())
        elif verb == "QUIT":
            self.answer("QUIT")
            return False
        else:
            self.say(b"250 ok" if verb == "RSET" else b"500 what?")
        return True

    def data(self) -> None:
        if not all(self.ready):
            self.say(b"503 5.5.1 no recipient")
            return
        if not self.answer("DATA"):
            return
        content = b""
        while (line := self.lines.readline()) != b".\r\n":
            if not line:
                raise _Gone
            content += line[1:] if line.startswith(b".") else line
        script = self.script
        time.sleep(script.pause)
        refused = self.is_due("DOT") and script.act[:1] in "45"
        if not refused:
            script.taken.append((self.rcpt, content))
        self.answer("DOT", before_this=not refused)

    def log_in(self, words: list[bytes]) -> None:
        secrets = self.script.secrets
        secrets += [b64decode(word) for word in words[2:]]
        if words[1] == b"LOGIN":
            for ask in (b"334 VXNlcm5hbWU6", b"334 UGFzc3dvcmQ6"):
                self.say(ask)
                secrets.append(b64decode(self.lines.readline()))
        if not self.is_due("AUTH"):
            self.say(b"235 2.7.0 welcome")
        elif self.script.act.startswith("334"):  # XOAUTH2 says why, and waits for an empty line
            self.say(self.script.act.encode())
            self.lines.readline()
            self.say(b"535 5.7.8 no")
        else:
            self.misbehave(self.script.act)

    def is_due(self, stage: str, *, before_this: bool = False) -> bool:
        script = self.script
        return script.at == stage and script.times > 0 and len(script.taken) - before_this >= script.after

    def answer(self, stage: str, *, before_this: bool = False) -> bool:
        """Do what the script says here; whether the client may go on."""
        if self.is_due(stage, before_this=before_this):
            self.script.times -= 1
            return self.misbehave(self.script.act)
        if stage == "EHLO":
            return self.say(
                b"".join(b"250-%s\r\n" % e.encode() for e in ("test", *self.script.extensions)) + b"250 OK"
            )
        if stage == "STARTTLS":
            self.say(b"220 go on")
            assert self.script.context is not None
            self.socket = self.script.context.wrap_socket(self.socket, server_side=True)
            self.lines = self.socket.makefile("rb")
            return True
        return self.say(GOOD.get(stage, b"250 2.1.0 ok"))

    def misbehave(self, act: str) -> bool:
        if act[:1].isdigit():
            self.say(act.encode())
            if act.startswith("421"):
                raise _Gone
            return False
        getattr(self, act)()
        raise _Gone

    def say(self, line: bytes) -> bool:
        self.socket.sendall(line + b"\r\n")
        return True

    def drop(self) -> None:
        """Hang up without a word."""

    def reset(self) -> None:
        """Hang up with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def hang(self) -> None:
        """Say nothing until the client gives up."""
        self.socket.settimeout(5)
        while self.socket.recv(65536):
            pass

    def drip(self) -> None:
        """One byte now and then, never a whole line: every single read is in time."""
        for _ in range(100):
            self.socket.sendall(b"2")
            time.sleep(0.05)

    def endless(self) -> None:
        """A reply of ever more lines."""
        for _ in range(100_000):
            self.socket.sendall(b"250-more\r\n" * 100)

    def flood(self) -> None:
        """A line that never ends."""
        for _ in range(5000):
            self.socket.sendall(b"2" * 10_000)

    def garbage(self) -> None:
        """Something that is not SMTP."""
        self.socket.sendall(b"\x00\xff\x1b[31mHTTP/1.1 400 Bad Request\r\n\r\n")

    def negative(self) -> None:
        """A reply code that is none."""
        self.socket.sendall(b"-1 what\r\n")


MISDEEDS = ("drop", "reset", "hang", "drip", "endless", "flood", "garbage", "negative")
