"""Mathematics in titles and abstracts, as far as plain letters can say it.

Not a reader of TeX: what it does not know stays as it was written.
"""

import re

_GREEK = dict(
    zip(
        [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "iota",
            "kappa",
            "lambda",
            "mu",
            "nu",
            "xi",
            "pi",
            "rho",
            "sigma",
            "tau",
            "upsilon",
            "phi",
            "chi",
            "psi",
            "omega",
        ],
        "αβγδεζηθικλμνξπρστυφχψω",
        strict=True,
    )
)
_CAPITALS = dict(
    zip(
        ["Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"],
        "ΓΔΘΛΞΠΣΦΨΩ",
        strict=True,
    )
)
_SIGNS = {
    "times": "×", "cdot": "·", "pm": "±", "approx": "≈", "sim": "∼", "simeq": "≃", "equiv": "≡", "leq": "≤", "le": "≤",
    "geq": "≥", "ge": "≥", "neq": "≠", "ne": "≠", "ll": "≪", "gg": "≫", "to": "→", "rightarrow": "→", "leftarrow": "←",
    "leftrightarrow": "↔", "Rightarrow": "⇒", "mapsto": "↦", "infty": "∞", "partial": "∂", "nabla": "∇", "sum": "∑",
    "prod": "∏", "int": "∫", "in": "∈", "notin": "∉", "subset": "⊂", "subseteq": "⊆", "cup": "∪", "cap": "∩",
    "emptyset": "∅", "forall": "∀", "exists": "∃", "ell": "ℓ", "varepsilon": "ε", "varphi": "φ", "dots": "…", "ldots": "…",
    "cdots": "⋯", "star": "⋆", "ast": "∗", "circ": "∘", "oplus": "⊕", "otimes": "⊗", "propto": "∝", "uparrow": "↑",
    "downarrow": "↓", "langle": "⟨", "rangle": "⟩", "degree": "°", "quad": " ", "prime": "′",
}  # fmt: skip
_SAID = _GREEK | _CAPITALS | _SIGNS
# Commands that dress their argument, and operators that are said as they are spelled.
_DRESS = re.compile(
    r"\\(?:mathcal|mathbb|mathbf|mathrm|mathit|mathsf|mathtt|boldsymbol|bm|operatorname\*?|text(?:bf|it|tt|rm|sc|sf)?|emph|hat|tilde|bar"
    r"|widehat|widetilde|overline|underline)\s*(?:\{([^{}]*)\}|(\w))"
)
_OPERATOR = re.compile(r"\\(log|exp|min|max|arg|sin|cos|tan|det|dim|lim|sup|inf|Pr|poly|ln)(?![A-Za-z])")
_COMMAND = re.compile(r"\\([A-Za-z]+)\s*")
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\{([^{}]*)\}")
_RAISED = str.maketrans("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-=()aeoxhklmnpstijruv", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ")
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
    plain = _COMMAND.sub(lambda found: _SAID.get(found[1], found[0]), plain)
    return _ESCAPED.sub(r"\1", _SCRIPT.sub(_script, plain)).replace("~", " ")


def _inner(found: re.Match[str]) -> str:
    return found[1] if found[1] is not None else found[2]


def _script(found: re.Match[str]) -> str:
    """A raised or lowered run, if every sign of it has such a form; else as it was, without its braces."""
    inner = found[2] if found[2] is not None else found[3]
    moved = inner.translate(_RAISED if found[1] == "^" else _LOWERED)
    return moved if all(a != b for a, b in zip(inner, moved, strict=True)) else f"{found[1]}{inner}"
