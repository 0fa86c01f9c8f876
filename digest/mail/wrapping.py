"""Paragraphs of plain text, broken into lines."""

from collections.abc import Iterator

from digest.mail.direction import in_plain_text

_TEXT_WIDTH = 72
_WIDE_LETTERS = 34


def wrapped(text: str, indent: str = "") -> str:
    """`text` broken at spaces to 72 columns; a word that is longer stands alone on its line.

    Scripts that set no spaces are broken after every 34 letters, each of which is two columns wide.
    """
    room = _TEXT_WIDTH - len(indent)
    if len(text) < room and text.isascii():
        return indent + text
    if text.isascii() and "  " not in text and text.strip(" ") == text:
        return "\n".join([indent + line for line in _lines(text, room)])
    return "\n".join([in_plain_text(line, text) for line in _lines_of_any(text, indent)])


def _lines(text: str, room: int) -> Iterator[str]:
    """Plain words, the common case."""
    start = 0
    while len(text) - start > room:
        end = text.rfind(" ", start, start + room + 1)
        if end < 0:  # a long word
            end = text.find(" ", start)
        if end < 0:
            break
        yield text[start:end]
        start = end + 1
    yield text[start:]


def _lines_of_any(text: str, indent: str) -> Iterator[str]:
    line = indent
    for word in text.split(" "):
        if len(word) > _WIDE_LETTERS and not word.isascii():
            if line.strip():
                yield line
            *full, line = [
                indent + word[at : at + _WIDE_LETTERS] for at in range(0, len(word), _WIDE_LETTERS)
            ]
            yield from full
            continue
        if len(line) + len(word) >= _TEXT_WIDTH and line.strip():
            yield line
            line = indent
        line = f"{line} {word}" if line.strip() else indent + word
    yield line
