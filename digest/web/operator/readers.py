"""The readers, and for each of them the answer to: why did I, or did I not, get a mail?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from digest.cadence import in_words, next_issue
from digest.errors import DigestError
from digest.explain import ORDER_AND_ENTRY, Explanation, explain
from digest.mail.wording import rhythm_of
from digest.model import Skip, SkipReason
from digest.store.figures import deliveries_page, people_page
from digest.store.front import consents_of
from digest.store.halt import Halt, current_halt
from digest.store.outages import Outage, current_outage
from digest.store.people import Subscriber, read_subscriber
from digest.store.remedies import suppression_of
from digest.store.schema import skips
from digest.web.operator.login import HOME, Gate, Visit

_ROWS = 50
_DAYS = 30


@dataclass(frozen=True, slots=True)
class Told:
    """One day of a reader: the mail that was made, or why none was."""

    on: date
    what: str
    number: int | None = None  # of the delivery


@dataclass(frozen=True, slots=True)
class Case:
    """All there is to know about one reader's mails."""

    person: Subscriber
    barred: tuple[str, str] | None  # why the address is not mailed, and in whose words
    mails: list[dict[str, Any]]
    days: list[Told]
    consents: list[dict[str, Any]]  # the proofs that they asked for it, the oldest first
    halt: Halt | None
    outage: Outage | None


def routes(gate: Gate) -> list[Route]:
    """Where they are."""
    return [
        gate.view(f"{HOME}/readers", list_readers),
        gate.view(f"{HOME}/readers/{{number}}", show),
    ]


async def list_readers(visit: Visit) -> Response:
    """Readers by a part of their address."""
    like = visit.request.query_params.get("q", "").strip()[:320].replace("\x00", "")
    after = visit.request.query_params.get("after", "")
    after_id = int(after) if after.isascii() and after.isdigit() and len(after) < 18 else 0
    rows = await visit.desk.read(lambda db: people_page(db, like=like, after_id=after_id, limit=_ROWS + 1))
    more = rows[_ROWS - 1]["id"] if len(rows) > _ROWS else None
    return visit.page("readers.html", rows=rows[:_ROWS], q=like, more=more)


async def show(visit: Visit) -> Response:
    """One reader; with `?paper=` also why that paper was, or was not, for them."""
    number, now = visit.number, visit.desk.clock()
    case = await visit.desk.read(lambda db: find_case(db, number))
    wanted = visit.request.query_params.get("paper", "").strip()[:500].replace("\x00", "")
    explained: Explanation | None = None
    trouble = ""
    if wanted:
        app = visit.desk.app
        try:
            explained = await run_in_threadpool(
                explain, app.store, case.person.email, wanted, limits=app.limits(), now=now
            )
        except DigestError as error:
            trouble = str(error)
    return visit.page(
        "reader.html",
        case=case,
        answers=list(why(case, now=now)),
        paper=wanted,
        explained=explained,
        meaning=ORDER_AND_ENTRY,
        trouble=trouble,
        rhythm=rhythm_of(case.person.profile),
    )


def find_case(db: Connection, number: int) -> Case:
    """Everything about one reader. Raises `HTTPException` 404 when there is none of that number."""
    person = read_subscriber(db, number)
    if person is None:
        raise HTTPException(404)
    mails = deliveries_page(db, address=person.address_hash, limit=_DAYS)
    recent = select(skips).where(skips.c.subscriber_id == number).order_by(skips.c.issue_on.desc())
    none = [
        Told(row.issue_on, Skip(person.email, SkipReason(row.why), row.detail).reason)
        for row in db.execute(recent.limit(_DAYS))
    ]
    return Case(
        person=person,
        barred=suppression_of(db, person.address_hash),
        mails=mails,
        days=_days(mails, none),
        consents=consents_of(db, person.id),
        halt=current_halt(db),
        outage=current_outage(db),
    )


def _days(mails: Sequence[dict[str, Any]], none: Sequence[Told]) -> list[Told]:
    """What came of each day, the newest first. A day with a mail needs no reason why there was none."""
    made = {
        row["issue_on"]: Told(
            row["issue_on"], f"{row['state']}: {row['last_reply'] or row['subject']}", row["id"]
        )
        for row in mails
        if row["issue_on"] is not None
    }
    days = {told.on: told for told in none} | made
    return sorted(days.values(), key=lambda told: told.on, reverse=True)[:_DAYS]


def why(case: Case, *, now: datetime) -> Iterator[str]:
    """Sentences that say whether this reader gets mail, and if not, what stands in the way."""
    if case.barred:
        reason, detail = case.barred
        yield f"The address is not mailed ({reason.replace('_', ' ')}{f': {detail}' if detail else ''})."
    yield _standing(case.person, now)
    if case.person.profile_error:
        yield f"The profile file is broken, the last good version counts: {case.person.profile_error}"
    if case.halt:
        yield f"Sending is halted for everybody: {case.halt.reason}."
    if case.outage:
        yield f"The mail server takes nothing at the moment: {case.outage.reason}"
    yield f"{case.days[0].on}: {case.days[0].what}." if case.days else "No digest was due so far."


def _standing(person: Subscriber, now: datetime) -> str:
    said = person.status_reason or "no reason is known"
    if person.status == "active":
        issue = next_issue(person.profile.cadence, person.profile.timezone, now)
        return f"Active: the next digest is due {in_words(issue, person.profile.timezone)}."
    if person.status == "paused":
        until = f"{person.paused_until:%Y-%m-%d %H:%M} UTC" if person.paused_until else "they come back"
        return f"Paused until {until}: {said}."
    if person.status == "pending":
        return "Has not confirmed the address yet, so nothing is sent but the question itself."
    return f"Unsubscribed: {said}."
