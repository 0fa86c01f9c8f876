"""What TeX's commands look like."""

_GREEK = (
    "alpha α|beta β|gamma γ|delta δ|epsilon ϵ|varepsilon ε|zeta ζ|eta η|theta θ|vartheta ϑ|iota ι|kappa κ|lambda λ|mu μ|nu ν|"
    "xi ξ|pi π|rho ρ|sigma σ|tau τ|upsilon υ|phi ϕ|varphi φ|chi χ|psi ψ|omega ω|Gamma Γ|Delta Δ|Theta Θ|Lambda Λ|Xi Ξ|Pi Π|Sigma Σ|"
    "Upsilon Υ|Phi Φ|Psi Ψ|Omega Ω"
)
_SIGNS = (
    "cdot ·|times ×|div ÷|pm ±|mp ∓|leq ≤|le ≤|geq ≥|ge ≥|neq ≠|ne ≠|ll ≪|gg ≫|approx ≈|sim ∼|simeq ≃|equiv ≡|cong ≅|propto ∝|"
    "infty ∞|partial ∂|nabla ∇|ell ℓ|hbar ℏ|Re ℜ|Im ℑ|aleph ℵ|sum ∑|prod ∏|int ∫|in ∈|notin ∉|subset ⊂|subseteq ⊆|supset ⊃|cup ∪|"
    "cap ∩|emptyset ∅|varnothing ∅|forall ∀|exists ∃|neg ¬|land ∧|wedge ∧|lor ∨|vee ∨|to →|rightarrow →|leftarrow ←|mapsto ↦|"
    "leftrightarrow ↔|Rightarrow ⇒|Leftrightarrow ⇔|uparrow ↑|downarrow ↓|circ ∘|bullet •|star ⋆|ast ∗|dagger †|oplus ⊕|otimes ⊗|"
    "perp ⊥|parallel ∥|angle ∠|triangle △|square □|ldots …|cdots ⋯|dots …|prime ′|degree °|lfloor ⌊|rfloor ⌋|lceil ⌈|rceil ⌉|"
    "langle ⟨|rangle ⟩|sqrt √|lesssim ≲|gtrsim ≳|odot ⊙|mid ∣|setminus ∖"
)
_WORDS = (
    "log",
    "ln",
    "exp",
    "min",
    "max",
    "sup",
    "inf",
    "sin",
    "cos",
    "tan",
    "arg",
    "det",
    "dim",
    "ker",
    "lim",
    "Pr",
    "tanh",
    "gcd",
    "mod",
)

# Commands that stand for one sign or word. `\sqrt` and its like are only right where nothing in braces follows them, which
# the formula's reader sees: a brace with commands in it is no part it knows.
COMMANDS: dict[str, str] = {
    **{name: sign for name, _, sign in (pair.partition(" ") for pair in f"{_GREEK}|{_SIGNS}".split("|"))},
    **{word: f"{word} " for word in _WORDS},
    "quad": " ",
    "qquad": " ",
    "left": "",
    "right": "",
    "big": "",
    "Big": "",
    "textendash": "–",
    "textemdash": "—",
    "textasciitilde": "~",
    "textquotesingle": "'",
    "LaTeX": "LaTeX",
    "TeX": "TeX",
}

LETTERS = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "i": "ı",
    "j": "ȷ",
}  # fmt: skip

BLACKBOARD = dict(zip("CHNPQRZE", "ℂℍℕℙℚℝℤ𝔼", strict=True))
SUBSCRIPTS = dict(zip("0123456789+-=()aeoxhklmnpstijruv", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ", strict=True))
SUPERSCRIPTS = dict(zip("0123456789+-=()nidkmtTabc*", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵈᵏᵐᵗᵀᵃᵇᶜ*", strict=True))
