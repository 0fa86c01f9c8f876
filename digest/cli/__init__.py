"""The command line: parses input, calls a verb, translates errors into words and exit codes.

Exit codes: 0 done, 1 failed or somebody should look, 2 wrong usage or configuration. What takes long to load is
imported inside the commands, so that `--help` and `--version` answer at once.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import digest
from digest.cli import (
    backup,
    config,
    doctor,
    feedback,
    judge,
    keywords,
    look,
    move,
    operator,
    outbox,
    owners,
    preview,
    serve,
    sources,
    start,
    status,
    tenants,
    verbs,
    worker,
)
from digest.cli.context import make_context
from digest.logs import start_logging

app = typer.Typer(
    name="digest",
    help="A personal email digest of new papers, ranked for each reader, with the reason beside every paper.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    ctx: typer.Context,
    home: Annotated[
        Path, typer.Option("--home", envvar="DIGEST_HOME", help="Folder with config/, .env and data/.")
    ] = Path(),
    tenant: Annotated[
        str | None,
        typer.Option("--tenant", envvar="DIGEST_TENANT", help="Which digest of a house with several."),
    ] = None,
    now: Annotated[
        str | None, typer.Option("--now", help="Act as if it were this instant: 2026-03-02T07:30:00Z.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell each step on standard error.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version.", is_eager=True, callback=lambda on: _show_version(on=on)
        ),
    ] = False,
) -> None:
    """Options that stand before the command."""
    start_logging(sys.stderr, logging.INFO if verbose else logging.ERROR)
    ctx.obj = make_context(home, tenant, now)


def _show_version(*, on: bool) -> None:
    if on:
        typer.echo(f"digest {digest.__version__}")
        raise typer.Exit


app.command()(start.init)
app.command()(preview.preview)
app.command()(verbs.ingest)
app.command()(verbs.publish)
app.command()(verbs.deliver)
app.command()(verbs.run)
app.command()(serve.serve)
app.command()(worker.worker)
app.command()(status.status)
app.command()(look.papers)
app.command()(look.explain)
app.command()(feedback.feedback)
app.command()(keywords.keywords)
app.command()(judge.rank)
app.command()(judge.evaluate)
app.command()(doctor.doctor)
app.command("send-test")(doctor.send_test)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(move.export)
app.command("import")(move.import_)
app.add_typer(sources.sources, name="sources")
look.subscribers.command("export")(owners.export)
look.subscribers.command("import")(owners.import_)
look.subscribers.command("consent")(owners.consent)
app.add_typer(look.subscribers, name="subscribers")
app.add_typer(config.config, name="config")
app.add_typer(tenants.tenants, name="tenants")
app.add_typer(outbox.outbox, name="outbox")
app.add_typer(operator.operator, name="operator")


def main() -> None:
    """Entry point of the console script `digest`."""
    try:
        app()
    except BrokenPipeError:  # `digest papers | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
