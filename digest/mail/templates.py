"""Templates, compiled once.

Square brackets are filled first, with colours and measures of our own; then MJML is made HTML; what is left are Jinja's
curly brackets, filled for each mail. So nothing that comes from outside ever passes through MJML, whose compiler neither
escapes nor checks it.

What stands around the papers is cut into pieces: those that are the same for everybody, for everybody in an Issue, and
for one reader. Only the last are written for each mail.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.meta import find_undeclared_variables
from markupsafe import escape
from mjml import mjml2html

from digest.errors import DigestError
from digest.mail.direction import in_plain_text
from digest.mail.quoted import Fragment
from digest.mail.themes import Theme

# Marks inside a shell: a cut parts two pieces; the papers come in at the other.
CUT = "{# cut #}"
PAPERS = "{# papers #}"
# Values that many mails have in common: what is made of them alone is kept.
_COMMON = frozenset({"name", "day", "why", "footer"})
_KEPT = 512
# What most templates around the papers do: put a value in.
_SLOT = re.compile(r"\{\{ ([a-z_]+)((?:\|wrapped)?) \}\}")
_MARKUP = re.compile(r"[&<>\"']")
_TEXT_WIDTH = 72
_WIDE_LETTERS = 34
Made = TypeVar("Made")
Values = Mapping[str, Any]


class Filling:
    """A template as a function of the names it uses.

    It is called as a macro: Jinja's own `render` spends more time on making a context than our templates take.
    """

    def __init__(self, environment: Environment, source: str, file: str) -> None:
        self._file = file
        self.names = tuple(sorted(find_undeclared_variables(environment.parse(source))))
        self._escapes = bool(environment.autoescape)
        self._parts = _SLOT.split(source)  # words, a name and whether it is wrapped, in turns
        # Where all there is to do is to put values in, that is done without a template.
        self._is_plain = len(self._parts) > 1 and not any("{" in words for words in self._parts[::3])
        # A subject stands in several places of one mail.
        self._last: tuple[list[Any], Fragment] = ([None], Fragment(""))
        # The plus signs keep the white space of the source as it is.
        macro = f"{{% macro fill({', '.join(self.names)}) +%}}{source}{{%+ endmacro %}}"
        self._fill = environment.from_string(macro).module.fill  # type: ignore[attr-defined]

    def __call__(self, values: Values) -> Fragment:
        """The template with `values`, as whole lines. Raises `DigestError` when it asks for more than those."""
        try:
            key = [values[name] for name in self.names]
            last = self._last  # read once: another thread may write another mail meanwhile
            if key == last[0]:
                return last[1]
            text = self._put_in(key, values) if self._is_plain else str(self._fill(*key))
        except KeyError as missing:
            known = ", ".join(sorted(values))
            raise DigestError(
                f"the template {self._file} asks for {missing}; it may use {known}"
            ) from missing
        except TemplateError as error:
            raise DigestError(f"the template {self._file} cannot be filled: {error}") from error
        made = Fragment(text if text.endswith("\n") or not text else f"{text}\n")
        self._last = (key, made)
        return made

    def _put_in(self, key: list[Any], values: Values) -> str:
        words = self._parts[::3]
        if len(key) == 1 == len(words) - 1:
            text = f"{words[0]}{self._value(key[0], self._parts[2])}{words[1]}"
        else:
            slots = zip(words, self._parts[1::3], self._parts[2::3], strict=False)
            filled = [before + self._value(values[name], wraps) for before, name, wraps in slots]
            text = "".join([*filled, words[-1]])
        return "" if text.isspace() else text  # a line that has nothing to say is none

    def _value(self, value: object, wraps: str) -> str:
        said = wrapped(str(value)) if wraps else str(value)
        return str(escape(said)) if self._escapes and _MARKUP.search(said) else said


class Stretch:
    """What stands between two places that only one reader's values fill; made once for each set of common values."""

    def __init__(self, fillings: Sequence[Filling]) -> None:
        self._fillings = fillings
        self._names = tuple({name: None for filling in fillings for name in filling.names})
        self._known: dict[tuple[Any, ...], Fragment] = {}

    def __call__(self, values: Values) -> Fragment:
        """The stretch for one mail."""
        key = tuple([values[name] for name in self._names])
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            known = Fragment("".join(filling(values).text for filling in self._fillings))
            self._known[key] = known
        return known


Fill = Callable[[Values], Fragment]


@dataclass(frozen=True)
class Shell:
    """What stands around the papers of a mail: before them, and after."""

    head: tuple[Fill, ...]
    foot: tuple[Fill, ...]

    def fill(self, values: Values) -> tuple[list[Fragment], list[Fragment]]:
        """Both halves for one mail."""
        return [fill(values) for fill in self.head], [fill(values) for fill in self.foot]


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

    def text(self, name: str) -> Filling:
        """A plain-text template; the filter `wrapped` sets a paragraph to 72 columns."""
        return self._checked(name, lambda: Filling(self._text, self.source(name), name))

    def html_shell(self, name: str) -> Shell:
        """An MJML document as HTML."""
        return self._checked(name, lambda: _shell(self._html, mjml2html(self.source(name), fonts={}), name))

    def text_shell(self, name: str) -> Shell:
        """The plain text around the papers."""
        return self._checked(name, lambda: _shell(self._text, self.source(name), name))

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


def _shell(environment: Environment, source: str, file: str) -> Shell:
    head, _, foot = source.partition(PAPERS)
    return Shell(tuple(_pieces(environment, head, file)), tuple(_pieces(environment, foot, file)))


def _pieces(environment: Environment, source: str, file: str) -> Iterator[Fill]:
    parts = [part.rstrip(" ") for part in source.split(CUT) if part.strip(" ")]
    made = {part: Filling(environment, part, file) for part in parts}
    fillings = [made[part] for part in parts]
    for is_common, run in groupby(fillings, lambda filling: _COMMON.issuperset(filling.names)):
        if is_common:
            yield Stretch(tuple(run))
        else:
            yield from run


def wrapped(text: str, indent: str = "") -> str:
    """`text` broken at spaces to 72 columns; a word that is longer stands alone on its line.

    Scripts that set no spaces are broken after every 34 letters, each of which is two columns wide.
    """
    if len(indent) + len(text) < _TEXT_WIDTH and text.isascii():
        return indent + text
    lines, line = [], indent
    for word in text.split(" "):
        if len(word) > _WIDE_LETTERS and not word.isascii():
            lines += [line] if line.strip() else []
            *full, line = [
                indent + word[at : at + _WIDE_LETTERS] for at in range(0, len(word), _WIDE_LETTERS)
            ]
            lines += full
            continue
        if len(line) + len(word) >= _TEXT_WIDTH and line.strip():
            lines.append(line)
            line = indent
        line = f"{line} {word}" if line.strip() else indent + word
    return "\n".join([in_plain_text(line, text) for line in (*lines, line)])
