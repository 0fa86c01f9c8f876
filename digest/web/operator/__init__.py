"""The operator's pages: what is going on, why, and what can be done about it. Off until a password is configured.

    login       the password, the session, and the wrapper that keeps everybody else out
    overview    figures, sources, troubles with their remedies
    mails       the outbox, one delivery, and what can be done with it
    readers     people, one person, and why they did or did not get a mail
    acts        everything that changes something: POST only, each with its line in the audit

Whatever is changed here can be changed on the command line too.
"""

from starlette.routing import Route

from digest.web.desk import Desk
from digest.web.operator import acts, login, mails, overview, readers
from digest.web.operator.login import Gate


def routes(desk: Desk) -> list[Route]:
    """Where these pages are: nowhere when no password is configured."""
    configured = desk.app.settings.operator_hash
    if configured is None:
        return []
    gate = Gate(desk, configured.get_secret_value())
    pages = (overview, mails, readers, acts)
    return [*login.routes(gate), *(route for page in pages for route in page.routes(gate))]
