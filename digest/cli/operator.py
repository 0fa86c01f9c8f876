"""`digest operator`: the password of the operator's pages, the brake on sending, and what was done by hand."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from digest.cli.context import Context, exits_in_words
from digest.cli.output import print_json, print_table

operator = typer.Typer(no_args_is_help=True, help="The operator's pages, and the brake on sending.")


@operator.command()
def password() -> None:
    """Ask for a password and print the line for .env that opens the operator's pages.

    From a pipe the first line is taken. Example: digest operator password >> .env
    """
    from digest.web.operator.password import make_hash

    if sys.stdin.isatty():
        given = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    with exits_in_words():
        typer.echo(f"DIGEST_OPERATOR_HASH={make_hash(given)}")


@operator.command()
def halt(
    ctx: typer.Context,
    reason: Annotated[str, typer.Argument(help="Why; shown wherever sending is looked at.")],
) -> None:
    """Halt sending, for everybody and every worker. Digests are still made, and wait.

    Example: digest operator halt "a mistake in the template"
    """
    from digest.app import App
    from digest.store.audit import Act, note_act
    from digest.store.halt import halt_sending

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app, app.store.writing() as tx:
        is_new = halt_sending(tx, reason, now=context.now)
        if is_new:
            note_act(tx, Act(context.now, "halt sending", "", reason, ""))
    typer.echo("sending is halted" if is_new else "sending was halted before")


@operator.command()
def resume(ctx: typer.Context) -> None:
    """Let sending go on.

    Example: digest operator resume
    """
    from digest.app import App
    from digest.store.audit import Act, note_act
    from digest.store.halt import resume_sending

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app, app.store.writing() as tx:
        was_halted = resume_sending(tx)
        if was_halted:
            note_act(tx, Act(context.now, "resume sending", "", "", ""))
    typer.echo("sending goes on; `digest deliver` does it now" if was_halted else "sending was not halted")


@operator.command()
def logout(ctx: typer.Context) -> None:
    """End every session of the operator's pages: a machine was lost, or the password was changed.

    Example: digest operator logout
    """
    from digest.app import App
    from digest.store.audit import Act, note_act
    from digest.store.sessions import end_every_session

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app, app.store.writing() as tx:
        count = end_every_session(tx)
        note_act(tx, Act(context.now, "logout", "", f"{count} sessions", ""))
    typer.echo(f"{count} sessions ended")


@operator.command()
def audit(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """List what was done by hand, and every refused login.

    Example: digest operator audit
    """
    from digest.app import App
    from digest.store.audit import last_acts

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app, app.store.reading() as db:
        found = last_acts(db, limit)
    if as_json:
        print_json([asdict(act) for act in found])
        return
    print_table(
        ("when", "what", "to", "detail", "from"),
        [(act.at, act.act, act.about, act.detail, act.network or "command line") for act in found],
        none="nothing was done by hand so far",
    )
