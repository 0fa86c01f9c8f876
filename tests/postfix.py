"""Postfix's own test tools as opponents, where they are at hand.

They need no installed Postfix:

    apt-get download postfix libdb5.3 && for p in *.deb; do dpkg -x $p postfix; done
    export POSTFIX_ROOT=$PWD/postfix
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_connection

from tests.servers import free_port

HOW = "needs Postfix's smtp-sink: see tests/postfix.py for the two commands that fetch it"


def tool(name: str) -> str | None:
    """Where `smtp-sink` or `smtp-source` is, None when it is nowhere."""
    unpacked = Path(os.environ.get("POSTFIX_ROOT", "/nowhere")) / "usr" / "sbin" / name
    return (
        str(unpacked) if unpacked.exists() else shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin")
    )


def environment() -> Mapping[str, str]:
    """The environment in which the unpacked tools find their libraries."""
    root = Path(os.environ.get("POSTFIX_ROOT", "/nowhere"))
    libraries = [root / "usr" / "lib" / "postfix", *root.glob("usr/lib/*-linux-gnu")]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries))}


@contextmanager
def smtp_sink(*options: str) -> Iterator[int]:
    """Run smtp-sink on loopback with these options; gives its port."""
    path, port = tool("smtp-sink"), free_port()
    assert path is not None, HOW
    as_nobody = ["-u", "nobody"] if os.getuid() == 0 else []
    command = [path, *as_nobody, *options, f"127.0.0.1:{port}", "100"]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            for _ in range(200):
                with suppress(OSError), create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()
