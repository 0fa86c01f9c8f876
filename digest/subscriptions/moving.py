"""Moving to another address: the new one says yes, and the old one is told and may stop it."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from digest.store.front import NewRequest, add_consent, put_request, recall_digests, settle_request
from digest.store.people import Subscriber, find_subscriber
from digest.store.readers import change_subscriber, forget_pending
from digest.subscriptions.joining import Asked, Standing
from digest.subscriptions.limits import Ask, Verdict, weigh
from digest.subscriptions.office import CONFIRM_VALID, Office

_WORDING = "Send my digest to this address from now on."


def ask_to_move(
    tx: Connection, office: Office, person: Subscriber, email: str, network: str | None, *, now: datetime
) -> Asked:
    """Ask the new address, and tell the old one. Whether the new one is known is not to be seen from outside."""
    verdict = weigh(tx, office, Ask("address", email, network), now=now)
    if verdict is not Verdict.MAIL or person.owner == "file" or email.lower() == person.email.lower():
        return Asked(verdict.value if verdict is not Verdict.MAIL else "mailed")
    asked = NewRequest("address", person.id, email, person.profile, _WORDING, "web")
    number = put_request(tx, asked, valid=CONFIRM_VALID, now=now)
    new = office.request_link("a", "address", number, now)
    old = office.request_link("x", "stop", number, now)
    office.send(tx, "address", office.letters.address(email, url=new, valid=CONFIRM_VALID, now=now), now=now)
    office.send(tx, "moving", office.letters.moving(person, url=old, valid=CONFIRM_VALID, now=now), now=now)
    return Asked.MAILED


def look_at_move(db: Connection, office: Office, token: str, *, now: datetime, old: bool = False) -> Standing:
    """How the move behind a link stands: of the new address's mail, or of the `old` one's. Raises `TokenError`."""
    found, person = office.read_request(db, "stop" if old else "address", token, now=now)
    return Standing(found.outcome or "open", found, person)


def confirm_move(tx: Connection, office: Office, token: str, *, now: datetime) -> Standing:
    """The new address said yes: digests go there, and links in mails to the old one end. Raises `TokenError`.

    An address that has a digest of its own by now keeps it, and the move is declined.
    """
    standing = look_at_move(tx, office, token, now=now)
    if standing.state != "open":
        return standing
    asked, person = standing.request, standing.person
    other = find_subscriber(tx, asked.asked.email)
    if other is not None and other.status == "pending":
        # Anybody may have typed this address into the form; its owner has just said what they want.
        forget_pending(tx, other.id)
    elif other is not None and other.id != person.id:
        settle_request(tx, asked, "declined", now)
        return look_at_move(tx, office, token, now=now)
    if settle_request(tx, asked, "confirmed", now):
        add_consent(tx, asked, now=now)
        _move(tx, office, person, asked.asked.email, now)
    return look_at_move(tx, office, token, now=now)


def stop_move(tx: Connection, office: Office, token: str, *, now: datetime) -> Standing:
    """The old address said no: the move does not happen, and one that has is undone. Raises `TokenError`."""
    standing = look_at_move(tx, office, token, now=now, old=True)
    asked, person = standing.request, standing.person
    if standing.state not in ("open", "confirmed") or asked.asked.profile is None:
        return standing
    settled = settle_request(tx, asked, "declined", now)
    if settled and standing.state == "confirmed" and find_subscriber(tx, asked.asked.profile.email) is None:
        _move(tx, office, person, asked.asked.profile.email, now)
    return look_at_move(tx, office, token, now=now, old=True)


def _move(tx: Connection, office: Office, person: Subscriber, email: str, now: datetime) -> None:
    """A digest that still waits goes to nobody: its bytes name the address that was left, and links that end now.

    It is made anew for the new address, at once while its day is still worth sending, so that no paper is lost. What is
    being sent at this moment is let go; should it fail, `drop_unwanted` keeps it from being tried again.
    """
    if recall_digests(tx, person.id, now) and person.status == "active":
        change_subscriber(tx, person.id, now, next_due_at=now)
    change_subscriber(
        tx,
        person.id,
        now,
        email=email,
        address_key=email.lower(),
        address_hash=office.address_hash(email),
        profile=replace(person.profile, email=email),
        profile_before=None,
        profile_version=person.profile_version + 1,
        links_version=max(person.links_version + 1, int(now.timestamp())),
    )
