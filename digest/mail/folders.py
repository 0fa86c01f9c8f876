"""Mail into a folder: `.eml` files, the embedded default, or a Maildir. A message sent twice is one file."""

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import Self

from digest.errors import TemporaryTransportError, TransportError
from digest.mail.transport import AboutToEnd, Following, Unreachable, Withdrawn, nothing
from digest.model import Envelope


class _Folder:
    """What both have in common: a place, and nothing to open or close."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


class FileTransport(_Folder):
    """One `.eml` file a message. A message sent twice is one file, so the embedded default never doubles anything."""

    def connect(self) -> None:
        """See `Transport.connect`: the folder is made."""
        _make(self._folder)

    def send(
        self,
        envelope: Envelope,
        raw: bytes,
        about_to_end: AboutToEnd,
        following: Following = nothing,  # noqa: ARG002
    ) -> str:
        """Write the file and make it durable before it gets its name. See `Transport.send`."""
        name = f"{_safe_name(envelope.rcpt_to)}-{sha256(raw).hexdigest()[:12]}.eml"
        return _write_durably(self._folder, self._folder / name, raw, about_to_end)


class MaildirTransport(_Folder):
    """A Maildir, for a mail program that reads one; one file a message, however often it is sent."""

    def connect(self) -> None:
        """See `Transport.connect`: the folders of a Maildir are made."""
        for part in ("tmp", "new", "cur"):
            _make(self._folder / part)

    def send(
        self,
        envelope: Envelope,
        raw: bytes,
        about_to_end: AboutToEnd,
        following: Following = nothing,  # noqa: ARG002
    ) -> str:
        """Deliver into `new/` by way of `tmp/`. See `Transport.send`."""
        self.connect()
        name = f"{sha256(envelope.rcpt_to.encode() + b'|' + raw).hexdigest()[:32]}.digest"
        return _write_durably(self._folder / "tmp", self._folder / "new" / name, raw, about_to_end)


def _safe_name(address: str) -> str:
    return re.sub(r"[^A-Za-z0-9.@_+-]", "_", address)[:80].lstrip(".")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unreachable(str(_cannot_write(folder, error))) from error


def _write_durably(temporary_folder: Path, target: Path, raw: bytes, about_to_end: AboutToEnd) -> str:
    temporary = temporary_folder / f".{target.name}.{os.getpid()}.tmp"
    _make(temporary_folder)
    try:
        with temporary.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        if not about_to_end():
            temporary.unlink()
            raise Withdrawn
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise _cannot_write(target, error) from error
    return f"written to {target.name}"


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable; where folders cannot be opened (Windows) the system does it."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cannot_write(path: Path, error: OSError) -> TransportError:
    return TemporaryTransportError(
        f"cannot write {path}: {error.strerror}; mend its rights or set [delivery] folder", whole_server=True
    )
