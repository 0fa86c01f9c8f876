"""The processes of a cluster, forked from one that has loaded the program; and a mail server that remembers everything."""

import asyncio
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

END = b"\r\n.\r\n"


@dataclass
class Crew:
    """Processes by name, each started with its own arguments and killed without a word."""

    log: Path
    commands: dict[str, list[str]] = field(default_factory=dict)
    alive: dict[str, int] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Fork it."""
        from digest.cli import app  # loaded once, inherited by every fork

        child = os.fork()
        if child:
            self.alive[name] = child
            return
        try:
            os.setsid()
            told = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(told, 1)
            os.dup2(told, 2)
            app(self.commands[name], standalone_mode=False)
            os._exit(0)
        except BaseException as error:
            os.write(2, f"{name}: {type(error).__name__}: {error}\n".encode())
            os._exit(1)

    def kill(self, name: str) -> None:
        """SIGKILL; dead already is dead, too."""
        child = self.alive.pop(name)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    def revive(self) -> list[str]:
        """Start again whoever ended by itself, as a service manager does. Returns who."""
        ended = [name for name, child in self.alive.items() if os.waitpid(child, os.WNOHANG)[0]]
        for name in ended:
            self.start(name)
        return ended

    def end(self) -> None:
        """All of them, politely, and after ten seconds not."""
        for child in self.alive.values():
            os.kill(child, signal.SIGTERM)
        deadline = time.monotonic() + 10
        for name, child in list(self.alive.items()):
            while os.waitpid(child, os.WNOHANG)[0] == 0:
                if time.monotonic() > deadline:
                    self.kill(name)
                    break
                time.sleep(0.05)
        self.alive.clear()


@dataclass(frozen=True, slots=True)
class Taken:
    """One message the mail server said 250 to."""

    message_id: str
    rcpt_to: str
    content_hash: str


@contextmanager
def remembering_sink(file: Path) -> Iterator[int]:
    """A mail server on loopback that writes down every message before it accepts it; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = int(listening.getsockname()[1])
        command = [sys.executable, "-m", "tests.torture.crew", str(listening.fileno()), str(file)]
        sink = subprocess.Popen(command, pass_fds=[listening.fileno()])
    try:
        yield port
    finally:
        sink.terminate()
        sink.wait()


def taken(file: Path) -> list[Taken]:
    """What it accepted so far."""
    return [Taken(*line.split("\t")) for line in file.read_text().splitlines()] if file.exists() else []


async def _accept(listening: socket.socket, file: Path) -> None:
    memory = file.open("a", buffering=1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            writer.write(b"220 sink\r\n")
            rcpt_to = ""
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"EHLO":
                    writer.write(b"250-sink\r\n250 PIPELINING\r\n")
                    continue
                if verb == b"RCPT":
                    rcpt_to = line.decode().partition("<")[2].partition(">")[0]
                if verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    content = await reader.readuntil(END)
                    found = re.search(rb"^Message-ID:\s*(<[^>]*>)", content, re.MULTILINE | re.IGNORECASE)
                    assert found is not None
                    memory.write(f"{found[1].decode()}\t{rcpt_to}\t{hashlib.sha256(content).hexdigest()}\n")
                writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                if verb == b"QUIT":
                    break
        writer.close()

    server = await asyncio.start_server(talk, sock=listening, limit=1 << 24)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_accept(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])))
