"""Templates, compiled once.

Square brackets are filled first, with colours and measures of our own; then MJML is made HTML; what is left are Jinja's
curly brackets, filled for each mail. So nothing that comes from outside ever passes through MJML, whose compiler neither
escapes nor checks it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError
from mjml import mjml2html

from digest.errors import DigestError
from digest.mail.quoted import Fragment
from digest.mail.themes import Theme

# Marks inside a shell: a cut parts what is the same for everybody from what is not; the papers come in at the other.
CUT = "{# cut #}"
PAPERS = "{# papers #}"
_TEXT_WIDTH = 72
Made = TypeVar("Made")


@dataclass(frozen=True)
class Piece:
    """A stretch of a shell between two cuts: the same for everybody, or a template."""

    fixed: Fragment | None
    template: Template | None

    def fill(self, values: Mapping[str, Any]) -> Fragment:
        """The piece for one mail."""
        if self.fixed is not None:
            return self.fixed
        assert self.template is not None
        return fill(self.template, **values)


@dataclass(frozen=True)
class Shell:
    """What stands around the papers of a mail: before them, and after."""

    head: tuple[Piece, ...]
    foot: tuple[Piece, ...]


def fill(template: Template, **values: Any) -> Fragment:
    """What `template` says with `values`, as whole lines."""
    text = template.render(values)
    return Fragment(text if text.endswith("\n") or not text else f"{text}\n")


class TemplateFolder:
    """The folder `templates` in the colours of one theme. Its methods raise `DigestError` for a template that is missing or broken."""

    def __init__(self, folder: Path, theme: Theme) -> None:
        self._folder = folder
        self._theme = theme
        loader = FileSystemLoader(folder / "email")
        strict: dict[str, Any] = {
            "loader": loader,
            "undefined": StrictUndefined,
            "trim_blocks": True,
            "lstrip_blocks": True,
            "keep_trailing_newline": True,
        }
        self._html = Environment(autoescape=True, **strict)
        self._text = Environment(autoescape=False, **strict)  # noqa: S701  plain text
        self._text.filters["wrapped"] = wrapped
        self._source = Environment(
            autoescape=False,  # noqa: S701  our own values, and MJML
            variable_start_string="[[",
            variable_end_string="]]",
            block_start_string="[%",
            block_end_string="%]",
            comment_start_string="[#",
            comment_end_string="#]",
            **strict,
        )

    def html(self, name: str) -> Template:
        """A hand-written HTML template."""
        return self._checked(name, lambda: self._html.from_string(self._first_pass(name)))

    def text(self, name: str) -> Template:
        """A plain-text template; the filter `wrapped` sets a paragraph to 72 columns."""
        return self._checked(name, lambda: self._text.get_template(name))

    def shell(self, name: str) -> Shell:
        """An MJML document as HTML."""

        def compiled() -> Shell:
            html = mjml2html(self._first_pass(name), fonts={})
            head, _, foot = html.partition(PAPERS)
            return Shell(tuple(self._pieces(head)), tuple(self._pieces(foot)))

        return self._checked(name, compiled)

    def _pieces(self, html: str) -> Iterator[Piece]:
        for part in filter(None, html.split(CUT)):
            text = part.strip("\n") + "\n"
            has_values = "{{" in text or "{%" in text
            yield Piece(None, self._html.from_string(text)) if has_values else Piece(Fragment(text), None)

    def _first_pass(self, name: str) -> str:
        return self._source.get_template(name).render(theme=self._theme)

    def _checked(self, name: str, make: Callable[[], Made]) -> Made:
        try:
            return make()
        except (TemplateError, ValueError, OSError) as error:
            raise DigestError(f"the template {self._folder / 'email' / name} is broken: {error}") from error


def wrapped(text: str, indent: str = "") -> str:
    """`text` broken at words to 72 columns; a word that is longer stands alone on its line."""
    lines = wrap(
        text,
        _TEXT_WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)
