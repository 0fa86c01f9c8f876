"""What the operator does: each by POST from a form of the session, each in one transaction with its audit line."""

from collections.abc import Awaitable, Callable

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from digest.errors import StoreError
from digest.mail.notices import Trouble
from digest.mail.wording import counted
from digest.store import desk as shelf
from digest.store.halt import halt_sending, resume_sending
from digest.store.outages import end_outage
from digest.store.people import Subscriber, read_subscriber, suppress
from digest.store.remedies import lift_suppression, send_again
from digest.subscriptions import put_status
from digest.web.operator.login import HOME, Gate, Visit

Change = Callable[[Connection], object]
_TEST = Trouble(
    "Nothing is wrong: this is a test",
    "You asked for it on the operator's page, and it left like every other mail.",
    "Look at its headers: spf=pass, dkim=pass and dmarc=pass mean that your digests will be trusted.",
)


def routes(gate: Gate) -> list[Route]:
    """Where they are done."""
    plain: dict[str, Callable[[Visit], Awaitable[Response]]] = {
        "halt": halt,
        "resume": resume,
        "probe": probe,
        "retry": retry_all,
        "test": send_test,
    }
    return [
        *(gate.act(f"{HOME}/{name}", act) for name, act in plain.items()),
        gate.act(f"{HOME}/mails/{{number}}/{{verb}}", on_mail),
        gate.act(f"{HOME}/readers/{{number}}/{{verb}}", on_reader),
    ]


def _back(path: str = "") -> Response:
    return RedirectResponse(f"{HOME}{path}", 303)


async def halt(visit: Visit) -> Response:
    """Stop sending, for everybody and every worker."""
    reason = visit.form.line("reason", 200) or "no reason given"
    now = visit.desk.clock()

    def change(tx: Connection) -> None:
        if halt_sending(tx, reason, now=now):
            visit.act(tx, "halt sending", "", reason)

    await visit.desk.write(change)
    return _back()


async def resume(visit: Visit) -> Response:
    """Let it go on."""

    def change(tx: Connection) -> None:
        if resume_sending(tx):
            visit.act(tx, "resume sending", "")

    await visit.desk.write(change)
    visit.desk.wake()
    return _back()


async def probe(visit: Visit) -> Response:
    """Ask a mail server in trouble again at once."""

    def change(tx: Connection) -> None:
        if end_outage(tx):
            visit.act(tx, "try the server now", "")

    await visit.desk.write(change)
    visit.desk.wake()
    return _back()


async def retry_all(visit: Visit) -> Response:
    """Try everything that is deferred at once."""

    def change(tx: Connection) -> None:
        count = shelf.retry(tx, None, now=visit.desk.clock())
        visit.act(tx, "retry all", "", counted(count, "mail"))

    await visit.desk.write(change)
    visit.desk.wake()
    return _back("/mails?state=deferred")


async def on_mail(visit: Visit) -> Response:
    """One of the choices for one mail. What is not allowed in its state changes nothing and says why."""
    number, verb = visit.number, visit.request.path_params["verb"]
    now = visit.desk.clock()
    known: dict[str, Change] = {
        "retry": lambda tx: shelf.retry(tx, number, now=now),
        "hold": lambda tx: shelf.hold(tx, number),
        "again": lambda tx: send_again(tx, number, now=now),
        "as-sent": lambda tx: shelf.resolve(tx, number, "sent", now=now),
        "as-resend": lambda tx: shelf.resolve(tx, number, "resend", now=now),
        "as-drop": lambda tx: shelf.resolve(tx, number, "drop", now=now),
    }
    if verb not in known:
        raise HTTPException(404)

    def change(tx: Connection) -> str:
        try:
            known[verb](tx)
        except StoreError as error:
            return str(error)
        visit.act(tx, verb, f"delivery {number}")
        return ""

    refused = await visit.desk.write(change)
    if refused:
        return visit.page("refused.html", said=refused, back=f"{HOME}/mails")
    visit.desk.wake()
    return _back(f"/mails/{number}")


async def on_reader(visit: Visit) -> Response:
    """Suppress an address or lift that, pause somebody, let them come back, or end their subscription."""
    number, verb = visit.number, visit.request.path_params["verb"]
    if verb not in _ON_READER:
        raise HTTPException(404)

    def change(tx: Connection) -> None:
        person = read_subscriber(tx, number)
        if person is None:
            raise HTTPException(404)
        _ON_READER[verb](tx, person, visit)
        visit.act(tx, verb, f"reader {number}")

    await visit.desk.write(change)
    return _back(f"/readers/{number}")


def _suppress(tx: Connection, person: Subscriber, visit: Visit) -> None:
    suppress(tx, person.address_hash, "manual", "by the operator", visit.desk.clock())


def _lift(tx: Connection, person: Subscriber, _: Visit) -> None:
    lift_suppression(tx, person.address_hash)


def _pause(tx: Connection, person: Subscriber, visit: Visit) -> None:
    if person.status == "active":
        put_status(tx, person, "paused", now=visit.desk.clock())


def _resume(tx: Connection, person: Subscriber, visit: Visit) -> None:
    """Only a pause is ended here: who left comes back by their own word alone."""
    if person.status == "paused":
        put_status(tx, person, "active", now=visit.desk.clock())


def _unsubscribe(tx: Connection, person: Subscriber, visit: Visit) -> None:
    put_status(tx, person, "unsubscribed", now=visit.desk.clock())


_ON_READER: dict[str, Callable[[Connection, Subscriber, Visit], None]] = {
    "suppress": _suppress,
    "lift": _lift,
    "pause": _pause,
    "resume": _resume,
    "unsubscribe": _unsubscribe,
}


async def send_test(visit: Visit) -> Response:
    """A small mail to an address, through the outbox and the configured way out, like every other."""
    office, now = visit.desk.app.office, visit.desk.clock()
    try:
        address = validate_email(visit.form.line("address", 254), check_deliverability=False).normalized
        message = visit.desk.app.letters.alert(address, [_TEST], now=now)
    except (EmailNotValidError, ValueError):
        return visit.page("refused.html", said="That does not look like an address.", back=HOME)

    def change(tx: Connection) -> None:
        office.send(tx, "test", message, now=now)
        visit.act(tx, "send a test", "")

    await visit.desk.write(change)
    visit.desk.wake()
    return _back("/mails")
