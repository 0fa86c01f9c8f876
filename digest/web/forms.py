"""Reading a form: fields by name, cleaned, and never more of them than a page has."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException

from digest.text import clean_text

_MOST_FIELDS = 500
_LONGEST_LINE = 2_000


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody sent. A field that was not sent is empty."""

    fields: tuple[tuple[str, str], ...] = ()

    def raw(self, name: str) -> str:
        """The last value of a field, exactly as it came."""
        return next((value for key, value in reversed(self.fields) if key == name), "")

    def line(self, name: str, limit: int = _LONGEST_LINE) -> str:
        """The last value of a field as one clean line."""
        return clean_text(self.raw(name)[: 4 * limit], limit=limit)

    def lines(self, name: str) -> list[str]:
        """Every value of a field, each as one clean line, without the empty ones."""
        values = (clean_text(value[:_LONGEST_LINE]) for key, value in self.fields if key == name)
        return [value for value in values if value]

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.fields)


def parse_form(body: bytes, content_type: str) -> Form:
    """The fields of an URL-encoded form. Raises `HTTPException` 415 for another kind, 400 for what cannot be read."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        if not body:
            return Form()
        raise HTTPException(415)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise HTTPException(400) from error
    return Form(tuple(pairs))
