"""Commands that look: `papers`, `explain`, and `subscribers` with what an operator does for a person."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.context import Context, exits_in_words
from digest.cli.output import paper_as_json, print_json, print_table
from digest.mail.wording import counted

if TYPE_CHECKING:
    from digest.store.people import Status, Subscriber

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Address = Annotated[str, typer.Argument(help="A subscriber's address.")]


def papers(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the stored papers.

    Example: digest papers --json
    """
    from digest.app import App
    from digest.store.papers import every_paper

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app, app.store.reading() as db:
        found = list(every_paper(db))
    if as_json:
        print_json([paper_as_json(paper, pages) for paper, pages in found])
        return
    rows = [(paper.id, paper.title, paper.published_on, paper.upvotes, paper.comments) for paper, _ in found]
    print_table(("id", "title", "published", "upvotes", "comments"), rows)


def explain(
    ctx: typer.Context,
    subscriber: Address,
    paper: Annotated[str, typer.Argument(help="A paper's id, or its title.")],
    as_json: AsJson = False,
) -> None:
    """Say why a paper was, or was not, in somebody's digest.

    Example: digest explain reader@example.org 2503.01234
    """
    from digest.app import App
    from digest.explain import Explanation
    from digest.explain import explain as ask

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        found: Explanation = ask(app.store, subscriber, paper, limits=app.limits(), now=context.now)
    if as_json:
        score = (
            None
            if found.score is None
            else {"value": found.score.value, "reasons": [r._asdict() for r in found.score.why]}
        )
        answer = {
            "subscriber": subscriber,
            "paper": found.paper.id,
            "title": found.paper.title,
            "muted": score is None,
        }
        print_json(
            answer
            | {"score": score, "rank": found.rank, "candidates": found.candidates}
            | {"shown": found.shown, "verdict": found.verdict}
        )
        return
    typer.echo(f"{found.paper.title}\n{found.paper.id}\n")
    if found.score is not None:
        rows = [(f"{reason.contribution:+.3f}", reason.kind, reason.term) for reason in found.score.why]
        print_table(("part", "kind", "term"), [*rows, (f"{found.score.value:+.3f}", "", "score")])
        place = (
            f"rank {found.rank} of {counted(found.candidates, 'candidate')}"
            if found.rank
            else "too old to be a candidate now"
        )
        typer.echo(place)
    typer.echo(found.verdict)
    if found.shown:
        typer.echo(
            f"in the digest of {found.shown['on']} ({found.shown['state']}), with score {found.shown['value']:.3f}"
        )


subscribers = typer.Typer(no_args_is_help=True, help="People who get digests.")


@subscribers.command("list")
def list_subscribers(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List everybody, with status, cadence and when the next digest is due.

    Example: digest subscribers list
    """
    from digest.app import App
    from digest.store.people import every_subscriber

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        app.sync(now=context.now)
        with app.store.reading() as db:
            found = every_subscriber(db)
    if as_json:
        print_json([_person(person) for person in found])
        return
    rows = [
        (p.email, p.status, p.profile.cadence.every, p.file or p.owner, _due(p), p.profile_error)
        for p in found
    ]
    print_table(("subscriber", "status", "cadence", "owner", "next look", ""), rows)


def _person(person: "Subscriber") -> dict[str, Any]:
    keys = ("email", "status", "status_reason", "owner", "file", "profile_error", "next_due_at", "created_at")
    return {key: getattr(person, key) for key in keys} | {"cadence": person.profile.cadence.every}


def _due(person: "Subscriber") -> str:
    return f"{person.next_due_at:%Y-%m-%d %H:%M} UTC" if person.status == "active" else ""


def _change(ctx: typer.Context, email: str, status: "Status") -> None:
    from digest.app import App
    from digest.subscriptions import change_status

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        app.sync(now=context.now)
        person = change_status(app.store, email, status, now=context.now)
    typer.echo(f"{person.email} is {person.status}")


@subscribers.command()
def pause(ctx: typer.Context, email: Address) -> None:
    """Send nothing until `resume`.

    Example: digest subscribers pause reader@example.org
    """
    _change(ctx, email, "paused")


@subscribers.command()
def resume(ctx: typer.Context, email: Address) -> None:
    """Send again, from the next slot on.

    Example: digest subscribers resume reader@example.org
    """
    _change(ctx, email, "active")


@subscribers.command()
def unsubscribe(ctx: typer.Context, email: Address) -> None:
    """Let somebody leave; what is queued for them is not sent.

    Example: digest subscribers unsubscribe reader@example.org
    """
    _change(ctx, email, "unsubscribed")
