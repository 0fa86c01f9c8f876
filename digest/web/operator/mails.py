"""The outbox: what is owed, to whom, what the server said; and one mail with what can be done about it."""

from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from digest.errors import StoreError
from digest.store import desk as shelf
from digest.store.figures import STATES, deliveries_page
from digest.store.history import count_deliveries, shown_in
from digest.web.letter import POLICY, html_of
from digest.web.operator.login import HOME, Gate, Visit

_ROWS = 50

# What can be done with a mail in each state: the verb in its address, and what the button says.
CHOICES: dict[str, tuple[tuple[str, str], ...]] = {
    "queued": (("hold", "Keep it back"),),
    "deferred": (("retry", "Try again now"), ("hold", "Keep it back")),
    "held": (("retry", "Let it go"),),
    "failed": (("retry", "Try again now"),),
    "sent": (("again", "Send the same mail again"),),
    "unknown": (
        ("as-sent", "It was sent"),
        ("as-resend", "Send the same bytes again"),
        ("as-drop", "Drop it"),
    ),
}


def routes(gate: Gate) -> list[Route]:
    """Where they are."""
    return [
        gate.view(f"{HOME}/mails", list_mails),
        gate.view(f"{HOME}/mails/{{number}}", show),
        gate.view(f"{HOME}/mails/{{number}}/letter", letter),
    ]


async def list_mails(visit: Visit) -> Response:
    """The newest mails, of one state where one was chosen."""
    state = visit.request.query_params.get("state", "")
    before = visit.request.query_params.get("before", "")
    chosen = state if state in STATES else None
    before_id = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None

    def ask(db: Connection) -> tuple[list[dict[str, Any]], dict[str, int]]:
        return deliveries_page(db, state=chosen, before_id=before_id, limit=_ROWS + 1), count_deliveries(db)

    rows, counts = await visit.desk.read(ask)
    return visit.page(
        "mails.html",
        rows=rows[:_ROWS],
        state_chosen=chosen or "",
        states=[(name, counts[name]) for name in STATES if counts.get(name)],
        older=rows[_ROWS - 1]["id"] if len(rows) > _ROWS else None,
    )


async def show(visit: Visit) -> Response:
    """One mail: its way so far, the papers in it and why, and the buttons."""
    number = visit.number

    def ask(db: Connection) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        return _find(db, number), shown_in(db, number)

    row, papers = await visit.desk.read(ask)
    return visit.page(
        "mail.html",
        row=row,
        papers=papers,
        choices=CHOICES.get(row["state"], ()),
        has_letter=bool(row.pop("raw")),
    )


async def letter(visit: Visit) -> Response:
    """The mail itself, shut in a sandbox."""
    row = await visit.desk.read(lambda db: _find(db, visit.number))
    html = html_of(row["raw"]) if row["raw"] else None
    if html is None:
        raise HTTPException(404)
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY})


def _find(db: Connection, number: int) -> dict[str, Any]:
    try:
        return shelf.show(db, number)
    except StoreError as error:
        raise HTTPException(404) from error
