"""Templates, compiled once.

Square brackets are filled first, with colours and measures of our own; then MJML is made HTML; what is left are Jinja's
curly brackets, filled for each mail. So nothing that comes from outside ever passes through MJML, whose compiler neither
escapes nor checks it.

What stands around the papers is cut into pieces: those that are the same for everybody, for everybody in an Issue, and
for one reader. Only the last are written for each mail.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, Generic, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.meta import find_undeclared_variables
from markupsafe import escape
from mjml import mjml2html

from digest.errors import DigestError
from digest.mail.quoted import form_of
from digest.mail.themes import Theme
from digest.mail.wrapping import wrapped
from digest.writing import shared

# Marks inside a template: a cut parts two pieces; at the others, something of its own comes in.
CUT = "{# cut #}"
PAPERS = "{# papers #}"
CHIPS = "{# chips #}"
# Values that many mails have in common.
_COMMON = frozenset({"name", "day", "why", "footer"})
# Values that say nothing of any one reader.
_PUBLIC = frozenset({"name", "day"})
_KEPT = 512
# What most pieces do: put a value in.
_SLOT = re.compile(r"\{\{ ([a-z_]+)(?:\|(wrapped)(?:\(\"( *)\"\))?)? \}\}")
_MARKUP = re.compile(r"[&<>\"']")
Made = TypeVar("Made")
Values = Mapping[str, Any]


class Filling:
    """A template as a function of the names it uses."""

    def __init__(self, environment: Environment, source: str, file: str) -> None:
        self._file = file
        self.names = tuple(sorted(find_undeclared_variables(environment.parse(source))))
        self._escapes = bool(environment.autoescape)
        self._slots, self._end = _slots_of(source)
        # Where all there is to do is to put values in, that is done without a template.
        self._is_plain = "{" not in self._end and not any("{" in before for before, _, _ in self._slots)
        # As a macro: Jinja's own `render` spends more time on making a context than our templates take.
        # The plus signs keep the white space of the source as it is.
        macro = f"{{% macro fill({', '.join(self.names)}) +%}}{source}{{%+ endmacro %}}"
        self._fill = environment.from_string(macro).module.fill  # type: ignore[attr-defined]

    def __call__(self, values: Values) -> str:
        """The template with `values`, as whole lines. Raises `DigestError` when it asks for more than those."""
        try:
            text = self._put_in(values) if self._is_plain else str(self._fill(*_chosen(values, self.names)))
        except KeyError as missing:
            known = ", ".join(sorted(values))
            raise DigestError(
                f"the template {self._file} asks for {missing}; it may use {known}"
            ) from missing
        except TemplateError as error:
            raise DigestError(f"the template {self._file} cannot be filled: {error}") from error
        return text if text.endswith("\n") or not text else f"{text}\n"

    def _put_in(self, values: Values) -> str:
        text = ""
        for before, name, indent in self._slots:
            said = str(values[name])
            if indent is not None:
                said = wrapped(said, indent)
            text += before + (str(escape(said)) if self._escapes and _MARKUP.search(said) else said)
        text += self._end
        return "" if self._slots and text.isspace() else text  # a line that has nothing to say is none


# The words before a place for a value; its name; how far its lines are indented, None where they are not broken.
_Slot = tuple[str, str, str | None]


def _slots_of(source: str) -> tuple[list[_Slot], str]:
    """The slots of a template, and the words behind the last."""
    slots: list[_Slot] = []
    end = 0
    for found in _SLOT.finditer(source):
        indent = (found[3] or "") if found[2] else None
        slots.append((source[end : found.start()], found[1], indent))
        end = found.end()
    return slots, source[end:]


def _chosen(values: Values, names: Sequence[str]) -> list[Any]:
    return [values[name] for name in names]


class Piece(Generic[Made]):
    """Some whole lines of a mail; made once for each set of values, of which the last few hundred are remembered."""

    def __init__(self, filling: Filling, made_of: Callable[[str], Made]) -> None:
        self._filling = filling
        self._made_of = made_of
        self._chosen = _choice(filling.names)
        self._known: dict[Any, Made] = {}

    def __call__(self, values: Values) -> Made:
        """The lines for one mail. Raises `DigestError` when they ask for more than `values`."""
        try:
            key = self._chosen(values)
        except KeyError:
            key = None  # the filling says so
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = known = self._made_of(self._filling(values))
        return known


def _choice(names: Sequence[str]) -> Callable[[Values], Any]:
    return itemgetter(*names) if names else lambda _: None


class Shell:
    """What stands around something: before it, and after.

    Where mails differ there is a `Piece`. What stands between such pieces is looked up at once: all of it goes by the few
    values that many mails have in common.
    """

    def __init__(self, head: Sequence[Filling], foot: Sequence[Filling]) -> None:
        self._fillings = (*head, *foot)
        self._inside = len(head)
        pieces = {one: Piece(one, form_of) for one in self._fillings}
        self._own = [(at, pieces[one]) for at, one in enumerate(self._fillings) if not _is_common(one)]
        common = {name for one in self._fillings if _is_common(one) for name in one.names}
        self._chosen = _choice(sorted(common))
        self._known: dict[Any, list[bytes]] = {}

    def fill(self, values: Values, inside: Sequence[bytes] = ()) -> list[bytes]:
        """One mail, as forms. Raises `DigestError` when a template asks for more than `values`."""
        key = self._chosen(values)
        parts = (self._known.get(key) or self._learn(key, values)).copy()
        for at, piece in self._own:
            parts[at] = piece(values)
        parts[self._inside : self._inside] = inside
        return parts

    def _learn(self, key: Any, values: Values) -> list[bytes]:
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[key] = known = [_common(one, values) for one in self._fillings]
        return known


def _common(filling: Filling, values: Values) -> bytes:
    if not _is_common(filling):
        return b""
    form = form_of(filling(values))
    return shared(form) if _PUBLIC.issuperset(filling.names) else form


def _is_common(filling: Filling) -> bool:
    return _COMMON.issuperset(filling.names)


class TemplateFolder:
    """Folders like `templates`, the first that has a file wins, in the colours of one theme.

    The methods raise `DigestError` for what is missing or broken.
    """

    def __init__(self, folders: Sequence[Path], theme: Theme) -> None:
        self._folders = [folder / "email" for folder in folders]
        self._theme = theme
        strict: dict[str, Any] = {
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
            loader=FileSystemLoader(self._folders),
            variable_start_string="[[",
            variable_end_string="]]",
            block_start_string="[%",
            block_end_string="%]",
            comment_start_string="[#",
            comment_end_string="#]",
            **strict,
        )

    def html(self, name: str) -> Filling:
        """A hand-written HTML template."""
        return self._checked(name, lambda: Filling(self._html, self.source(name), name))

    def subject(self, name: str) -> Piece[str]:
        """The template of a subject, which is one line."""
        return Piece(self.text(name), lambda line: line.rstrip("\n"))

    def text(self, name: str) -> Filling:
        """A plain-text template; the filter `wrapped` sets a paragraph to 72 columns."""
        return self._checked(name, lambda: Filling(self._text, self.source(name), name))

    def html_shell(self, name: str) -> Shell:
        """An MJML document as HTML."""
        return self._checked(name, lambda: _shell(self._html, mjml2html(self.source(name), fonts={}), name))

    def text_shell(self, name: str) -> Shell:
        """The plain text around the papers."""
        return self._checked(name, lambda: _shell(self._text, self.source(name), name))

    def around_chips(self, name: str) -> tuple[Filling, Filling]:
        """What stands before and behind the reasons of a paper."""
        environment = self._html if name.endswith(".html") else self._text
        return self._checked(name, lambda: _halves(environment, self.source(name), name))

    def source(self, name: str) -> str:
        """A template with its square brackets filled."""
        return self._source.get_template(name).render(theme=self._theme)

    def _checked(self, name: str, make: Callable[[], Made]) -> Made:
        try:
            return make()
        except (TemplateError, ValueError, OSError) as error:
            places = [folder / name for folder in self._folders]
            broken = next((file for file in places if file.exists()), places[0])
            raise DigestError(f"the template {broken} is broken: {error}") from error


def _halves(environment: Environment, source: str, file: str) -> tuple[Filling, Filling]:
    head, _, foot = source.partition(CHIPS)
    return Filling(environment, head, file), Filling(environment, foot.removeprefix("\n"), file)


def _shell(environment: Environment, source: str, file: str) -> Shell:
    head, _, foot = source.partition(PAPERS)
    once = lru_cache(None)(
        lambda part: Filling(environment, part, file)
    )  # a subject stands in several places

    def fillings(half: str) -> list[Filling]:
        return [once(part.rstrip(" ")) for part in half.split(CUT) if part.strip(" ")]

    return Shell(fillings(head), fillings(foot))
