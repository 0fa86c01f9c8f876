"""A small IMAP server on loopback, honest or not: what a client of RFC 3501 needs to read one folder."""

import re
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

PASSWORD = 'open sesame \\ "quoted"'


@dataclass
class Imap:
    """A mailbox: mails by number with their flags, and what the server does wrong."""

    context: ssl.SSLContext
    security: str = "tls"  # tls | starttls | none: STARTTLS is not offered
    extensions: tuple[str, ...] = ("AUTH=PLAIN", "MOVE", "UIDPLUS")
    act: str = ""  # drip | flood | huge | drop | injected | search_no
    mails: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)
    folders: dict[str, dict[int, bytes]] = field(default_factory=lambda: {"Read": {}})
    said: list[str] = field(default_factory=list)
    logged_in: list[str] = field(default_factory=list)

    def put(self, raw: bytes) -> int:
        """A new mail arrives."""
        number = max(self.mails, default=0) + 1
        self.mails[number], self.flags[number] = raw, set()
        return number


@contextmanager
def imap_server(imap: Imap) -> Iterator[int]:
    """Serve it; gives the port."""
    with scripted_server(partial(_talk, imap)) as port:
        yield port


def _talk(imap: Imap, peer: socketserver.StreamRequestHandler) -> None:
    talk = _Talk(imap, peer)
    with suppress(OSError, ConnectionError):
        if imap.security == "tls":
            talk.encrypt()
        talk.say("* OK ready")
        while talk.step():
            pass
    talk.close()


class _Talk:
    def __init__(self, imap: Imap, peer: Any) -> None:
        self.imap = imap
        self.socket = peer.connection
        self.lines = self.socket.makefile("rb")

    def encrypt(self) -> None:
        self.lines.close()
        self.socket = self.imap.context.wrap_socket(self.socket, server_side=True)
        self.lines = self.socket.makefile("rb")

    def close(self) -> None:
        self.lines.close()
        self.socket.close()

    def say(self, line: str) -> None:
        self.socket.sendall(line.encode() + b"\r\n")

    def step(self) -> bool:
        line = self.lines.readline().decode().rstrip("\r\n")
        if not line:
            return False
        tag, _, rest = line.partition(" ")
        words = rest.split(" ")
        verb = words[0].upper() if words[0].upper() != "UID" else words[1].upper()
        self.imap.said.append(verb)
        answer = getattr(self, f"on_{verb.lower()}", None)
        done = answer(tag, rest) if answer else "BAD what?"
        if done is None:
            return False
        self.say(f"{tag} {done}")
        if verb == "STARTTLS":
            if self.imap.act == "injected":
                return False
            self.encrypt()
        return bool(verb != "LOGOUT")

    def on_capability(self, _tag: str, _rest: str) -> str:
        more = ["STARTTLS"] if self.imap.security == "starttls" else []
        self.say(" ".join(["* CAPABILITY IMAP4rev1", *self.imap.extensions, *more]))
        return "OK done"

    def on_starttls(self, tag: str, _rest: str) -> str | None:
        if self.imap.act == "injected":
            self.say(f"{tag} OK go on\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN")
            with suppress(OSError):
                self.encrypt()
                self.step()
            return None
        return "OK go on"

    def on_authenticate(self, _tag: str, rest: str) -> str:
        mechanism = rest.split(" ")[1]
        self.say("+ ")
        words = b64decode(self.lines.readline()).decode()
        self.imap.logged_in.append(f"{mechanism} {words!r}")
        return "OK done" if PASSWORD in words else "NO [AUTHENTICATIONFAILED] invalid credentials"

    def on_login(self, _tag: str, rest: str) -> str:
        self.imap.logged_in.append(rest)
        quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        return "OK done" if rest.endswith(f'"{quoted}"') else "NO [AUTHENTICATIONFAILED] invalid credentials"

    def on_select(self, _tag: str, rest: str) -> str:
        if rest != 'SELECT "INBOX"':
            return "NO [NONEXISTENT] no such folder"
        self.say(f"* {len(self.imap.mails)} EXISTS")
        return "OK [READ-WRITE] selected"

    def on_search(self, _tag: str, _rest: str) -> str | None:
        if self.imap.act == "search_no":
            return "NO [SERVERBUG] try later"
        if self.imap.act == "drop":
            return None
        if self.imap.act == "drip":
            for _ in range(200):
                self.socket.sendall(b"*")
                time.sleep(0.05)
        if self.imap.act == "flood":
            for _ in range(100_000):
                self.say("* OK " + "x" * 1000)
        unread = [number for number, flags in self.imap.flags.items() if not flags & {"\\Seen", "\\Deleted"}]
        self.say(" ".join(["* SEARCH", *map(str, sorted(unread, reverse=True))]))
        return "OK done"

    def on_fetch(self, _tag: str, rest: str) -> str:
        number = int(rest.split(" ")[2])
        most = int(re.findall(r"<0\.(\d+)>", rest)[0])
        raw = self.imap.mails.get(number)
        if self.imap.act == "huge":
            self.say(f"* 1 FETCH (UID {number} BODY[]<0> {{99999999999}}")
        elif raw is not None:
            raw = raw[:most]
            self.socket.sendall(b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n%s)\r\n" % (number, len(raw), raw))
        return "OK done"

    def on_store(self, _tag: str, rest: str) -> str:
        number, flag = int(rest.split(" ")[2]), re.findall(r"\((.*)\)", rest)[0]
        self.imap.flags[number].add(flag)
        return "OK done"

    def on_copy(self, _tag: str, rest: str) -> str:
        number, folder = int(rest.split(" ")[2]), rest.split('"')[1]
        if folder not in self.imap.folders:
            return "NO [TRYCREATE] no such folder"
        self.imap.folders[folder][number] = self.imap.mails[number]
        return "OK done"

    def on_move(self, tag: str, rest: str) -> str:
        done = self.on_copy(tag, rest)
        return self.on_expunge(tag, rest) if done == "OK done" else done

    def on_expunge(self, _tag: str, rest: str) -> str:
        number = int(rest.split(" ")[2])
        del self.imap.mails[number], self.imap.flags[number]
        return "OK done"

    def on_logout(self, _tag: str, _rest: str) -> str:
        self.say("* BYE")
        return "OK done"
