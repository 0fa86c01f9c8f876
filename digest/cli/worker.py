"""`digest worker`: one of the processes that publish and send for a digest on PostgreSQL."""

import threading
from typing import TYPE_CHECKING

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.cli.tenants import opened
from digest.cli.watching import keeping_up
from digest.errors import DigestError, Mistake, SettingsError
from digest.logs import tell_each_step
from digest.mail.wording import counted

if TYPE_CHECKING:
    from digest.app import App


def worker(ctx: typer.Context) -> None:
    """Publish and send what `digest run` plans, until Ctrl-C. Start as many as there are cores; any may die at any time.

    Example: digest worker
    """
    from digest.scheduler import stop_on_signals

    context: Context = ctx.obj
    stopping = threading.Event()
    with exits_in_words(), opened(context) as house:
        apps = [app for app in house.apps.values() if app.settings.file.cluster.engine != "none"]
        if not apps:
            raise SettingsError([_no_engine(app) for app in house.apps.values()])
        stop_on_signals(stopping)
        tell_each_step()
        complain(f"working for {len(apps)} of {counted(len(house.apps), 'digest')}. Stop with Ctrl-C.")
        broken: list[App] = []
        threads = [threading.Thread(target=_work, args=(app, context, stopping, broken)) for app in apps]
        with keeping_up({str(app.settings.home): app for app in apps}):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    raise typer.Exit(1 if broken else 0)


def _work(app: "App", context: Context, stopping: threading.Event, broken: "list[App]") -> None:
    """One digest that cannot be worked for costs only itself."""
    try:
        from digest.cluster import Worker  # says so when what it needs is not installed

        Worker(app, clock=context.wall_clock, stopping=stopping).run()
    except DigestError as error:
        complain(f"{app.settings.home}: {error}")
        broken.append(app)


def _no_engine(app: "App") -> Mistake:
    where = str(app.settings.home / "config" / "digest.toml")
    remedy = 'is "none", so `digest run` does everything itself; set it to "procrastinate" to have workers'
    return Mistake(where, "cluster.engine", remedy)
