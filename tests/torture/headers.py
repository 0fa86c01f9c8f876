"""Generated titles, names and addresses in the headers of a mail: none makes another header, and each comes back as it was."""

import random
import re
from dataclasses import dataclass, field
from email.header import decode_header, make_header

from digest.mail.headers import address_header, safe_header, text_header

# What has broken headers before, and letters of many scripts; a text is a handful of these and of single characters.
PIECES = (
    "\r\n", "\n", "\r", "\0", "\x0b", "\x85", "\u2028", "Bcc: x@example.org", "\r\nBcc: x@example.org", "=?utf-8?q?a=0D=0ABcc=3A_x?=",
    "=?utf-8?b?", "?=", "=?", " ", "  ", "\t", ":", ";", ",", "<", ">", '"', "\\", "(", ")", "@", "ä", "é", "ø", "日本", "語", "ру", "ك",
    "עב", "👩‍🔬", "e\u0301", "\u00a0", "\u202e", "\u200b", "\ud800", "word", "A Study of", "$x^2$", "x" * 90, ".", "=", "_", "%0a",
)  # fmt: skip
_ADDRESS_PIECES = (
    *"abz019.+-_=?@\"'<>()\\ ,;:|`%!ä\r\n",
    "example.org",
    ".org",
    "=?x?q?a=40b?=",
    "reader",
    "@",
)
_LINE = re.compile(rb"[\x20-\x7e]*")


@dataclass
class Headers:
    """How the texts fared."""

    texts: int = 0
    extra: int = 0  # headers that nobody wrote, or lines that are none
    changed: int = 0  # texts that came back as another text
    addresses: int = 0  # of the generated ones, how many could be written at all
    examples: list[str] = field(default_factory=list)


def run(texts: int, *, seed: int) -> Headers:
    """So many titles, each with a name and an address."""
    chance, found = random.Random(seed), Headers()
    for _ in range(texts):
        title, name = a_text(chance), a_text(chance)
        address = _an_address(chance)
        found.texts += 1
        try:
            to = address_header("To", address, name)
            found.addresses += 1
        except ValueError:
            address = "reader@example.org"
            to = address_header("To", address, name)
        raw = text_header("Subject", title) + to
        _check(found, raw, safe_header(title) or "(none)", safe_header(name), address)
    return found


def a_text(chance: random.Random) -> str:
    """A title or a name as nobody should write one."""
    return "".join(
        chance.choice(PIECES)
        if chance.random() < 0.7
        else chr(chance.choice((chance.randint(32, 126), chance.randint(160, 0x2FFF))))
        for _ in range(chance.randint(0, 12))
    )


def _an_address(chance: random.Random) -> str:
    """Half of them as people have them, half as nobody should."""
    if chance.random() < 0.5:
        return "".join(chance.choices(_ADDRESS_PIECES, k=chance.randint(1, 8)))
    local = "".join(chance.choices("abcxyz019.+-_=!#$%&'*/^`{|}~", k=chance.randint(1, 30)))
    return f"{local}@{'.'.join(chance.choices(('example', 'mail', 'a-b', 'xn--bcher-kva', 'org'), k=chance.randint(2, 6)))}"


def _check(found: Headers, raw: bytes, title: str, name: str, address: str) -> None:
    lines = raw.replace(b"\r\n ", b" ").split(b"\r\n")
    is_plain = all(_LINE.fullmatch(line) for line in raw.split(b"\r\n"))
    if [line.partition(b":")[0] for line in lines] != [b"Subject", b"To", b""] or not is_plain:
        found.extra += 1
        found.examples.append(f"extra: {raw!r}")
    subject, to = (line.partition(b": ")[2].decode("ascii") for line in lines[:2])
    shown, _, where = to.rpartition(" ") if " " in to else ("", "", to)
    came = (_decoded(subject), _unquoted(shown), where.strip("<>"))
    if came != (title, name if name != address else "", address):
        found.changed += 1
        found.examples.append(f"changed: {title!r}, {name!r} <{address}> -> {came!r}")


def _unquoted(words: str) -> str:
    """What a reader makes of the name beside an address (RFC 5322, 3.2.4)."""
    if words.startswith('"') and words.endswith('"'):
        return re.sub(r"\\(.)", r"\1", words[1:-1])
    return _decoded(words)


def _decoded(words: str) -> str:
    """What a reader makes of free text (RFC 2047, 6.2): white space between two encoded-words is none."""
    return str(make_header(decode_header(words)))
