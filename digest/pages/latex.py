r"""TeX in titles, abstracts and names as Unicode, where that is certain; everything else stays as its author wrote it.

`H$_2$O` becomes `H₂O`, `G\"odel` `Gödel`, `$O(n \log n)$` `O(n log n)`; `$\frac{1}{2}$` stays, and so does the price in
"$5 or $6". Only texts that are TeX sources come here: those of arXiv and of BibTeX. Time is linear in the text.
"""

import re
import unicodedata

from digest.latex_symbols import BLACKBOARD, COMMANDS, LETTERS, SUBSCRIPTS, SUPERSCRIPTS

_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307", '"': "\u0308",
    "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
}  # fmt: skip
# \'e, \'{e}, {\'e}, \v{c}, \v c, \'\i: the accent, then one letter, in braces or not.
_ACCENT = re.compile(
    r"""\{?\\(?:(['`^"~=.])\s?|([uvHckrd])(?=[\s{]))\s?(?:\{(\\[ij]|[A-Za-z])\}|(\\[ij]\b|[A-Za-z]))\}?"""
)
_LETTER = re.compile(r"\{?\\(ss|ae|AE|oe|OE|aa|AA|o|O|l|L|i|j)(?:\{\}|\b ?)\}?")
_MATH = re.compile(r"(?<![\\$])\$(?! )([^$]{1,300}?)(?<![ \\])\$(?![\d$])")
_MATH_TOKEN = re.compile(
    r"(?P<script>[_^])(?:\{(?P<group>[^{}]{0,40})\}|(?P<one>\\[A-Za-z]+|.))"
    r"|\\(?P<style>mathbb|mathcal|mathrm|mathbf|mathit|mathsf|mathtt|text|textit|textbf|texttt|operatorname|bm|boldsymbol)"
    r"\s?\{(?P<styled>[^{}\\]{0,80})\}"
    r"|\\(?P<command>[A-Za-z]+)\s?|\\(?P<sign>[^A-Za-z])|(?P<plain>[^\\{}_^]+)|\{(?P<braced>[^{}\\_^]{0,80})\}"
)
_SIGNS = {
    "%": "%",
    "&": "&",
    "#": "#",
    "_": "_",
    "$": "$",
    "{": "{",
    "}": "}",
    ",": " ",
    ";": " ",
    ":": " ",
    " ": " ",
    "!": "",
}
_UNWRAPPED = re.compile(
    r"\\(?:emph|textit|textbf|texttt|textsc|textsf|textrm|text|mbox|underline|url|uline)\{([^{}]{0,1000})\}"
    r"|\{\\(?:it|em|bf|tt|sc|sl|sf|rm)\s([^{}]{0,1000})\}|\\href\{[^{}]{0,1000}\}\{([^{}]{0,1000})\}"
)
_CITATION = re.compile(r"[~ ]?\\(?:cite[a-z]{0,6}|footnote|ref|label)\{[^{}]{0,1000}\}")
_ESCAPED = re.compile(r"\\([%&#_${}])")
_PLAIN_COMMAND = re.compile(r"\\([A-Za-z]{2,20})(?![A-Za-z])(?:\{\})?")
_QUOTED = re.compile(r"``([^`']{1,1000})''")
_ADDRESS = re.compile(r"(https?://\S+)")
_DASH = re.compile(r"(?<=\w)(---?)(?=\w)|(?<=\s)(---?)(?=\s)")
_TIE = re.compile(r"(?<=[^\s/\\])~(?=\S)")


def readable(text: str) -> str:
    """The text with its TeX as Unicode so far as that is certain."""
    parts: list[str] = []
    at = 0
    for formula in _MATH.finditer(text) if "$" in text else ():
        parts += (_prose(text[at : formula.start()]), _math(formula))
        at = formula.end()
    return "".join([*parts, _prose(text[at:])])


def _prose(text: str) -> str:
    if "\\" in text:
        text = _LETTER.sub(lambda match: LETTERS[match[1]], _ACCENT.sub(_accented, text))
        text = _UNWRAPPED.sub(lambda match: match[1] or match[2] or match[3] or "", _CITATION.sub("", text))
        text = _PLAIN_COMMAND.sub(lambda match: COMMANDS.get(match[1], match[0]), _ESCAPED.sub(r"\1", text))
    # Every second piece is an address, in which dashes and tildes are themselves.
    pieces = _ADDRESS.split(text)
    return "".join(piece if number % 2 else _punctuated(piece) for number, piece in enumerate(pieces))


def _punctuated(text: str) -> str:
    text = _QUOTED.sub("\u201c\\1\u201d", text)
    return _TIE.sub(" ", _DASH.sub(lambda match: "\u2014" if "---" in match[0] else "\u2013", text))


def _accented(match: re.Match[str]) -> str:
    letter = (match[3] or match[4]).replace("\\", "")
    composed = unicodedata.normalize("NFC", letter + _ACCENTS[match[1] or match[2]])
    # Braces belong to the accent in pairs only: `{\'e}` has both, `{M\"uller}` is a group around a name.
    opened, closed = match[0].startswith("{"), match[0].endswith("}") and not match[3]
    doubled = match[3] is not None and match[0].endswith("}}")
    before = "{" if opened and not (closed or doubled) else ""
    after = "}" if (closed or doubled) and not opened else ""
    return before + composed + after


def _math(match: re.Match[str]) -> str:
    """A formula as text if every part of it has a character, else the formula as it was."""
    content, at, parts = match[1], 0, []
    while at < len(content):
        token = _MATH_TOKEN.match(content, at)
        part = _part(token) if token else None
        if token is None or part is None:
            return match[0]
        parts.append(part)
        at = token.end()
    return "".join(parts)


def _part(token: re.Match[str]) -> str | None:
    kind = token.lastgroup
    if token["script"]:
        return _script(token["script"], token["group"] if token["one"] is None else token["one"])
    if token["style"]:
        return (
            "".join(BLACKBOARD.get(one, one) for one in token["styled"])
            if token["style"] == "mathbb"
            else token["styled"]
        )
    if kind == "command":
        return COMMANDS.get(token["command"])
    return _SIGNS.get(token["sign"]) if kind == "sign" else token[0].strip("{}")


def _script(mark: str, text: str) -> str | None:
    known = SUBSCRIPTS if mark == "_" else SUPERSCRIPTS
    parts = [known.get(one) for one in text.strip()]
    return "".join(map(str, parts)) if parts and None not in parts else None
