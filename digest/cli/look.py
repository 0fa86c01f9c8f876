"""Commands that look: `papers`, `explain`, and `subscribers` with what an operator does for a person."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.context import Context, exits_in_words
from digest.cli.output import paper_as_json, print_json, print_table
from digest.mail.wording import counted

if TYPE_CHECKING:
    from digest.explain import Explanation
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
    none = "no papers yet; put a page into a source's folder, then: digest ingest"
    print_table(("id", "title", "published", "upvotes", "comments"), rows, none=none)


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
    from digest.explain import explain as ask

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        found = ask(app.store, subscriber, paper, limits=app.limits(), now=context.now)
    print_json(_explanation_as_json(found)) if as_json else _print_explanation(found)


def _explanation_as_json(found: "Explanation") -> dict[str, Any]:
    reasons = [part.reason._asdict() | {"match": part.match} for part in found.parts]
    score = found.score and {"value": found.score.value, "match": found.match, "reasons": reasons}
    said = {"subscriber": found.person.email, "paper": found.paper.id, "title": found.paper.title}
    place = {"rank": found.rank, "candidates": found.candidates}
    return (
        said
        | {"muted": score is None, "score": score}
        | place
        | {
            "shown": found.shown,
            "verdict": found.verdict,
        }
    )


def _print_explanation(found: "Explanation") -> None:
    from digest.explain import ORDER_AND_ENTRY

    typer.echo(f"{found.paper.title}\n{found.paper.id}\n")
    if found.score is not None:
        rows = [
            (f"{one.score:+.3f}", f"{one.match:+.3f}" if one.match else "", one.reason.kind, one.reason.term)
            for one in found.parts
        ]
        both = (f"{found.score.value:+.3f}", f"{found.match:+.3f}", "", "together")
        print_table(("score", "match", "kind", "term"), [*rows, both])
        rank = f"rank {found.rank} of {counted(found.candidates, 'candidate')}"
        typer.echo(f"\n{ORDER_AND_ENTRY}\n\n{rank if found.rank else 'too old to be a candidate now'}")
    typer.echo(found.verdict)
    if found.shown:
        typer.echo(
            f"in the digest of {found.shown['on']} ({found.shown['state']}), with score {found.shown['value']:.3f}"
        )


subscribers = typer.Typer(no_args_is_help=True, help="People who get digests.")


_NO_MAIL = {  # what is said of an address to which nothing is sent, by the reason
    "hard_bounce": "gets nothing: the address was refused for good; `digest subscribers resume` tries it again",
    "complaint": "gets nothing: called our mail spam",
    "manual": "gets nothing: by the operator; `digest subscribers resume` ends it",
}


@subscribers.command("list")
def list_subscribers(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List everybody, with status, cadence and when the next digest is due.

    Example: digest subscribers list
    """
    from digest.app import App
    from digest.store.people import every_subscriber, suppressed

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        app.sync(now=context.now)
        with app.store.reading() as db:
            found = every_subscriber(db)
            barred = suppressed(db, [person.address_hash for person in found])
    if as_json:
        print_json([_person(person) for person in found])
        return
    rows = [
        (
            p.email,
            p.status,
            p.profile.cadence.every,
            p.file or p.owner,
            _due(p),
            p.profile_error or _NO_MAIL.get(barred.get(p.address_hash, "")),
        )
        for p in found
    ]
    none = "nobody is subscribed; write config/subscribers/NAME.toml"
    print_table(("subscriber", "status", "cadence", "owner", "next look", ""), rows, none=none)


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
    """Send again, from the next slot on, and again to an address that was refused for good.

    Example: digest subscribers resume reader@example.org
    """
    _change(ctx, email, "active")


@subscribers.command()
def unsubscribe(ctx: typer.Context, email: Address) -> None:
    """Let somebody leave; what is queued for them is not sent.

    Example: digest subscribers unsubscribe reader@example.org
    """
    _change(ctx, email, "unsubscribed")
