"""Who holds rows of the outbox, and whether they still live."""

import itertools
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_count = itertools.count(1)
_at_work: set[str] = set()
_guard = threading.Lock()


@contextmanager
def at_work() -> Iterator[str]:
    """A name for this worker, by which others on this machine can tell whether it still lives: host|boot|process-number."""
    name = f"{socket.gethostname()}|{_boot_id()}|{os.getpid()}-{next(_count)}"
    with _guard:
        _at_work.add(name)
    try:
        yield name
    finally:
        with _guard:
            _at_work.discard(name)


def is_dead(owner: str) -> bool:
    """Whether the worker of that name is gone for certain: it ran on this machine, and no longer does.

    When in doubt it lives, and its lease decides.
    """
    host, boot, number = owner.rsplit("|", 2)
    process = number.partition("-")[0]
    if host != socket.gethostname() or not process.isdigit():
        return False
    if boot != _boot_id():
        return True
    if (
        int(process) == os.getpid()
    ):  # nobody else has our number: an earlier process had it, or an earlier round of ours
        with _guard:
            return owner not in _at_work
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _boot_id() -> str:
    """Changes with every start of the machine, where the system tells; process numbers are reused after one."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return "unknown"
