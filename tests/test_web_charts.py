"""Charts: markup that a strict policy lets through, and words for whoever sees no bars."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from digest.web.charts import Bars, bars, legend

SVG = "{http://www.w3.org/2000/svg}"
MONDAY = date(2026, 3, 2)


def a_chart(**parts):
    days = tuple(MONDAY + timedelta(days=n) for n in range(len(next(iter(parts.values()), ()))))
    return Bars("outbox", "Mails of the last days", days, parts)


def drawn(chart):
    return etree.fromstring(str(bars(chart)).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))


def heights(svg, part):
    return [
        float(node.get("height")) for node in svg.iter(f"{SVG}rect") if f"part-{part}" in node.get("class")
    ]


def test_a_chart_has_a_title_and_says_its_sums_in_words():
    svg = drawn(a_chart(sent=(3, 4), failed=(0, 1)))
    assert svg.get("role") == "img"
    named = svg.get("aria-labelledby").split()
    ids = {node.get("id"): node.text for node in svg.iter() if node.get("id")}
    assert ids[named[0]] == "Mails of the last days"
    assert ids[named[1]] == "2 March to 3 March: 7 sent, 1 failed."


def test_bars_are_as_high_as_their_figures_and_stand_on_each_other():
    svg = drawn(a_chart(sent=(2, 4), failed=(2, 0)))
    assert heights(svg, "sent")[1] == 2 * heights(svg, "sent")[0]
    assert heights(svg, "failed") == [heights(svg, "sent")[0]]
    days = [node for node in svg.findall(f"{SVG}g") if node.find(f"{SVG}title") is not None]
    assert [day.findtext(f"{SVG}title") for day in days] == ["2 March: 2 sent, 2 failed", "3 March: 4 sent"]
    lower, upper = days[0].findall(f"{SVG}rect")
    assert float(upper.get("y")) + float(upper.get("height")) == float(lower.get("y"))


def test_nothing_to_show_is_a_chart_too():
    assert "There is nothing to show yet." in bars(a_chart())
    assert "no mails" in bars(a_chart(sent=(0, 0)))


def test_a_chart_carries_no_style_and_no_script():
    markup = bars(a_chart(sent=(1,))) + legend(["sent"])
    assert "style" not in markup
    assert "<script" not in markup
    assert " on" not in markup.replace(" one", "")


def test_text_is_escaped():
    markup = bars(Bars("x", "<i>", (MONDAY,), {"a": (1,)}))
    assert "<i>" not in markup
    assert "&lt;i&gt;" in markup


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=90))
def test_no_bar_leaves_the_chart(figures):
    svg = drawn(a_chart(sent=tuple(f[0] for f in figures), failed=tuple(f[1] for f in figures)))
    for node in svg.iter(f"{SVG}rect"):
        assert float(node.get("y")) >= 9.9
        assert float(node.get("y")) + float(node.get("height")) <= 138.1
        assert float(node.get("x")) + float(node.get("width")) <= 640
    assert 1 <= len(list(svg.iter(f"{SVG}text"))) <= 3 + 7
