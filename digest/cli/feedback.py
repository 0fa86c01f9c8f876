"""`digest feedback`: teach the scorer, and let it forget."""

from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from digest.cli.context import Context, exits_in_words
from digest.cli.output import print_json

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
    from digest import feedback as verbs
    from digest.app import App, read_places

    context: Context = ctx.obj
    if verb not in ("more", "less", "forget"):
        raise typer.BadParameter(f"{verb!r} is none of more, less, forget", param_hint="verb")
    if verb != "forget" and not papers:
        raise typer.BadParameter("name at least one paper", param_hint="papers")
    files = [place for place in papers or () if Path(place).is_file()]
    named = [place for place in papers or () if place not in files]
    with exits_in_words(), App.open(context.home) as app:
        app.sync(now=context.now)
        if verb == "forget":
            learnt = verbs.forget(app.store, subscriber, named)
        else:
            direction = cast("Literal['more', 'less']", verb)
            learnt = verbs.vote(app.store, subscriber, direction, named, now=context.now)
            if files:
                pages = read_places(files, context.now)
                also = verbs.learn_from(app.store, subscriber, direction, pages, now=context.now)
                learnt = verbs.Learnt(learnt.changed + also.changed, also.votes)
    if as_json:
        print_json({"changed": learnt.changed, "votes": learnt.votes})
    else:
        done = "forgotten" if verb == "forget" else f"taken as {verb} like this"
        have = f"{learnt.votes.get('more', 0)} more, {learnt.votes.get('less', 0)} less"
        typer.echo(f"{learnt.changed} papers {done}; {subscriber} now has {have}")
