"""One mail of every kind there is, with links that work, and every link that a program can find in them."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

from digest.mail.notices import Command, Trouble
from digest.model import Cadence, Digest, Message, Pick, Reason, ReasonKind, Score, Section
from digest.store.papers import find_paper
from tests.attacks.fortress import DAY, READER, Fortress
from tests.builders import a_paper, an_issue
from tests.web import URL, who

# Programs that open what they find in mail, as they call themselves.
SCANNERS = (
    "Mozilla/5.0",
    "BingPreview/1.0b",
    "curl/8",
    "Barracuda Sentinel",
    "Google-Safety",
    "Mimecast",
    "Proofpoint",
)
_DAY = timedelta(days=1)
_LINK = re.compile(r"(?:https?|mailto):[^\s<>\"']+")


def mailbag(built: Fortress) -> dict[str, Message]:
    """Kind -> mail, as it would leave."""
    letters, person, now = built.app.letters, who(built.app, READER), built.clock()
    sample, url = _digest(built), {kind: URL + path for kind, path in built.links.items()}
    weekly = replace(sample.profile, cadence=Cadence("week", days=("mon",)))
    other = replace(sample.profile, mute=("survey",))
    troubles = (Trouble("Sending is halted", "by hand", f"Look at {URL}/operator."),)
    commands = (Command("pause", "stops it"), Command("unsubscribe", "ends it"))
    return {
        "digest": letters.write(sample, person, now=now),
        "weekly": letters.write(replace(sample, profile=weekly), replace(person, profile=weekly), now=now),
        "quiet": letters.write(replace(sample, picks=()), person, now=now),
        "catch-up": letters.catch_up(sample, person, since=now - 9 * _DAY, now=now),
        "welcome": letters.welcome(sample, person, now=now),
        "confirm": letters.confirm("waiting@example.net", url=url["confirm"], valid=_DAY, now=now),
        "known": letters.known(person, url=url["settings"], valid=_DAY, now=now),
        "link": letters.link(person, url=url["settings"], valid=_DAY, now=now),
        "address": letters.address("elsewhere@example.com", url=url["address"], valid=_DAY, now=now),
        "moving": letters.moving(person, url=url["stop"], valid=_DAY, now=now),
        "changed": letters.changed(replace(person, profile=other), before=sample.profile, now=now),
        "goodbye": letters.goodbye(person, now=now),
        "help": letters.help(READER, commands, outcome="Your digest is paused.", now=now),
        "alert": letters.alert("operator@example.org", troubles, now=now),
    }


def links_in(mail: Message) -> Iterator[str]:
    """Every address in a mail: in its markup, in its plain text and in its headers."""
    parsed = message_from_bytes(mail.raw, policy=default)
    for name in (
        "List-Unsubscribe",
        "List-Help",
        "List-Subscribe",
        "List-Owner",
        "List-Post",
        "List-Archive",
    ):
        yield from _LINK.findall(str(parsed.get(name, "")))
    for kind in ("plain", "html"):
        part = parsed.get_body((kind,))
        if part is not None:
            yield from (html.unescape(found) for found in _LINK.findall(part.get_content()))


def paths_in(mail: Message) -> set[str]:
    """Those that lead to pages of ours."""
    return {link.removeprefix(URL).rstrip(".,)") or "/" for link in links_in(mail) if link.startswith(URL)}


def _digest(built: Fortress) -> Digest:
    with built.app.store.reading() as db:
        stored = find_paper(db, a_paper(1).id)
    assert stored is not None
    why = (Reason(ReasonKind.KEYWORD, "speculative decoding", 1.0),)
    picks = (Pick(stored.paper, Score(stored.paper.id, 1.0, why), Section.TOP),)
    profile = who(built.app, READER).profile
    return Digest(an_issue(DAY), READER, picks, 9, profile)
