"""`digest doctor` and `digest send-test`: is everything in order, and does a mail really leave?"""

from dataclasses import asdict
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.cli.output import print_json, print_table
from digest.errors import DigestError

if TYPE_CHECKING:
    from digest.app import App
    from digest.finding import Finding

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
_SIGNS = {"ok": "ok", "warn": "look", "fail": "FAIL", "unchecked": "-"}


def doctor(
    ctx: typer.Context,
    about: Annotated[
        str, typer.Argument(help="home: everything here; mail: a message, the domain and the server.")
    ] = "home",
    message: Annotated[
        Path | None, typer.Option("--message", help="With mail: lint this .eml instead of a sample.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check database, disk, mail server, DNS and outbox, or the mail itself; nothing is sent or changed.

    Exits 1 when something has to be mended. Example: digest doctor mail
    """
    from digest.app import App
    from digest.doctor import examine
    from digest.domain import ask_dns

    if about not in ("home", "mail"):
        raise typer.BadParameter(f"{about!r} is nothing to examine; take home or mail", param_hint="ABOUT")
    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        if about == "mail":
            findings = _about_mail(app, message, context)
        else:
            findings = list(examine(app.settings, app.store, lookup=ask_dns(), now=context.now))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(
            ("", "check", "found", "what to do"),
            [(_SIGNS[f.state], f.name, f.said, f.remedy) for f in findings],
        )
    raise typer.Exit(1 if any(finding.state == "fail" for finding in findings) else 0)


def _about_mail(app: "App", message: Path | None, context: Context) -> "list[Finding]":
    """A message first, then what the receivers will look up. Raises `DigestError` when the message cannot be read."""
    from digest.doctor_mail import examine_sample, examine_theme, knock
    from digest.domain import ask_dns, examine_domain
    from digest.mail.lint import lint
    from digest.stationery import dkim_keys, make_theme

    if message is not None:
        try:
            return lint(message.read_bytes())
        except OSError as error:
            raise DigestError(f"{message} cannot be read: {error.strerror}") from error
    return [
        *examine_sample(app.settings, app.letters, now=context.now),
        examine_theme(make_theme(app.settings)),
        *examine_domain(app.settings.file.sender.address, dkim_keys(app.settings), ask_dns()),
        *knock(app.settings),
    ]


def send_test(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(help="Who gets it.")],
    as_json: AsJson = False,
) -> None:
    """Send one small mail through the configured way out, and say what the server said.

    Example: digest send-test me@example.org
    """
    from digest.app import App
    from digest.model import Envelope
    from digest.profiles import checked_address

    try:
        address = checked_address(address)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="ADDRESS") from error
    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        sender = app.settings.file.sender
        mail = EmailMessage(policy=SMTP)
        mail["From"] = f"{sender.name} <{sender.address}>"
        mail["To"] = address
        mail["Subject"] = "A test of the paper digest"
        mail["Date"] = format_datetime(context.now)
        mail["Message-ID"] = make_msgid(domain=sender.address.rpartition("@")[2])
        mail.set_content(
            "This mail left through the configured mail server.\n\nLook at its headers: spf=pass, dkim=pass and"
            " dmarc=pass mean that your digests will be trusted.\n"
        )
        with app.transport() as transport:
            reply = transport.send(Envelope(sender.address, address), mail.as_bytes(), lambda: True)
    if as_json:
        print_json({"to": address, "reply": reply})
    else:
        typer.echo(f"sent to {address}: {reply}")
    if app.settings.file.delivery.transport != "smtp":
        complain('it was only written to a folder: set transport = "smtp" in [delivery] to send mail')
