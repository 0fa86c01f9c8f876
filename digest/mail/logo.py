"""A picture for the head of a mail, carried inside the mail: nothing is fetched, so nobody learns who reads."""

import hashlib
import struct
from base64 import b64encode
from dataclasses import dataclass
from functools import cached_property

from digest.errors import Mistake, SettingsError
from digest.writing import literal, shared

LARGEST_LOGO = 20_000  # bytes; it travels in every mail
_HIGHEST = 48  # pixels on the page; the picture may have twice as many for fine screens
_WIDEST = 280


@dataclass(frozen=True)
class Logo:
    """A checked picture. Make one with `read_logo`."""

    content: bytes
    media_type: str
    width: int  # as shown
    height: int

    @cached_property
    def content_id(self) -> str:
        """Its name inside the mail (RFC 2392), the same for the same picture."""
        return f"{hashlib.sha256(self.content).hexdigest()[:24]}@logo.invalid"

    @cached_property
    def form(self) -> bytes:
        """The MIME part, headers and all, ending in a line end, as a form."""
        encoded = b64encode(self.content)
        lines = b"\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))
        head = (
            f"Content-Type: {self.media_type}\r\nContent-Transfer-Encoding: base64\r\n"
            f"Content-ID: <{self.content_id}>\r\nContent-Disposition: inline\r\n\r\n"
        )
        return shared(literal(head.encode() + lines + b"\r\n"))


def read_logo(content: bytes, *, where: str) -> Logo:
    """The picture in `content`, as PNG or GIF, scaled to at most 280 x 48 on the page.

    Raises `SettingsError`, naming `where` it came from, when a mail cannot carry or show it.
    """
    size = _size_of(content)
    if size is None:
        raise _refused(where, "is neither PNG nor GIF; SVG and WebP are not shown by most mail programs")
    if len(content) > LARGEST_LOGO:
        raise _refused(
            where,
            f"has {len(content):,} bytes and would travel in every mail; at most {LARGEST_LOGO:,} are allowed",
        )
    media_type, width, height = size
    if not (width and height):
        raise _refused(where, "has no width or no height")
    scale = min(1.0, _HIGHEST / height, _WIDEST / width)
    return Logo(content, media_type, max(round(width * scale), 1), max(round(height * scale), 1))


def _size_of(content: bytes) -> tuple[str, int, int] | None:
    if content[:8] == b"\x89PNG\r\n\x1a\n" and content[12:16] == b"IHDR" and len(content) >= 24:
        return "image/png", *struct.unpack(">II", content[16:24])
    if content[:6] in (b"GIF87a", b"GIF89a") and len(content) >= 10:
        return "image/gif", *struct.unpack("<HH", content[6:10])
    return None


def _refused(where: str, why: str) -> SettingsError:
    return SettingsError([Mistake(where, "", why)])
