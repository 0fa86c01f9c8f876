"""What is kept of a reader, for how long; another address; and being forgotten. /privacy, /s/TOKEN/address, /s/TOKEN/erase."""

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from digest.store.people import Subscriber
from digest.subscriptions import CONSENT, Asked, ask_to_move, erase
from digest.web.desk import Desk
from digest.web.guard import network_of
from digest.web.profile_form import read_address


def routes(desk: Desk) -> list[Route]:
    """Where these pages are."""
    own = _Own(desk)
    return [
        Route("/privacy", own.privacy),
        Route("/s/{token}/address", own.address, methods=["GET", "POST"]),
        Route("/s/{token}/erase", own.erasing),
        Route("/s/{token}/erase", own.erase, methods=["POST"]),
    ]


class _Own:
    """The functions behind the pages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def privacy(self, _: Request) -> Response:
        """What is kept, and for how long, as it is configured."""
        settings = self._desk.app.settings.file
        return self._desk.page(
            "privacy.html", kept_for=300, keep=settings.retention, sender=settings.sender, consent=CONSENT
        )

    async def _who(self, token: str) -> Subscriber:
        return await self._desk.read(lambda db: self._desk.fresh_reader(db, token))

    async def address(self, request: Request) -> Response:
        """Ask for another address: it has to say yes, and this one is told."""
        desk, token, now = self._desk, request.path_params["token"], self._desk.clock()
        person = await self._who(token)
        if request.method != "POST" or person.owner == "file":
            return desk.page("address.html", token=token, person=person, wrong={}, email="")
        form, wrong = await desk.form(request), dict[str, str]()
        email = read_address(form.line("email"), wrong)
        if not wrong and email.lower() == person.email.lower():
            wrong["email"] = "That is the address it goes to already."
        if wrong:
            typed = form.line("email")
            return desk.page("address.html", status=422, token=token, person=person, wrong=wrong, email=typed)
        network = network_of(request.scope)

        def ask(tx: Connection) -> Asked:
            return ask_to_move(tx, desk.app.office, desk.fresh_reader(tx, token), email, network, now=now)

        asked = await desk.write(ask)
        desk.wake()
        return RedirectResponse(f"/s/{token}?done={'busy' if asked is Asked.BUSY else 'move'}", 303)

    async def erasing(self, request: Request) -> Response:
        """The page with the button."""
        token = request.path_params["token"]
        return self._desk.page("erase.html", token=token, person=await self._who(token), wrong={}, typed="")

    async def erase(self, request: Request) -> Response:
        """Forget somebody, once they have typed their address to show that they mean it."""
        desk, token = self._desk, request.path_params["token"]
        person, typed = await self._who(token), (await desk.form(request)).line("email")
        if person.owner == "file" or typed.lower() != person.email.lower():
            wrong = {"email": "Type the address the digest goes to, exactly."}
            return desk.page("erase.html", status=422, token=token, person=person, wrong=wrong, typed=typed)
        await desk.write(lambda tx: erase(tx, desk.fresh_reader(tx, token)))
        await run_in_threadpool(desk.app.store.empty_log)
        return desk.page("erased.html")
