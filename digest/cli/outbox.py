"""`digest outbox`: what is owed, to whom, and what became of it."""

from typing import Annotated

import typer

from digest.cli.context import Context, exits_in_words
from digest.cli.output import print_json, print_table

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]

outbox = typer.Typer(no_args_is_help=True, help="What is owed, to whom, and what became of it.")


@outbox.command("list")
def list_deliveries(
    ctx: typer.Context,
    papers: Annotated[
        bool, typer.Option("--papers", help="With the papers of each digest and why they came.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest deliveries with their state.

    Example: digest outbox list --papers
    """
    from digest.app import App
    from digest.store.history import newest_deliveries, shown_in

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app, app.store.reading() as db:
        found = newest_deliveries(db, limit)
        for row in found if papers else ():
            row["papers"] = shown_in(db, row["id"])
    if as_json:
        print_json(found)
        return
    if not papers:
        columns = ("id", "state", "on", "subscriber", "subject", "last reply")
        rows = [(r["id"], r["state"], r["on"], r["subscriber"], r["subject"], r["last_reply"]) for r in found]
        print_table(columns, rows)
        return
    for row in found:
        lines = [
            (f"{p['score']:.2f}", p["title"], ", ".join(term for _, term, part in p["why"][:2] if part > 0))
            for p in row["papers"]
        ]
        print_table(("score", "paper", "why"), lines, title=f"{row['subscriber']}  ({row['state']})")
        typer.echo("")
