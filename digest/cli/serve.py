"""`digest serve`: the web pages, and beside them the schedule, in one process."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.cli.tenants import opened
from digest.cli.watching import keeping_up
from digest.errors import DigestError
from digest.logs import tell_each_step
from digest.traces import start_tracing

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

    from digest.app import App
    from digest.web.figures import Figures

log = logging.getLogger(__name__)
_ONCE_MORE = 11.0  # seconds after a page has queued a mail
_LAST_WORDS = 30  # seconds that requests have to end when the server stops


def serve(
    ctx: typer.Context,
    host: Annotated[
        str, typer.Option("--host", help="Where to listen; 0.0.0.0 for every network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on.")] = 8000,
    schedule: Annotated[
        bool,
        typer.Option("--schedule/--no-schedule", help="Also ingest, publish and deliver, as `run` does."),
    ] = True,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port",
            min=1,
            max=65535,
            help="Tell /metrics here, without a token, and not on the pages' port.",
        ),
    ] = None,
    metrics_host: Annotated[
        str, typer.Option("--metrics-host", help="Where that port is open; see --host.")
    ] = "127.0.0.1",
) -> None:
    """Serve the web pages, and ingest, publish and deliver beside them, until Ctrl-C.

    Example: digest serve --host 0.0.0.0 --port 8000
    """
    context: Context = ctx.obj
    stopping = threading.Event()
    with exits_in_words(), _listening(host, port) as door:
        here = f"http://{_as_seen(host)}:{door.getsockname()[1]}"
        private = None if metrics_port is None else (metrics_port, metrics_host)
        _open_up(context, door, here, stopping, private, with_schedule=schedule)


def _open_up(
    context: Context,
    door: socket.socket,
    here: str,
    stopping: threading.Event,
    private: tuple[int, str] | None,
    *,
    with_schedule: bool,
) -> None:
    from digest.scheduler import stop_on_signals
    from digest.web.figures import Figures

    figures = Figures(is_public=private is None)
    with opened(context, web_url=here) as house, figures.at_port(*private) if private else nullcontext():
        stop_on_signals(stopping)
        tell_each_step()
        start_tracing()
        for app in house.apps.values():
            complain(f"serving on {here}; the home is {app.settings.home}. Stop with Ctrl-C.")
        _serve(house.apps, context, door, stopping, figures, with_schedule=with_schedule)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """The door, opened before anything else, so that a port that is taken starts nothing. Raises `DigestError`."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        door = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise DigestError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --host or --port"
        ) from error
    with door:
        yield door


def _as_seen(host: str) -> str:
    """The host as this machine's own browser reaches it."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
    return f"[{name}]" if ":" in name else name


def _serve(
    apps: "Mapping[str, App]",
    context: Context,
    door: socket.socket,
    stopping: threading.Event,
    figures: "Figures",
    *,
    with_schedule: bool,
) -> None:
    from digest.cli.verbs import rounds

    woken = threading.Event()
    pages = _Pages(apps, context.wall_clock, woken.set, figures)
    server = _server(pages.house, list(apps.values()))
    beside = [threading.Thread(target=pages.make_ready)]
    if with_schedule:
        beside.append(
            threading.Thread(target=rounds, args=(apps, context.wall_clock, stopping), name="schedule")
        )
    if with_schedule or any(_has_workers(app) for app in apps.values()):
        beside.append(threading.Thread(target=_send_at_once, args=(apps, context, woken, stopping)))
    for thread in beside:
        thread.start()
    try:
        with keeping_up(apps, pages.renew):
            server.run(sockets=[door])
    finally:
        stopping.set()
        woken.set()
        for thread in beside:
            thread.join()


class _Pages:
    """The pages of every digest that one process serves, made anew when the settings of one were changed."""

    def __init__(
        self,
        apps: "Mapping[str, App]",
        clock: Callable[[], datetime],
        wake: Callable[[], None],
        figures: "Figures",
    ) -> None:
        from digest.web.house import House

        self._apps, self._clock, self._wake, self._figures = apps, clock, wake, figures
        self._sites = {name: self._made(name) for name in apps}
        self.house = House()
        for name in apps:
            self._put(name)

    def make_ready(self) -> None:
        """Learn from the papers before the first visitor waits for it."""
        for site in self._sites.values():
            self._learn(site)

    def renew(self, name: str) -> None:
        """Let pages answer that know the settings of now."""
        site = self._sites[name] = self._made(name)
        self._learn(site)
        self._put(name)

    def _made(self, name: str) -> "Starlette":
        from digest.web.site import make_site

        app = self._apps[name]
        return make_site(app, clock=self._clock, wake=self._wake, figures=self._figures, tenant=name)

    def _put(self, name: str) -> None:
        self.house.put(name, self._apps[name].settings.file.web.url, self._sites[name])

    def _learn(self, site: "Starlette") -> None:
        try:
            site.state.desk.showroom.make_ready(self._clock())
        except Exception:
            log.exception("the papers could not be read; the first page asked for tries again")


def _send_at_once(
    apps: "Mapping[str, App]", context: Context, woken: threading.Event, stopping: threading.Event
) -> None:
    """A confirmation is waited for: deliver when a page has queued a mail, not only when the schedule says so."""
    again: float | None = None
    while True:
        was_woken = woken.wait(again)
        if stopping.is_set():
            return
        woken.clear()
        # A welcome waits a moment, in case both buttons of a confirmation were pressed: look once more.
        again = _ONCE_MORE if was_woken else None
        for app in apps.values():
            try:
                _send(app, context, stopping)
            except Exception:  # whatever it is, the next confirmation must still find somebody who sends it
                log.exception("deliver failed; the schedule tries again")


def _has_workers(app: "App") -> bool:
    return app.settings.file.cluster.engine != "none"


def _send(app: "App", context: Context, stopping: threading.Event) -> None:
    if not _has_workers(app):
        app.deliver(clock=context.wall_clock, is_stopping=stopping.is_set)
        return
    from digest.cluster import Planner

    Planner(app).wake_delivery(now=context.wall_clock())


def _server(site: object, apps: "Sequence[App]") -> "uvicorn.Server":
    import uvicorn

    # One proxy stands before all of them.
    proxies = sorted({proxy for app in apps for proxy in app.settings.file.web.proxies})

    return uvicorn.Server(
        uvicorn.Config(
            site,  # type: ignore[arg-type]
            proxy_headers=True,
            forwarded_allow_ips=proxies,
            server_header=False,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=_LAST_WORDS,
            timeout_keep_alive=30,
            lifespan="off",
        )
    )
