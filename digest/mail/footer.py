"""The end of every mail: why it came, and the ways to change or leave that there really are."""

from functools import lru_cache
from typing import NamedTuple

from digest.mail.links import Links, safe_url
from digest.mail.view import said
from digest.mail.wording import rhythm_of
from digest.model import Profile


class Span(NamedTuple):
    """A piece of a line; a link when it has a URL."""

    text: str
    url: str | None = None
    gap: str = ""  # what stands before it, where lines are set in one


Line = tuple[Span, ...]


class Footer(NamedTuple):
    """Three parts, since most is the same for many readers, and the address never is."""

    why: str
    address: str  # "" where the mail does not name it
    footer: tuple[Line, ...]


def footer_of(profile: Profile, links: Links, *, postal_address: str | None) -> Footer:
    """A digest's footer. It never promises what nothing stands behind."""
    why = f"Your subscription: {said(rhythm_of(profile), 160)}, to"
    return Footer(why, said(profile.email, 254), _lines(links, postal_address))


@lru_cache(maxsize=1024)
def _lines(links: Links, postal_address: str | None) -> tuple[Line, ...]:
    lines = [
        _ways(links),
        _file(links),
        (Span(said(postal_address or "", 254)),) if postal_address else (),
    ]
    if not (lines[0] or lines[1]):
        lines[0] = (Span("To change your topics or to leave, answer this mail."),)
    return tuple(line for line in lines if line)


def _ways(links: Links) -> Line:
    wanted = (
        ("Change topics or times", safe_url(links.preferences_url)),
        ("Read on the web", safe_url(links.web_url)),
        ("Unsubscribe", safe_url(links.unsubscribe_url) or links.mailto),
    )
    known = [(text, url) for text, url in wanted if url]
    return tuple([Span(text, url, " · " if number else "") for number, (text, url) in enumerate(known)])


def _file(links: Links) -> Line:
    if not links.profile_file:
        return ()
    return (
        Span(
            f"Your topics stand in the file {said(links.profile_file, 254)}: edit it to change this digest, remove it to end it."
        ),
    )
