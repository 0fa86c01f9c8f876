"""Mails without papers: what each of them says, as finished values."""

from collections.abc import Sequence
from typing import NamedTuple

from digest.mail.direction import isolated
from digest.mail.footer import Footer, Span
from digest.mail.links import Links, mailto, safe_url
from digest.mail.view import said
from digest.mail.wording import listed, rhythm_of
from digest.model import Interest, Profile

_SENTENCE = 400


class Change(NamedTuple):
    """One setting as it was and as it is."""

    what: str
    before: str
    after: str


class Command(NamedTuple):
    """Something that can be asked for by mail."""

    word: str  # what the subject says: "pause"
    effect: str  # what happens then, in a few words


class Trouble(NamedTuple):
    """Something the operator should look at."""

    what: str  # in a few words
    detail: str
    remedy: str  # what to do about it; what is to be typed stands between backticks

    @property
    def steps(self) -> list[str]:
        """The remedy in pieces, of which every second is to be typed."""
        return self.remedy.split("`")


def changes_between(before: Profile, after: Profile) -> tuple[Change, ...]:
    """What a reader would notice of a change to their profile, in words."""
    rows = (
        ("When", rhythm_of(before), rhythm_of(after)),
        ("Papers at most", str(before.max_papers), str(after.max_papers)),
        ("Topics", _topics(before.interests), _topics(after.interests)),
        ("Never", listed(before.mute), listed(after.mute)),
        ("Following", _followed(before), _followed(after)),
        ("On a quiet day", before.quiet_day, after.quiet_day),
        ("Popular papers", f"{before.trending:.0%}", f"{after.trending:.0%}"),
        ("One from outside", _yes(before.wildcard), _yes(after.wildcard)),
    )
    return tuple(Change(what, old or "nothing", new or "nothing") for what, old, new in rows if old != new)


def _topics(interests: Sequence[Interest]) -> str:
    return "; ".join(
        ", ".join(i.keywords) + (f" (weight {i.weight:g})" if i.weight != 1 else "") for i in interests
    )


def _followed(profile: Profile) -> str:
    return listed([*profile.follow_authors, *profile.follow_organizations])


def _yes(wanted: bool) -> str:
    return "yes" if wanted else "no"


def confirm_values(url: str, *, valid: str) -> dict[str, object]:
    """The mail that asks for a confirmation. It holds nothing that somebody typed into a form.

    A form that mails what strangers type to whom they like is a relay for spam.
    """
    return {
        "preheader": "One click, and your first papers are on their way.",
        "button": Span("Confirm subscription", safe_url(url)),
        "valid": valid,
        "footer": Footer(
            "This mail was sent once, because this address was entered in the form of a paper digest.", "", ()
        ),
    }


def known_values(
    profile: Profile, links: Links, url: str, *, is_paused: bool, valid: str
) -> dict[str, object]:
    """The mail to somebody whose address was entered again. The page said what it says to everybody."""
    state = "It is paused at the moment" if is_paused else f"It comes {said(rhythm_of(profile), 160)}"
    return {
        "preheader": f"{state}; nothing was changed.",
        "state": state,
        "button": Span("Open your settings", safe_url(url)),
        "valid": valid,
        "footer": _ways(links, "This mail was sent once, because this address was entered in a form."),
    }


def link_values(url: str, *, valid: str) -> dict[str, object]:
    """The mail with a fresh way to somebody's settings."""
    return {
        "preheader": f"It works for {valid}.",
        "button": Span("Open your settings", safe_url(url)),
        "valid": valid,
        "footer": Footer("This mail was sent because a link to your settings was asked for.", "", ()),
    }


def address_values(url: str, *, valid: str) -> dict[str, object]:
    """The question to a new address whether it is its owner's. Nothing that anybody submitted is in it."""
    return {
        "preheader": "One click, and your digest comes here.",
        "button": Span("Use this address", safe_url(url)),
        "valid": valid,
        "footer": Footer("This mail was sent once, because this address was entered as a new one.", "", ()),
    }


def moving_values(url: str, *, valid: str) -> dict[str, object]:
    """The word to the old address, with the way to stop it."""
    return {
        "preheader": "If you did not ask for that, stop it here.",
        "button": Span("Keep this address", safe_url(url)),
        "valid": valid,
        "footer": Footer("This mail was sent because a new address was entered for your digest.", "", ()),
    }


def help_values(commands: Sequence[Command], mailbox: str | None, outcome: str) -> dict[str, object]:
    """The answer to a mail: what came of it, and what else can be asked for. Nothing of that mail is in it."""
    cleaned = [Command(*(said(text, _SENTENCE) for text in command)) for command in commands]
    return {
        "preheader": "What you can ask for by mail.",
        "outcome": said(outcome, _SENTENCE),
        "commands": tuple(
            (Span(word, mailto(mailbox, word) if mailbox else None), effect) for word, effect in cleaned
        ),
        "footer": Footer("This mail was sent because a mail from your address arrived here.", "", ()),
    }


def goodbye_values(links: Links) -> dict[str, object]:
    """The mail that confirms an end."""
    back = safe_url(links.preferences_url)
    return {
        "preheader": "No more digests go to this address.",
        "button": Span("Come back", back) if back else None,
        "footer": Footer("This is the last mail. It confirms that you unsubscribed.", "", ()),
    }


def changed_values(changes: Sequence[Change], links: Links) -> dict[str, object]:
    """The mail that tells a subscriber what was changed."""
    cleaned = tuple(Change(*(isolated(said(text, _SENTENCE)) for text in change)) for change in changes)
    url = safe_url(links.preferences_url)
    return {
        "preheader": f"Changed: {listed([change.what.lower() for change in cleaned])}.",
        "changes": cleaned,
        "button": Span("Look at your settings", url) if url else None,
        "footer": _ways(links, "This mail was sent because your settings were changed."),
    }


def alert_values(troubles: Sequence[Trouble]) -> dict[str, object]:
    """The mail that tells the operator what needs a look."""
    cleaned = tuple(Trouble(*(isolated(said(text, _SENTENCE)) for text in trouble)) for trouble in troubles)
    return {
        "preheader": cleaned[0].detail if cleaned else "",
        "first": cleaned[0].what if cleaned else "nothing",
        "more": max(len(cleaned) - 1, 0),
        "troubles": cleaned,
        "footer": Footer("This mail was sent because your address is set for alerts.", "", ()),
    }


def _ways(links: Links, why: str) -> Footer:
    leave = safe_url(links.unsubscribe_url) or links.mailto
    return Footer(why, "", ((Span("Unsubscribe", leave),),) if leave else ())
