"""`digest doctor mail`: would a digest from here be trusted, and can it be read? Nothing is sent.

A whole message is written as it would leave, and held against the rules, and the mail server is knocked at on the ports
that mail programs use. The sender's domain is judged in `digest.domain`.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Literal

from digest.errors import DigestError
from digest.finding import Finding
from digest.letters import Letters
from digest.mail import samples
from digest.mail.dialogue import Dialogue
from digest.mail.lint import lint
from digest.mail.themes import LEAST_CONTRAST, Theme, contrast
from digest.settings import Settings
from digest.store.people import Subscriber

_PAIRS = (("ink", "page"), ("body", "page"), ("soft", "page"), ("accent", "page"), ("chip_ink", "chip"))
_KNOCKS: tuple[tuple[Literal["tls", "starttls"], int], ...] = (("tls", 465), ("starttls", 587))


def sample_mail(letters: Letters, *, now: datetime) -> bytes:
    """A digest of invented papers, as this home would send it to somebody who subscribed on its pages."""
    profile = samples.PROFILE
    reader = Subscriber(0, profile.email, "active", None, "web", None, profile, None, now, now, "")
    return letters.write(samples.DIGEST, reader, now=now).raw


def examine_sample(settings: Settings, letters: Letters, *, now: datetime) -> Iterator[Finding]:
    """A digest as it would leave, rule by rule. Where mail is only written to a folder, nobody misses a way to leave."""
    is_sent = settings.file.delivery.transport == "smtp"
    for found in lint(sample_mail(letters, now=now)):
        if is_sent or (found.name, found.state) != ("leaving", "fail"):
            yield found
        else:
            yield replace(
                found, state="unchecked", said="mail is written to a folder; sent, it would show no way out"
            )


def examine_theme(theme: Theme) -> Finding:
    """The least readable text of a theme, by day or night (WCAG 2.2, 1.4.3)."""
    ratio, where = min(
        (contrast(getattr(palette, ink), getattr(palette, ground)), f"{ink} on {ground} by {when}")
        for when, palette in (("day", theme.light), ("night", theme.dark))
        for ink, ground in _PAIRS
    )
    said = f"at least {ratio:.1f} to 1 ({where})"
    if ratio < LEAST_CONTRAST:
        return Finding(
            "contrast",
            "fail",
            said,
            "set other colours in [look] of config/digest.toml, or remove those that are set",
        )
    return Finding("contrast", "ok", said)


def knock(settings: Settings) -> Iterator[Finding]:
    """At which port, its own and the usual ones, the mail server answers, and whether its certificate is good.

    No password is sent.
    """
    smtp = settings.file.smtp
    if settings.file.delivery.transport != "smtp":
        return
    own = [(smtp.security, smtp.port)] if smtp.security != "none" else []
    for security, port in dict.fromkeys([*own, *_KNOCKS]):
        asked = smtp.model_copy(update={"port": port, "security": security, "username": None, "timeout": 8.0})
        name = f"port {port} ({security})"
        is_ours = (smtp.port, smtp.security) == (port, security)
        try:
            Dialogue.open(asked, None).close(politely=True)
        except DigestError as error:
            remedy = (
                "do what it says ([smtp] is in config/digest.toml), then: digest doctor mail"
                if is_ours
                else ""
            )
            said = str(error) if is_ours else str(error).partition("; ")[0]  # that port is nowhere set
            yield Finding(name, "fail" if is_ours else "unchecked", said, remedy)
        else:
            better = smtp.security == "none"
            remedy = (
                f'set security = "{security}" and port = {port} in [smtp] of config/digest.toml'
                if better
                else ""
            )
            yield Finding(name, "warn" if better else "ok", f"{smtp.host} answers, certificate good", remedy)
