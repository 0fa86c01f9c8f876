"""`digest keywords`: how a profile's keywords fare."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import Context, exits_in_words
from digest.cli.output import print_json, print_table
from digest.mail.wording import counted

if TYPE_CHECKING:
    from digest.ranking.advice import KeywordAdvice

Whose = Annotated[str, typer.Argument(help="A profile file (.toml), or a subscriber's address.")]
Days = Annotated[int, typer.Option("--days", min=1, max=366, help="Count in the papers of so many days.")]
From = Annotated[
    list[str] | None,
    typer.Option("--from", help="Papers of yours: a BibTeX or RIS file, a saved page; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def keywords(
    ctx: typer.Context, whose: Whose, days: Days = 30, examples: From = None, as_json: AsJson = False
) -> None:
    """Show what each keyword of a profile found lately, what to write instead of a dead one, and what goes with it.

    Example: digest keywords config/subscribers/me.toml --from library.bib
    """
    from digest.app import App
    from digest.keywords import look_at_keywords, profile_of
    from digest.pages.places import read_places

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        app.sync(now=context.now)
        profile = profile_of(app.store, whose)
        wanted = [word for interest in profile.interests for word in interest.keywords]
        pages = read_places(examples or (), context.now)
        found = look_at_keywords(app.store, wanted, pages, limits=app.limits(), days=days, now=context.now)
    if as_json:
        print_json(asdict(found))
        return
    title = f"{counted(found.papers, 'paper')} of the last {counted(days, 'day')}"
    print_advice(found.advice, title=title)
    if found.proposed:
        typer.echo(f"\nYour papers suggest: {', '.join(found.proposed)}")


def print_advice(advice: "Sequence[KeywordAdvice]", *, title: str | None = None) -> None:
    """What each keyword found, and what to write instead or besides."""
    print_table(("keyword", "papers", ""), [_row(one) for one in advice], title=title)


def _row(one: "KeywordAdvice") -> tuple[str, int, str]:
    if not one.hits:
        meant = ", ".join(one.suggestions)
        return one.typed, 0, f"did you mean {meant}?" if meant else "no paper says this; try other words"
    also = f"also: {', '.join(one.near)}" if one.near else ""
    if one.is_too_common:
        return (
            one.typed,
            one.hits,
            "; ".join(filter(None, ("so common that it hardly tells papers apart", also))),
        )
    return one.typed, one.hits, also
