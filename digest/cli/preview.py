"""`digest preview`: what a profile gets, or would have got, and how mails look; sends nothing and changes nothing."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.cli.output import print_json, print_table
from digest.mail.wording import counted

if TYPE_CHECKING:
    from digest.model import Pick
    from digest.preview import Preview, Quiet
    from digest.replay import Day, TimeMachine

_WIDTHS = (320, 640)
_DATE = "%Y-%m-%d"
_WEEK = timedelta(days=7)


Out = Annotated[Path, typer.Option("--out", help="Folder for what is written.")]
ProfileFile = Annotated[
    Path | None, typer.Option("--profile", help="A profile file, as in config/subscribers/.")
]
Pages = Annotated[
    list[str] | None,
    typer.Option("--page", help="A page: file, folder or address; may be repeated. None: the home's papers."),
]
Since = Annotated[
    datetime | None,
    typer.Option("--since", formats=[_DATE], metavar="<YYYY-MM-DD>", help="Every digest since this day."),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", formats=[_DATE], metavar="<YYYY-MM-DD>", help="And up to this one; else today."),
]
Other = Annotated[
    Path | None,
    typer.Option("--diff", help="Another profile: what would it add or drop? Without --since: in a week."),
]
Kind = Annotated[
    str | None, typer.Option("--mail", help="A sample of another mail: weekly, confirm, ... or all.")
]
Looks = Annotated[bool, typer.Option("--all", help="One page with every mail in every theme.")]
ThemeName = Annotated[str, typer.Option("--theme", help="paper | ink | sea | moss")]
Widths = Annotated[
    list[int] | None,
    typer.Option("--width", min=240, max=2000, help="Of pictures, in pixels; may be repeated."),
]
Screenshot = Annotated[
    bool, typer.Option("--screenshot", help="Pictures too, by day and night; needs Chromium.")
]
Opened = Annotated[bool, typer.Option("--open", help="Open the result in the browser.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def preview(
    ctx: typer.Context,
    out: Out,
    profile: ProfileFile = None,
    page: Pages = None,
    since: Since = None,
    until: Until = None,
    diff: Other = None,
    mail: Kind = None,
    looks: Looks = False,
    theme: ThemeName = "paper",
    width: Widths = None,
    screenshot: Screenshot = False,
    is_opened: Opened = False,
    as_json: AsJson = False,
) -> None:
    """Show what a profile gets from some pages, without home, database, network or mail server.

    With --since: what every day would have brought; with --diff: what another profile would change.

    Example: digest preview --profile me.toml --page papers.txt --out preview --open
    """
    context: Context = ctx.obj
    asked = _Asked(context, out, theme, as_json=as_json)
    with exits_in_words():
        if looks:
            first = asked.looks(min(width) if width else 400)
        elif mail is not None:
            first = asked.samples(mail)
        elif profile is None:
            raise typer.BadParameter("give --profile and --page, or --mail, or --all")
        elif since is not None or diff is not None:
            first = asked.days(profile, page or (), _between(since, until, context), diff)
        elif until is not None:
            raise typer.BadParameter("give --since, too", param_hint="--until")
        else:
            first = asked.one(profile, page)
        if screenshot:
            _take_pictures(first, width)
    if is_opened:
        typer.launch(first.resolve().as_uri())


def _between(since: datetime | None, until: datetime | None, context: Context) -> tuple[date, date]:
    last = until.date() if until else context.now.date()
    return (since.date() if since else last - _WEEK), last


def _take_pictures(page: Path, widths: Sequence[int] | None) -> None:
    from digest.pictures import take_pictures

    for picture in take_pictures(page, widths or _WIDTHS):
        complain(f"written {picture}")


class _Asked:
    """One call of `preview`: where to write, how it looks, how to answer. Each way returns the page to look at first."""

    def __init__(self, context: Context, out: Path, theme: str, *, as_json: bool) -> None:
        self._context = context
        self._out = out
        self._theme = theme
        self._as_json = as_json

    def looks(self, width: int) -> Path:
        """Every mail in every theme."""
        from digest.album import write_looks

        written = write_looks(self._out, width=width)
        if self._as_json:
            print_json({"written": written})
        else:
            typer.echo(f"written      {written[0]}, and {counted(len(written) - 1, 'mail')}")
        return written[0]

    def samples(self, mail: str) -> Path:
        """One mail of a kind, or of every kind, about invented papers."""
        from digest.mail.catalogue import sample, sample_message
        from digest.mail.render import KINDS, Renderer
        from digest.mail.themes import build_theme
        from digest.preview import write_into

        renderer = Renderer(theme=build_theme(self._theme))
        written = []
        for kind in KINDS if mail == "all" else (mail,):
            rendered = sample(kind, renderer)
            written += write_into(
                self._out,
                {
                    f"{kind}.html": rendered.html.encode(),
                    f"{kind}.txt": rendered.text.encode(),
                    f"{kind}.eml": sample_message(rendered).raw,
                },
            )
            if not self._as_json:
                typer.echo(f"written      {self._out / kind}.html, .txt, .eml: {rendered.subject}")
        if self._as_json:
            print_json({"written": written})
        return written[0]

    def one(self, profile: Path, pages: Sequence[str] | None) -> Path:
        """The digest that these pages make."""
        if not pages:
            raise typer.BadParameter("give --page, or --since for the papers of the home")
        from digest.pages.places import read_places, wait_for_settling
        from digest.preview import make_preview, scores_of, write_preview
        from digest.profiles import read_profile

        now = self._context.now
        wanted = read_profile(profile)
        wait_for_settling([Path(place) for place in pages])
        made = make_preview(wanted, read_places(pages, now), now=now)
        written = write_preview(made, self._out, theme=self._theme, profile_file=profile.name, now=now)
        for trouble in made.troubles:
            complain(trouble)
        if self._as_json:
            print_json(scores_of(made.digest))
        else:
            _tell(made, written)
        return written[0]

    def days(self, file: Path, pages: Sequence[str], between: tuple[date, date], diff: Path | None) -> Path:
        """What every day would have brought, or what another profile would have changed."""
        from digest.album import write_changes, write_days
        from digest.profiles import read_profile
        from digest.replay import compare

        profile, other = read_profile(file), read_profile(diff) if diff else None
        machine = self._machine(pages)
        since, until = between
        days = machine.replay(profile, since=since, until=until)
        if other is None:
            self._tell_days(days)
            return write_days(profile, days, self._out, theme=self._theme, profile_file=file.name)[0]
        changes = compare(days, machine.replay(other, since=since, until=until))
        rows = [
            (change.on, sign, pick.paper.title, _why(pick))
            for change in changes
            for sign, picks in (("+", change.added), ("-", change.dropped))
            for pick in picks
        ]
        self._answer(("day", "", "paper", "why"), rows)
        return write_changes(profile, other, changes, self._out, theme=self._theme)[0]

    def _machine(self, pages: Sequence[str]) -> "TimeMachine":
        """Over the given pages, else over the papers of the home."""
        from digest.app import App
        from digest.pages.places import read_places, wait_for_settling
        from digest.preview import papers_of
        from digest.replay import Known, TimeMachine
        from digest.store.papers import seen_since

        if pages:
            wait_for_settling([Path(place) for place in pages])
            known, troubles = papers_of(read_places(pages, self._context.now))
            for trouble in troubles:
                complain(trouble)
            return TimeMachine(known)
        with App.open(self._context.home) as app, app.store.reading() as db:
            limits = app.limits()
            stored = seen_since(db, self._context.now - limits.corpus, limit=limits.corpus_papers)
            known = [Known(one.paper, one.last_seen_at) for one in stored]
            return TimeMachine(known, daily_lookback=limits.lookback, encoder=limits.encoder)

    def _tell_days(self, days: "list[Day]") -> None:
        rows = [(day.issue.on, pick.paper.title, _why(pick)) for day in days for pick in day.picks]
        self._answer(("day", "paper", "why"), rows)

    def _answer(self, columns: tuple[str, ...], rows: Sequence[Sequence[object]]) -> None:
        if self._as_json:
            names = [column or "change" for column in columns]
            print_json({"papers": [dict(zip(names, row, strict=True)) for row in rows]})
            return
        if rows:
            print_table(columns, rows)
        else:
            typer.echo(f"No paper would have {'changed' if '' in columns else 'come'} on these days.")
        typer.echo(f"\nwritten      {self._out / 'index.html'}")


def _tell(made: "Preview", written: list[Path]) -> None:
    if made.quiet:
        _tell_why_not(made, made.quiet)
    else:
        rows = [(f"{pick.score.value:.3f}", pick.paper.title, _why(pick)) for pick in made.digest.picks]
        print_table(("score", "paper", "why"), rows)
    typer.echo(f"\nwritten      {', '.join(str(path) for path in written)}")


def _tell_why_not(made: "Preview", quiet: "Quiet") -> None:
    """There are papers, and none of them comes: what the keywords find, what is nearest, and what to try."""
    from digest.cli.keywords import print_advice

    sent = (
        f"Nothing would be sent: {made.skip.detail}"
        if made.skip
        else "Only the note of a quiet day would be sent"
    )
    typer.echo(f"{sent}.\n")
    if quiet.advice:
        print_advice(quiet.advice)
        typer.echo("")
    if quiet.nearest:
        typer.echo(f'The nearest is "{quiet.nearest}": {quiet.kept_out}.\n')
    typer.echo(
        "To try: other words for the same thing in one interest, more pages, or trending = 0.6 in the profile, with which"
        " popular papers make a digest, too."
    )


def _why(pick: "Pick") -> str:
    best = sorted(pick.score.why, key=lambda reason: -reason.contribution)[:2]
    return ", ".join(f"{reason.term} {reason.contribution:+.2f}" for reason in best)
