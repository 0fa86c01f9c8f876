"""`digest subscribers export` and `import`: profiles between files and the web; `consent`: the proof that they asked."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.cli.output import print_json
from digest.errors import DigestError, Mistake, SettingsError
from digest.mail.wording import counted

if TYPE_CHECKING:
    from digest.store.people import Subscriber
    from digest.subscriptions.owners import Handed

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def export(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where to put the files, one a person.")],
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Also those whom a file of the home owns.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the profiles of those who look after themselves on the web as files. In config/subscribers/ files own them.

    Example: digest subscribers export config/subscribers
    """
    from digest.app import App
    from digest.subscriptions.owners import export_profiles

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        try:
            handed = export_profiles(app.store, folder, everybody=everybody)
        except OSError as error:
            raise SettingsError([Mistake(str(folder), "", f"cannot be written: {error.strerror}")]) from error
    _tell(handed, as_json=as_json)


def import_(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder of profile files, outside config/.")],
    as_json: AsJson = False,
) -> None:
    """Give the profiles in files to their readers, who change them on the web from then on. Who left stays away.

    Example: digest subscribers import handed-over/
    """
    from digest.app import App
    from digest.profiles import read_profiles
    from digest.subscriptions.owners import import_profiles

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        if folder.resolve() == app.settings.subscribers_folder.resolve():
            remedy = "its files own their readers; move those you want to hand over into another folder first"
            raise SettingsError([Mistake(str(folder), "", remedy)])
        if not folder.is_dir():
            raise SettingsError(
                [Mistake(str(folder), "", "there is no such folder; name one with profile files")]
            )
        handed = import_profiles(app.store, read_profiles(folder), now=context.now)
    _tell(handed, as_json=as_json)


def _tell(handed: "Handed", *, as_json: bool) -> None:
    if as_json:
        print_json({"done": handed.done, "left": handed.left, "mistakes": list(map(str, handed.mistakes))})
    else:
        typer.echo(f"done         {counted(len(handed.done), 'profile')}")
        for address, why in handed.left.items():
            typer.echo(f"left         {address}: {why}")
        for mistake in handed.mistakes:
            complain(str(mistake))
    raise typer.Exit(1 if handed.mistakes else 0)


def consent(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(help="Whose.")],
    as_json: AsJson = False,
) -> None:
    """Show the proof that somebody asked for their digest: when, with which words, where. 1 when there is none.

    Example: digest subscribers consent reader@example.org
    """
    from digest.app import App
    from digest.store.front import consents_of
    from digest.store.people import find_subscriber

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app, app.store.reading() as db:
        person = find_subscriber(db, address)
        if person is None:
            raise DigestError(
                f"nobody has the address {address}; `digest subscribers list` shows who there is"
            )
        proofs = consents_of(db, person.id)
    if as_json:
        names = ("purpose", "wording", "source", "asked_at", "confirmed_at")
        said = [{name: proof[name] for name in names} for proof in proofs]
        print_json(
            {"subscriber": person.email, "status": person.status, "owner": person.owner, "consents": said}
        )
    else:
        typer.echo(f"{person.email}  {person.status}")
        for proof in proofs:
            _tell_proof(proof)
        if not proofs:
            complain(_no_proof(person))
    raise typer.Exit(0 if proofs else 1)


def _tell_proof(proof: dict[str, Any]) -> None:
    where = "by mail" if proof["source"] == "mail" else "on the web"
    what = "moving it to this address" if proof["purpose"] == "address" else "the digest"
    typer.echo(f"asked        for {what}, {where}, {proof['asked_at']:%Y-%m-%d %H:%M:%S} UTC")
    typer.echo(f"agreed to    {proof['wording']}")
    typer.echo(f"confirmed    from the mailbox, {proof['confirmed_at']:%Y-%m-%d %H:%M:%S} UTC")


def _no_proof(person: "Subscriber") -> str:
    if person.owner == "file":
        return (
            f"no proof is kept: {person.file} was written by whoever runs this; keep the proof with that file"
        )
    return "no proof is kept: nothing was confirmed yet" if person.status == "pending" else "no proof is kept"
