"""JSON from strangers: no document makes this raise anything but NotJsonError, or take more than linear time."""

import json
from typing import Any


class NotJsonError(ValueError):
    """The text is not JSON; the message says where it stops being so."""


def looks_like_json(text: str) -> bool:
    """Whether the first visible character begins a JSON object or list."""
    return text[:1000].lstrip()[:1] in ("{", "[")


def load(text: str) -> Any:
    """The document; a list of them where the text is JSON Lines, with None for every line that is none.

    Numbers too long to mean anything and NaN become None; of repeated keys the last one counts.

    Raises:
        NotJsonError: the text is cut, damaged or nested deeper than Python reads.
    """
    try:
        return json.loads(text, parse_int=_number, parse_constant=_nothing)
    except RecursionError:
        raise NotJsonError("it is nested too deeply") from None
    except ValueError as error:
        if (lines := _load_lines(text)) is not None:
            return lines
        where = f" at character {error.pos} of {len(text)}" if isinstance(error, json.JSONDecodeError) else ""
        raise NotJsonError(f"it stops being JSON{where}") from None


def _load_lines(text: str) -> list[Any] | None:
    """The documents of JSON Lines: one object a line, two lines at least, the first of them whole."""
    lines = [line for line in text.split("\n") if line.strip()]
    if (
        len(lines) < 2
        or not all(line.lstrip().startswith("{") for line in lines[:2])
        or _line(lines[0]) is None
    ):
        return None
    return [_line(line) for line in lines]


def _line(line: str) -> Any:
    try:
        return json.loads(line, parse_int=_number, parse_constant=_nothing)
    except (ValueError, RecursionError):
        return None


def _number(digits: str) -> int | None:
    return int(digits) if len(digits) < 20 else None  # int() of 100,000 digits takes quadratic time


def _nothing(_constant: str) -> None:
    return None
