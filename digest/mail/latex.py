"""Mathematics in titles and abstracts, as far as plain letters can say it.

Not a reader of TeX: what it does not know stays as it was written.
"""

import re

from digest.latex_symbols import COMMANDS, SUBSCRIPTS, SUPERSCRIPTS

# Commands that dress their argument, and operators that are said as they are spelled.
_DRESS = re.compile(
    r"\\(?:mathcal|mathbb|mathbf|mathrm|mathit|mathsf|mathtt|boldsymbol|bm|operatorname\*?|text(?:bf|it|tt|rm|sc|sf)?|emph|hat|tilde|bar"
    r"|widehat|widetilde|overline|underline)\s*(?:\{([^{}]*)\}|(\w))"
)
_OPERATOR = re.compile(r"\\(log|exp|min|max|arg|sin|cos|tan|det|dim|lim|sup|inf|Pr|poly|ln)(?![A-Za-z])")
_COMMAND = re.compile(r"\\([A-Za-z]+)\s*")
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\{([^{}]*)\}")
_RAISED, _LOWERED = str.maketrans(SUPERSCRIPTS), str.maketrans(SUBSCRIPTS)
_SCRIPT = re.compile(r"([\^_])(?:\{([^{}]*)\}|(\w|[∗⋆]))")
# A dollar opens before a sign and closes after one, and no digit follows: "$5 to $10" is money.
_MATHS = re.compile(r"\$\$?(?=\S)([^$]{1,200}?)(?<=\S)\$\$?(?!\d)|\\\(([^$]{1,200}?)\\\)")
_ESCAPED = re.compile(r"\\([%&#_{}$])")


def readable(text: str) -> str:
    """`text` with its LaTeX written in plain letters: `$\\mathcal{O}(n^2)$` becomes `O(n²)`."""
    if "$" not in text and "\\" not in text:
        return text
    text = _MATHS.sub(lambda found: _maths(found[1] or found[2]), text)
    return _ESCAPED.sub(r"\1", _DRESS.sub(_inner, text))


def _maths(source: str) -> str:
    plain = _DRESS.sub(_inner, _DRESS.sub(_inner, source))
    plain = _ROOT.sub(r"√(\1)", _FRACTION.sub(r"\1/\2", plain))
    plain = _OPERATOR.sub(r"\1", plain.replace("\\left", "").replace("\\right", "").replace("\\,", " "))
    plain = _COMMAND.sub(lambda found: COMMANDS.get(found[1], found[0]), plain)
    return _ESCAPED.sub(r"\1", _SCRIPT.sub(_script, plain)).replace("~", " ")


def _inner(found: re.Match[str]) -> str:
    return found[1] if found[1] is not None else found[2]


def _script(found: re.Match[str]) -> str:
    """A raised or lowered run, if every sign of it has such a form; else as it was, without its braces."""
    inner = found[2] if found[2] is not None else found[3]
    moved = inner.translate(_RAISED if found[1] == "^" else _LOWERED)
    return moved if all(a != b for a, b in zip(inner, moved, strict=True)) else f"{found[1]}{inner}"
