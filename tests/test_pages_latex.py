"""TeX as Unicode, where that is certain."""

import time

import pytest

from digest.pages import parse
from digest.pages.identity import title_id
from digest.pages.latex import readable
from tests.builders import a_page


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"H$_2$O", "H₂O"),
        (r"10$^{-3}$ and $K^{+}$", "10⁻³ and K⁺"),
        (r"$O(n \log n)$", "O(n log n)"),
        (r"$\mathbb{R}^d$ is not $\mathcal{O}(\epsilon^{-2})$", "ℝᵈ is not O(ϵ⁻²)"),
        (
            r"Tr\'e G\"odel, M{\"u}ller, Erd\H{o}s, \v{C}ech, \'{\i}, Stra{\ss}e, Ng\^o, \O rsted",
            "Tré Gödel, Müller, Erdős, Čech, í, Straße, Ngô, Ørsted",
        ),
        (r"96.6\% of R\&D", "96.6% of R&D"),
        (r"{\it in situ} and \emph{in vivo}", "in situ and in vivo"),
        (r"as shown~\cite{one,two}.", "as shown."),
        (r"\url{https://x.example/~me/a--b}", "https://x.example/~me/a--b"),
        (r"``quoted'' 3--5, word---word, yes -- no", "“quoted” 3–5, word—word, yes – no"),
        (r"an Encoder~(AE)", "an Encoder (AE)"),
        (r"$p<0.05$ \alpha-helix", "p<0.05 α-helix"),
    ],
)
def test_certain_tex_becomes_unicode(tex, text):
    assert readable(tex) == text


@pytest.mark.parametrize(
    "text",
    [
        r"$\frac{1}{2} \sqrt{x}$",
        r"$x_{\mathrm{max}}$ and $y_q$",
        "It costs $5 or $6, $5M to $6M.",
        r"\unknown{thing} \nothing",
        "plain text, a_b, x^2, 100% #1 & {braces}",
        "run it with --flag or -x",
        "https://x.example/~me",
        "C:\\new\\table",
        "",
        "$",
        "\\",
    ],
)
def test_what_is_not_certain_stays_as_it_was(text):
    assert readable(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        "$",
        "{",
        "\\frac",
        "\\a{",
        "$a ",
        "\\'",
        "{\\",
        "``a",
        "\\emph{",
        "--",
        "~",
        "\\",
        "$\\alpha",
        "\\v ",
        "$_{",
    ],
)
def test_no_text_takes_more_than_linear_time(piece):
    started = time.process_time()

    readable(piece * (400_000 // len(piece)))

    assert time.process_time() - started < 2


def test_a_title_with_tex_keeps_the_identity_of_its_other_spellings():
    bibtex = "@misc{a, title={HyperZ$\\cdot$Z$\\cdot$W Operator}, author={A. B}}"

    [paper] = parse(a_page(bibtex)).papers

    assert paper.title == "HyperZ·Z·W Operator"
    assert paper.id == title_id("HyperZcdotZcdotW Operator")


def test_pages_that_are_not_tex_are_left_as_they_are():
    text = "byAK and the research community\n\nH$_2$O\n\n96.6\\% of it -- all."

    [paper] = parse(a_page(text)).papers

    assert (paper.title, paper.abstract) == ("H$_2$O", "96.6\\% of it -- all.")
