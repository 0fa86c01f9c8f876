"""Which way a text is written: most of its letters decide, not the first one, which is all that dir="auto" looks at."""

import re
from functools import cached_property
from unicodedata import bidirectional

_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_END = "\u2069"


def _is_plain(text: str) -> bool:
    """Whether none of its letters is written from right to left. Most texts are ASCII, and know that they are."""
    return text.isascii() or not _RIGHT_TO_LEFT.search(text)


def is_right_to_left(text: str) -> bool:
    """Whether more of its strong letters are written from right to left than from left to right (UAX 9, table 4)."""
    if _is_plain(text):
        return False
    kinds = [bidirectional(letter) for letter in text]
    return kinds.count("R") + kinds.count("AL") > kinds.count("L")


def isolated(text: str) -> str:
    """`text` so that letters written from right to left do not move what stands beside it (UAX 9: isolates).

    As characters rather than as markup: Gmail drops <bdi>, and plain text knows no markup.
    """
    if _is_plain(text):
        return text
    return f"\u2067{text}{_END}" if is_right_to_left(text) else f"\u2066{text}{_END}"


class Written(str):
    """A text that knows its direction, for the attribute that says so in HTML: `<h2{{ title.direction }}>`."""

    @cached_property
    def direction(self) -> str:
        """`rtl` where most letters are written so, else `ltr`."""
        return "rtl" if is_right_to_left(self) else "ltr"


def in_plain_text(line: str, whole: str) -> str:
    """A line of `whole` for a reader without markup, whose programs go by the first strong letter of each line.

    Where that would turn the line round, it is isolated the right way.
    """
    if _is_plain(line):
        return line
    first = next((kind for letter in line if (kind := bidirectional(letter)) in ("L", "R", "AL")), "L")
    is_wanted = is_right_to_left(whole)
    if (first != "L") == is_wanted:
        return line
    words = line.lstrip(" ")
    return f"{line[: len(line) - len(words)]}{chr(0x2067 if is_wanted else 0x2066)}{words}{_END}"
