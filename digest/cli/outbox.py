"""`digest outbox`: what is owed, to whom, and what became of it."""

from enum import StrEnum
from typing import Annotated

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.cli.output import print_json, print_table
from digest.model import DeliveryState

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]

DeliveryId = Annotated[int, typer.Argument(metavar="ID", help="As `digest outbox list` shows it.")]


class Outcome(StrEnum):
    """What the operator knows of a message in doubt."""

    SENT = "sent"
    RESEND = "resend"
    DROP = "drop"


outbox = typer.Typer(no_args_is_help=True, help="What is owed, to whom, and what became of it.")


@outbox.command("list")
def list_deliveries(
    ctx: typer.Context,
    papers: Annotated[
        bool, typer.Option("--papers", help="With the papers of each digest and why they came.")
    ] = False,
    state: Annotated[DeliveryState | None, typer.Option("--state", help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest deliveries with their state.

    Example: digest outbox list --state failed
    """
    from digest.alerts import hindrances
    from digest.app import App
    from digest.store.history import newest_deliveries, shown_in

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app, app.store.reading() as db:
        found = newest_deliveries(db, limit, state)
        for row in found if papers else ():
            row["papers"] = shown_in(db, row["id"])
        stopped = list(hindrances(db, app.settings.file.alerts, app.settings.home))
    if as_json:
        print_json(found)
        return
    nothing = (
        f"no delivery is {state}" if state else "no deliveries; `digest run` makes one for whoever is due"
    )
    if any(row["state"] in ("queued", "deferred") for row in found):
        for trouble in stopped:
            complain(f"{trouble.what}. {trouble.detail}")
    if not papers:
        columns = ("id", "state", "on", "subscriber", "subject", "last reply")
        rows = [(r["id"], r["state"], r["on"], r["subscriber"], r["subject"], r["last_reply"]) for r in found]
        print_table(columns, rows, none=nothing)
        return
    if not found:
        typer.echo(nothing)
    for row in found:
        lines = [
            (f"{p['score']:.2f}", p["title"], ", ".join(term for _, term, part in p["why"][:2] if part > 0))
            for p in row["papers"]
        ]
        print_table(("score", "paper", "why"), lines, title=f"{row['subscriber']}  ({row['state']})")
        typer.echo("")


@outbox.command("show")
def show_delivery(
    ctx: typer.Context,
    delivery_id: DeliveryId,
    raw: Annotated[bool, typer.Option("--raw", help="The message itself, byte for byte.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one delivery: its state, what the server said, and when it is tried next.

    Example: digest outbox show 12
    """
    from digest.app import App
    from digest.store import desk

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app, app.store.reading() as db:
        row = desk.show(db, delivery_id)
    message = row.pop("raw") or b""
    if raw:
        typer.echo(message, nl=False)
    elif as_json:
        print_json(row)
    else:
        print_table(("", ""), [(name.replace("_", " "), value) for name, value in row.items()])


@outbox.command("retry")
def retry_delivery(
    ctx: typer.Context,
    delivery_id: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="Without it: all deferred.")
    ] = None,
) -> None:
    """Try again at once: one delivery, or everything deferred; and ask a server in trouble again.

    Example: digest outbox retry
    """
    from digest.app import App
    from digest.store import desk
    from digest.store.outages import end_outage
    from digest.store.outbox import count_due

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app, app.store.writing() as tx:
        desk.retry(tx, delivery_id, now=context.now)
        end_outage(tx)
        count = count_due(tx, context.now)
    typer.echo(f"{count} to be sent; `digest deliver` does it now")


@outbox.command("hold")
def hold_delivery(ctx: typer.Context, delivery_id: DeliveryId) -> None:
    """Keep one delivery back until `retry`.

    Example: digest outbox hold 12
    """
    from digest.app import App
    from digest.store import desk

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app, app.store.writing() as tx:
        desk.hold(tx, delivery_id)
    typer.echo(f"delivery {delivery_id} is held; `digest outbox retry {delivery_id}` lets it go")


@outbox.command("resolve")
def resolve_delivery(
    ctx: typer.Context,
    delivery_id: DeliveryId,
    outcome: Annotated[Outcome, typer.Option("--as", help="sent | resend (the same bytes) | drop")],
) -> None:
    """Say what became of a message that may have been sent (policy on_unknown = "hold").

    Example: digest outbox resolve 12 --as sent
    """
    from digest.app import App
    from digest.store import desk

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app, app.store.writing() as tx:
        desk.resolve(tx, delivery_id, outcome.value, now=context.now)
    typer.echo(f"delivery {delivery_id}: {outcome.value}")
