"""Archives of pages: .zip, .tar, .tar.gz and .gz, unpacked in memory and within bounds.

Nothing is written to a disk, so names inside an archive are only names. Members are counted and weighed as they are
unpacked, whatever the archive claims about them.
"""

import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from digest.model import Page
from digest.pages.document import LARGEST_PAGE
from digest.text import clean_text

MOST_MEMBERS = 1_000
LARGEST_CONTENT = 100 * 1024 * 1024  # bytes of all members together
_DEEPEST = 2  # an archive inside an archive is opened: a .zip of .json.gz files; one inside that is not
_DOCUMENTS = frozenset(
    {"[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"}
)  # .docx, .epub, .jar are no archives here


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is there and cannot be taken. It costs only itself."""

    name: str
    reason: str


class _TooMuchError(Exception):
    """The archive holds more than may be unpacked."""


@dataclass
class _Allowance:
    """What may still be unpacked of one archive and of those inside it."""

    members: int = MOST_MEMBERS
    size: int = LARGEST_CONTENT

    def spend(self, size: int) -> None:
        self.members -= 1
        self.size -= size
        if self.members < 0 or self.size < 0:
            limit = f"{MOST_MEMBERS} files or {LARGEST_CONTENT >> 20} MB"
            raise _TooMuchError(f"It holds more than {limit}; the rest is left out. Unpack it into a folder.")


def is_archive(body: bytes) -> bool:
    """Whether bytes are a .zip, .gz or .tar file."""
    return body.startswith((b"PK\x03\x04", b"\x1f\x8b\x08")) or body[257:262] == b"ustar"


def unpacked(page: Page) -> Iterator[Page | Unreadable]:
    """The pages in an archive, sorted by name, as "archive.zip/member.json"; the page itself where it is no archive.

    Left out without a word: folders, links, and names that begin with a dot. A damaged or too large member costs only
    itself; after MOST_MEMBERS files or LARGEST_CONTENT bytes the rest is left out, and that is said.
    """
    try:
        yield from _unpacked(page, _Allowance(), depth=0)
    except _TooMuchError as error:
        yield Unreadable(page.name, str(error))


def _unpacked(page: Page, allowance: _Allowance, depth: int) -> Iterator[Page | Unreadable]:
    if not is_archive(page.body) or depth == _DEEPEST:
        yield page
        return
    try:
        if page.body.startswith(b"\x1f\x8b"):
            yield from _unpacked(_gunzipped(page, allowance), allowance, depth + 1)
            return
        members = _zipped(page.body) if page.body.startswith(b"PK") else _tarred(page.body)
        for name, body in members:
            inner = f"{page.name}/{clean_text(name, limit=200)}"
            if isinstance(body, str):
                allowance.spend(0)
                yield Unreadable(inner, body)
            else:
                allowance.spend(len(body))
                yield from _unpacked(
                    replace(page, name=inner, body=body, media_type=None), allowance, depth + 1
                )
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError, OSError) as error:
        yield Unreadable(page.name, f"The archive is damaged or cut ({error}); fetch or copy it again.")


def _gunzipped(page: Page, allowance: _Allowance) -> Page:
    unzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    body = unzip.decompress(page.body, allowance.size + 1)
    allowance.spend(len(body))
    if not unzip.eof:
        raise EOFError("its end is missing")
    name = page.name.removesuffix(".gz")
    return replace(
        page,
        name=name.removesuffix(".tgz") + ".tar" if name.endswith(".tgz") else name,
        body=body,
        media_type=None,
    )


def _zipped(body: bytes) -> Iterator[tuple[str, bytes | str]]:
    """Names and contents of a .zip; a text in place of a content says why there is none."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        infos = sorted(archive.infolist(), key=lambda info: info.filename)
        if any(info.filename in _DOCUMENTS for info in infos):
            raise ValueError("it is a document or a program, no archive of pages")
        for info in infos:
            if info.is_dir() or not _is_wanted(info.filename):
                continue
            if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                yield info.filename, "It is encrypted or compressed in a rare way; pack it again."
                continue
            try:
                with archive.open(info) as member:
                    yield info.filename, _bounded(member.read(LARGEST_PAGE + 1))
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                yield info.filename, f"It is damaged ({error}); copy the archive again."


def _tarred(body: bytes) -> Iterator[tuple[str, bytes | str]]:
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:") as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            if not member.isreg() or member.issparse() or not _is_wanted(member.name):
                continue
            content = archive.extractfile(member)
            if content is not None:
                yield member.name, _bounded(content.read(LARGEST_PAGE + 1))


def _bounded(content: bytes) -> bytes | str:
    return (
        content
        if len(content) <= LARGEST_PAGE
        else f"It has more than {LARGEST_PAGE >> 20} MB; split it into days."
    )


def _is_wanted(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return not any(part.startswith(".") and part != "." for part in parts) and "__MACOSX" not in parts
