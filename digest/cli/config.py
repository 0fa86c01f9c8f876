"""`digest config`: the configuration as it is, as it may be, and what is wrong with it."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.cli.output import print_json
from digest.mail.wording import counted

config = typer.Typer(help="Check the configuration, show it, and say what it may hold.")


@config.command()
def check(
    ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False
) -> None:
    """Read every file and list every mistake, with file, key and remedy.

    Example: digest config check
    """
    from digest.profiles import read_profiles
    from digest.settings import load_settings

    context: Context = ctx.obj
    with exits_in_words():
        settings = load_settings(context.home)
    reads = read_profiles(settings.subscribers_folder)
    mistakes = [mistake for read in reads for mistake in read.mistakes]
    people = len(reads)
    if as_json:
        said = [asdict(mistake) for mistake in mistakes]
        print_json({"home": settings.home, "profiles": people, "mistakes": said})
    else:
        for mistake in mistakes:
            complain(str(mistake))
    if mistakes:
        raise typer.Exit(2)
    if not as_json:
        typer.echo(f"{settings.home}: the settings and {counted(people, 'profile')} are in order")


@config.command()
def show(ctx: typer.Context) -> None:
    """The settings in force, defaults included, as JSON. Secrets are shown as ***.

    Example: digest config show
    """
    from digest.reference import shown
    from digest.settings import load_settings

    context: Context = ctx.obj
    with exits_in_words():
        print_json(shown(load_settings(context.home)))


@config.command()
def schema(file: Annotated[str, typer.Argument(help="digest or subscriber")]) -> None:
    """The JSON Schema of a configuration file, for editors that complete it.

    Example: digest config schema subscriber
    """
    from digest.reference import FILES
    from digest.reference import schema as schema_of

    if file not in FILES:
        raise typer.BadParameter(f"{file!r} is no file of ours; take {' or '.join(FILES)}", param_hint="FILE")
    typer.echo(json.dumps(schema_of(file), indent=2))


@config.command()
def reference() -> None:
    """Every option of every file with its default and meaning, as Markdown.

    Example: digest config reference
    """
    from digest.reference import reference as all_options

    typer.echo(all_options(), nl=False)
