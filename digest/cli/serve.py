"""`digest serve`: the web pages, and beside them the schedule, in one process."""

import logging
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.errors import DigestError
from digest.logs import tell_each_step

if TYPE_CHECKING:
    import uvicorn

    from digest.app import App

log = logging.getLogger(__name__)
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
) -> None:
    """Serve the web pages, and ingest, publish and deliver beside them, until Ctrl-C.

    Example: digest serve --host 0.0.0.0 --port 8000
    """
    from digest.app import App
    from digest.scheduler import stop_on_signals

    context: Context = ctx.obj
    stopping = threading.Event()
    with exits_in_words(), App.open(context.home, web_url=f"http://{_as_seen(host)}:{port}") as app:
        stop_on_signals(stopping)
        tell_each_step()
        complain(
            f"serving on http://{_as_seen(host)}:{port}; the home is {app.settings.home}. Stop with Ctrl-C."
        )
        _serve(app, context, (host, port), stopping, with_schedule=schedule)


def _as_seen(host: str) -> str:
    """The host as this machine's own browser reaches it."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
    return f"[{name}]" if ":" in name else name


def _serve(
    app: "App", context: Context, at: tuple[str, int], stopping: threading.Event, *, with_schedule: bool
) -> None:
    from digest.cli.verbs import rounds
    from digest.web.site import make_site

    woken = threading.Event()
    server = _server(make_site(app, clock=context.wall_clock, wake=woken.set), app, at)
    beside = []
    if with_schedule:
        beside.append(
            threading.Thread(target=rounds, args=(app, context.wall_clock, stopping), name="schedule")
        )
        beside.append(threading.Thread(target=_send_at_once, args=(app, context, woken, stopping)))
    for thread in beside:
        thread.start()
    try:
        server.run()
    finally:
        stopping.set()
        woken.set()
        for thread in beside:
            thread.join()


def _send_at_once(app: "App", context: Context, woken: threading.Event, stopping: threading.Event) -> None:
    """A confirmation is waited for: deliver when a page has queued a mail, not only when the schedule says so."""
    while woken.wait() and not stopping.is_set():
        woken.clear()
        try:
            app.deliver(clock=context.wall_clock, is_stopping=stopping.is_set)
        except DigestError:
            log.exception("deliver failed; the schedule tries again")


def _server(site: object, app: "App", at: tuple[str, int]) -> "uvicorn.Server":
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            site,  # type: ignore[arg-type]
            host=at[0],
            port=at[1],
            proxy_headers=True,
            forwarded_allow_ips=list(app.settings.file.web.proxies),
            server_header=False,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=_LAST_WORDS,
            timeout_keep_alive=30,
            lifespan="off",
        )
    )
