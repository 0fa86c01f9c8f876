"""Charts as inline SVG: pure markup that a screen reader can read, coloured by classes so that the page's theme rules.

There is no style attribute and no script in it, so the strictest Content-Security-Policy lets it through.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from digest.mail.wording import day_and_month, short_date

_WIDTH = 640
_HEIGHT = 168
_LEFT = 44  # for the figures of the scale
_BOTTOM = 30  # for the days, which a phone shows larger than the bars
_TOP = 10
_GAP = 0.28  # of a bar's room


@dataclass(frozen=True, slots=True)
class Bars:
    """One bar a day, made of parts. `parts` is in the order in which they are stacked, the lowest first."""

    name: str  # unique on its page: the parts of the chart are named after it
    title: str
    days: tuple[date, ...]
    parts: Mapping[str, tuple[int, ...]]  # class of the part -> one figure a day
    noun: str = "mails"


def bars(chart: Bars) -> Markup:
    """The chart as an `<svg>` with a title and a description that says what it shows in words."""
    top = _round_up(max((sum(day) for day in zip(*chart.parts.values(), strict=True)), default=0))
    drawn = [_scale(top), *(_bar(chart, index, top) for index in range(len(chart.days)))]
    head = Markup(
        '<svg class="chart" role="img" aria-labelledby="{0}-t {0}-d" viewBox="0 0 {1} {2}">'
        '<title id="{0}-t">{3}</title><desc id="{0}-d">{4}</desc>'
    ).format(chart.name, _WIDTH, _HEIGHT, chart.title, _in_words(chart))
    return head + Markup().join(drawn) + Markup("</svg>")


def legend(parts: Sequence[str]) -> Markup:
    """The names of the parts beside their colours."""
    items = (
        Markup(
            '<li><svg class="swatch" viewBox="0 0 10 10" aria-hidden="true" focusable="false">'
            '<rect class="part part-{0}" width="10" height="10"></rect></svg> {0}</li>'
        ).format(part)
        for part in parts
    )
    return Markup('<ul class="legend">') + Markup().join(items) + Markup("</ul>")


def _in_words(chart: Bars) -> str:
    """The sums, for whoever cannot see the bars; the page has the table too."""
    if not chart.days:
        return "There is nothing to show yet."
    sums = [f"{sum(figures):,} {part}" for part, figures in chart.parts.items() if sum(figures)]
    said = ", ".join(sums) or f"no {chart.noun}"
    return f"{day_and_month(chart.days[0])} to {day_and_month(chart.days[-1])}: {said}."


def _bar(chart: Bars, index: int, top: int) -> Markup:
    """One day, with what it is made of as its tooltip."""
    room = (_WIDTH - _LEFT) / max(len(chart.days), 1)
    x, width = _LEFT + room * (index + _GAP / 2), room * (1 - _GAP)
    day, drawn, base = chart.days[index], [], float(_HEIGHT - _BOTTOM)
    said = ", ".join(f"{figures[index]:,} {part}" for part, figures in chart.parts.items() if figures[index])
    for part, figures in chart.parts.items():
        height = (_HEIGHT - _BOTTOM - _TOP) * figures[index] / top
        base -= height
        if height:
            drawn.append(
                Markup(
                    '<rect class="part part-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"></rect>'
                ).format(part, x, base, width, height)
            )
    label = Markup()
    if index in _labelled(len(chart.days)):
        label = Markup('<text class="day" x="{:.1f}" y="{}">{}</text>').format(
            x + width / 2, _HEIGHT - 6, " ".join(short_date(day).split()[:2])
        )
    tooltip = Markup("<title>{}: {}</title>").format(day_and_month(day), said or f"no {chart.noun}")
    return Markup("<g>") + tooltip + Markup().join(drawn) + label + Markup("</g>")


def _labelled(days: int) -> set[int]:
    """Which days are written out: never more than fit on a phone, the last one always."""
    step = max(1, -(-days // 7))
    return set(range(days - 1, -1, -step))


def _scale(top: int) -> Markup:
    lines = []
    for figure in (0, top // 2, top):
        y = _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * figure / top
        lines.append(
            Markup(
                '<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"></line>'
                '<text class="figure" x="{3}" y="{2:.1f}" dy=".35em">{4:,}</text>'
            ).format(_LEFT, _WIDTH, y, _LEFT - 6, figure)
        )
    return Markup('<g aria-hidden="true">') + Markup().join(lines) + Markup("</g>")


def _round_up(figure: int) -> int:
    """The next even figure of the form 2, 4, 6, 10, 20, 40 ... so that half of it is whole."""
    step = 1
    while True:
        for lead in (2, 4, 6, 10):
            if figure <= lead * step:
                return lead * step
        step *= 10
