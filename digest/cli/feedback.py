"""`digest feedback`: teach the scorer, and let it forget."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from digest.cli.context import Context, exits_in_words
from digest.cli.output import print_json
from digest.mail.wording import counted

if TYPE_CHECKING:
    from digest.feedback import Learnt

Verb = Literal["more", "less", "forget"]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def feedback(
    ctx: typer.Context,
    subscriber: Annotated[str, typer.Argument(help="A subscriber's address.")],
    verb: Annotated[str, typer.Argument(help="more | less | forget")],
    papers: Annotated[
        list[str] | None,
        typer.Argument(help="Ids, titles, or files (BibTeX, RIS, saved pages); none with forget: all."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for more or less papers like some, or forget what was asked.

    Example: digest feedback reader@example.org more 2503.01234 library.bib
    """
    context: Context = ctx.obj
    if verb not in ("more", "less", "forget"):
        raise typer.BadParameter(f"{verb!r} is none of more, less, forget", param_hint="verb")
    if verb != "forget" and not papers:
        raise typer.BadParameter("name at least one paper", param_hint="papers")
    learnt = _learn(context, subscriber, cast("Verb", verb), papers or ())
    if as_json:
        print_json({"changed": learnt.changed, "votes": learnt.votes})
    else:
        done = "forgotten" if verb == "forget" else f"taken as {verb} like this"
        have = f"{learnt.votes.get('more', 0)} more, {learnt.votes.get('less', 0)} less"
        typer.echo(f"{counted(learnt.changed, 'paper')} {done}; {subscriber} now has {have}")


def _learn(context: Context, subscriber: str, verb: Verb, papers: Sequence[str]) -> "Learnt":
    """Do it for what is named and for what is in files. Exits with words."""
    from digest.app import App
    from digest.feedback import Learnt, forget, forget_from, learn_from, vote
    from digest.pages.places import read_places

    now = context.now
    files = [place for place in papers if Path(place).is_file()]
    named = [place for place in papers if place not in files]
    with exits_in_words(), App.open(context.home) as app:
        app.sync(now=now)
        store, pages, done = app.store, read_places(files, now), []
        if verb == "forget":
            if named or not files:  # nothing at all named: everything
                done.append(forget(store, subscriber, named))
            if files:
                done.append(forget_from(store, subscriber, pages))
        else:
            done.append(vote(store, subscriber, verb, named, now=now))
            if files:
                done.append(learn_from(store, subscriber, verb, pages, now=now))
        return Learnt(sum(one.changed for one in done), done[-1].votes)
