"""A mail sink on loopback: takes everything, keeps nothing, counts messages. As fast as one Python process can be."""

import asyncio
import multiprocessing
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import trustme

END = b"\r\n.\r\n"


@contextmanager
def mail_sink(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, "Synchronized[int]"]]:
    """Start a sink in a process of its own; gives its port and the number of messages it has taken."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )  # inherited; asyncio sets it only on its own sockets
    taken: Synchronized[int] = multiprocessing.Value("q", 0)
    process = multiprocessing.get_context("fork").Process(
        target=_serve, args=(listening, taken, context), daemon=True
    )
    process.start()
    port = listening.getsockname()[1]
    listening.close()
    try:
        yield port, taken
    finally:
        process.terminate()
        process.join()


@contextmanager
def tls_sink(folder: Path) -> Iterator[tuple[int, Path]]:
    """The same under TLS from the first byte; gives its port and the file of its certificate authority."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with mail_sink(context) as (port, _):
        yield port, folder / "ca.pem"


def _serve(listening: socket.socket, taken: "Synchronized[int]", context: ssl.SSLContext | None) -> None:
    asyncio.run(_accept(listening, taken, context))


async def _accept(
    listening: socket.socket, taken: "Synchronized[int]", context: ssl.SSLContext | None
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-sink\r\n250 PIPELINING\r\n")
                continue
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(END)
                taken.value += 1
            writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                break
        writer.close()

    server = await asyncio.start_server(talk, sock=listening, limit=1 << 24, ssl=context)
    async with server:
        await server.serve_forever()
