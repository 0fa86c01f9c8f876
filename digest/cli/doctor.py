"""`digest doctor` and `digest send-test`: is everything in order, and does a mail really leave?"""

from dataclasses import asdict
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Annotated

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.cli.output import print_json, print_table

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
_SIGNS = {"ok": "ok", "warn": "look", "fail": "FAIL", "unchecked": "-"}


def doctor(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Check the database, the disk, the mail server, DNS and the outbox; nothing is sent or changed.

    Exits 1 when something has to be mended. Example: digest doctor
    """
    from digest.app import App
    from digest.doctor import ask_dns, examine

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        findings = list(examine(app.settings, app.store, lookup=ask_dns(), now=context.now))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(
            ("", "check", "found", "what to do"),
            [(_SIGNS[f.state], f.name, f.said, f.remedy) for f in findings],
        )
    raise typer.Exit(1 if any(finding.state == "fail" for finding in findings) else 0)


def send_test(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(help="Who gets it.")],
) -> None:
    """Send one small mail through the configured way out, and say what the server said.

    Example: digest send-test me@example.org
    """
    from digest.app import App
    from digest.model import Envelope

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
    typer.echo(f"sent to {address}: {reply}")
    if app.settings.file.delivery.transport != "smtp":
        complain('it was only written to a folder: set transport = "smtp" in [delivery] to send mail')
