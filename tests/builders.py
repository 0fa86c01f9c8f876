"""Things to arrange a test with: valid by default, override the field the test is about."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from digest.model import (
    Digest,
    Envelope,
    Interest,
    Issue,
    Message,
    Page,
    PageStatus,
    Paper,
    ParsedPage,
    Profile,
)
from digest.store import Store
from digest.store.bodies import read_bodies
from digest.store.bulk import fill
from digest.store.owing import Owed, owe_digests
from digest.store.papers import record_page
from digest.store.people import FileProfile, Subscriber, find_subscriber, put_file_profile
from digest.store.schema import deliveries, subscribers
from digest.writing import Tokens, Writing, literal, shared

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def a_paper(number: int = 1, **fields: Any) -> Paper:
    """A paper with its own id and title for each `number`."""
    known: dict[str, Any] = {
        "id": f"arxiv:2602.{number:05d}",
        "title": f"A Careful Study of Subject {number}",
        "abstract": f"We study subject {number} with care and report what we find.",
        "url": f"https://arxiv.org/abs/2602.{number:05d}",
        "published_on": date(2026, 2, 27),
    }
    return Paper(**(known | fields))


def a_profile(**fields: Any) -> Profile:
    """A reader who likes speculative decoding."""
    known: dict[str, Any] = {
        "email": "reader@example.org",
        "interests": (Interest(("speculative decoding", "draft model"), 2.0),),
    }
    return Profile(**(known | fields))


def a_page(body: str | bytes, **fields: Any) -> Page:
    """A page as a folder gives it."""
    raw = body.encode() if isinstance(body, str) else body
    known: dict[str, Any] = {"name": "page.txt", "body": raw, "fetched_at": NOW}
    return Page(**(known | fields))


def a_page_of(*papers: Paper, name: str = "page.json", at: datetime = NOW) -> tuple[Page, ParsedPage]:
    """A page that was picked up and understood."""
    body = "|".join([name, *(repr(paper) for paper in papers)]).encode()
    return Page(name, body, at), ParsedPage("test", PageStatus.OK, papers)


def record(store: Store, *papers: Paper, name: str = "page.json", at: datetime = NOW) -> int:
    """Store papers as a page of theirs; returns how many were new."""
    page, parsed = a_page_of(*papers, name=name, at=at)
    with store.writing() as tx:
        return record_page(tx, page, parsed)


def subscribe(store: Store, profile: Profile, *, now: datetime = NOW) -> Subscriber:
    """A subscriber whose profile file was just found, due at once."""
    with store.writing() as tx:
        said = FileProfile(
            profile,
            f"{profile.email}.toml",
            store.address_hash(profile.email),
            now,
            now + timedelta(days=400),
        )
        put_file_profile(tx, said, now=now)
        person = find_subscriber(tx, profile.email)
    assert person is not None
    return person


def subscribe_many(store: Store, profiles: Iterable[Profile], *, now: datetime = NOW) -> int:
    """As many people of the web, due at once, in one go."""

    def row(profile: Profile) -> dict[str, Any]:
        return {
            "email": profile.email, "address_key": profile.email, "address_hash": store.address_hash(profile.email),
            "status": "active", "owner": "web", "profile": profile.to_json(),
            "next_due_at": now, "created_at": now, "updated_at": now,
        }  # fmt: skip

    with store.writing() as tx:
        return fill(tx, subscribers, map(row, profiles))


def an_issue(on: date = date(2026, 3, 2)) -> Issue:
    """A daily Issue."""
    return Issue(f"{on}/day", on, datetime(on.year, on.month, on.day, 7, 30, tzinfo=UTC))


SHARED = shared(literal(b"This is the same for everybody, up to 100 %.\r\n" * 6))


def a_message(number: int = 1, rcpt_to: str = "reader@example.org") -> Message:
    """Bytes that leave; most of them are in every such message."""
    message_id = f"<{number}@example.org>"
    own = f"Message-ID: {message_id}\r\nTo: {rcpt_to}\r\nSubject: {number}\r\n\r\nHello {number}\r\n".encode()
    writing = Writing.of([literal(own), SHARED], Tokens())
    return Message(message_id, Envelope("digest@example.org", rcpt_to), f"Subject {number}", writing)


def owe(store: Store, number: int = 1, *, on: date = date(2026, 3, 2), now: datetime = NOW) -> int:
    """A queued delivery to a subscriber of its own; returns its id."""
    person = subscribe(store, a_profile(email=f"reader{number}@example.org"), now=now)
    digest = Digest(an_issue(on), person.email, (), 0, person.profile)
    with store.writing() as tx:
        [delivery_id] = owe_digests(
            tx, [Owed(digest, a_message(number, person.email), person, ())], now=now
        ).values()
    return delivery_id


def kept_mails(store: Store) -> list[tuple[Any, bytes]]:
    """Every mail that is kept, the oldest first: its row in the outbox, and its bytes as they leave."""
    with store.reading() as db:
        rows = db.execute(select(deliveries).order_by(deliveries.c.id)).all()
        raw = read_bodies(db, [row.id for row in rows])
    return [(row, raw[row.id]) for row in rows if row.id in raw]
