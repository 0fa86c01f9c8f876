"""One sample of every kind of mail, for `digest preview --mail KIND`, for pictures and for tests."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from digest.errors import DigestError
from digest.mail import samples
from digest.mail.links import Links
from digest.mail.message import Recipient, Sign, message_id_for, write_message
from digest.mail.render import KINDS, Command, Renderer, Trouble, changes_between
from digest.mail.rendered import Rendered
from digest.model import Cadence, Digest, Envelope, Interest, Issue, Message

_DOMAIN = "digest.example.org"
_ON = samples.ISSUE.on
_AWAY_SINCE = date(2026, 2, 12)
_WEEKLY = replace(
    samples.DIGEST,
    issue=Issue("2026-03-05/week", _ON, samples.ISSUE.due_at),
    candidates=1_871,
    profile=replace(samples.PROFILE, cadence=Cadence("week", days=("thu",))),
)
_QUIET = Digest(samples.ISSUE, samples.PROFILE.email, (), 37, samples.PROFILE)
_CHANGED = replace(
    samples.PROFILE,
    max_papers=5,
    interests=(*samples.PROFILE.interests[:2], Interest(("turn-taking", "full-duplex"), 1.5)),
)
_URL = f"https://{_DOMAIN}/c/AAAAAAd2sX8nBvZ0aQeWcRtYuIoP"
_SHORT = timedelta(hours=1)
_COMMANDS = (
    Command("subscribe", "starts a digest about the keywords you write into the mail, one a line"),
    Command("pause", "stops it until you ask for it again"),
    Command("resume", "lets it come again"),
    Command("unsubscribe", "ends it"),
)
_TROUBLES = (
    Trouble(
        'The source "daily" has changed its format',
        "3 pages since Tuesday could not be read: expected a list of papers, found an HTML page about cookies",
        "Open the address in a browser; if the page looks right there, save it into the folder pages/ and run "
        "`digest ingest`.",
    ),
    Trouble(
        "Receivers refuse our mail",
        "2 came back within a day; the last one: 550 5.7.20 from mx.example.net: no valid signature",
        "Our DKIM signature did not hold; the key in DNS must be the one that signs: `digest doctor mail` shows what stands "
        "there and what should.",
    ),
)


def _digest(digest: Digest) -> Callable[[Renderer, Links], Rendered]:
    return lambda renderer, links: renderer.digest(digest, links, sender=samples.SENDER)


_SAMPLES: Mapping[str, Callable[[Renderer, Links], Rendered]] = {
    "digest": _digest(samples.DIGEST),
    "weekly": _digest(_WEEKLY),
    "quiet": _digest(_QUIET),
    "catch-up": lambda r, links: r.catch_up(samples.DIGEST, links, sender=samples.SENDER, since=_AWAY_SINCE),
    "welcome": lambda r, links: r.welcome(samples.DIGEST, links, sender=samples.SENDER),
    "confirm": lambda r, _: r.confirm(_URL, valid=timedelta(days=3), sender=samples.SENDER, on=_ON),
    "known": lambda r, links: r.known(
        samples.PROFILE, links, _URL, is_paused=False, valid=_SHORT, sender=samples.SENDER, on=_ON
    ),
    "link": lambda r, _: r.link(_URL, valid=_SHORT, sender=samples.SENDER, on=_ON),
    "address": lambda r, _: r.address(_URL, valid=timedelta(days=3), sender=samples.SENDER, on=_ON),
    "moving": lambda r, _: r.moving(_URL, valid=timedelta(days=3), sender=samples.SENDER, on=_ON),
    "changed": lambda r, links: r.changed(
        changes_between(samples.PROFILE, _CHANGED), links, sender=samples.SENDER, on=_ON
    ),
    "goodbye": lambda r, links: r.goodbye(links, sender=samples.SENDER, on=_ON),
    "help": lambda r, _: r.help(
        _COMMANDS, samples.LINKS.unsubscribe_mailto, "Your digest is paused.", sender=samples.SENDER, on=_ON
    ),
    "alert": lambda r, _: r.alert(_TROUBLES, sender=samples.SENDER, on=_ON),
}


def sample(kind: str, renderer: Renderer, links: Links = samples.LINKS) -> Rendered:
    """A mail of this kind about invented papers. Raises `DigestError` for a kind there is not."""
    if kind not in _SAMPLES:
        raise DigestError(f'there is no mail "{kind}"; there are {", ".join(KINDS)}')
    return _SAMPLES[kind](renderer, links)


def sample_message(
    rendered: Rendered,
    links: Links = samples.LINKS,
    *,
    sign: Sign | None = None,
    date: datetime | None = None,
) -> Message:
    """The same as it would leave."""
    reader = samples.PROFILE.email
    return write_message(
        rendered,
        sender=samples.SENDER,
        envelope=Envelope(samples.SENDER.address, reader),
        recipient=Recipient(reader, None if rendered.kind == "confirm" else samples.PROFILE.name),
        message_id=message_id_for(b"sample", issue_key=rendered.kind, subscriber_id=1, domain=_DOMAIN),
        date=date or samples.ISSUE.due_at,
        links=links,
        sign=sign,
    )
