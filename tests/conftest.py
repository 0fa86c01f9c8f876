"""What every test stands on: no network but loopback, no environment of the person who runs it."""

import logging
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from digest.store import Store
from tests import postgres

# A slow machine is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

SHARED = Path(__file__).resolve().parents[2] / "shared"
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")
_real_connect = socket.socket.connect
_real_getaddrinfo = socket.getaddrinfo


@pytest.fixture(autouse=True)
def _no_network_but_loopback(monkeypatch):
    def connect(self, address):
        if self.family != getattr(socket, "AF_UNIX", None) and not str(address[0]).startswith(_LOOPBACK):
            pytest.fail(f"a test tried to reach {address!r}; only loopback is allowed")
        return _real_connect(self, address)

    def getaddrinfo(host, *rest, **more):
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not name.startswith(_LOOPBACK):
            pytest.fail(f"a test tried to look up {name!r}; only loopback is allowed")
        return _real_getaddrinfo(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch):
    for name in list(os.environ):
        if name.startswith("DIGEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture(autouse=True)
def _logging_as_it_was():
    """A command that a test runs in this process sets up logging for the whole of it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.setLevel(level)
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler and handler not in handlers:
            root.removeHandler(handler)


@pytest.fixture
def now():
    """A Monday morning: nothing in the suite reads the clock."""
    return datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def shared():
    """Real pages and data, where they are at hand."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared with real pages; it stands beside the checkout in CI")
    return SHARED


def pytest_collection_modifyitems(items):
    """The long ones first: side by side with the many short ones they cost no time of their own."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_generate_tests(metafunc):
    """Whatever needs a database runs on each kind, or on those that the marker `only_on` names."""
    name = metafunc.module.__name__.rpartition(".")[2]
    is_web = name.startswith("test_web_") and not name.endswith("browser")
    if is_web and {"app", "house", "site"} & {*metafunc.fixturenames}:
        metafunc.fixturenames.insert(0, "home_database")
        metafunc.parametrize("home_database", ("sqlite", "postgresql"), indirect=True)
    if "database_url" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("only_on")
        kinds = only.args if only else ("sqlite", "postgresql")
        metafunc.parametrize("database_url", kinds, indirect=True)


@pytest.fixture
def database_url(request, tmp_path):
    """The address of a database that is nobody else's."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store' / 'digest.db'}"
        return
    server, why_not = postgres.server()
    if server is None:
        pytest.skip(why_not)
    with postgres.database() as url:
        yield url


@pytest.fixture
def home_database(request, monkeypatch, _no_settings_of_this_machine):
    """Homes that are opened now have their database there."""
    if request.param == "sqlite":
        yield
        return
    server, why_not = postgres.server()
    if server is None:
        pytest.skip(why_not)
    with postgres.database() as url:
        monkeypatch.setenv("DIGEST_DATABASE_URL", url)
        yield


@pytest.fixture
def store(database_url):
    """A real database, opened."""
    opened = Store(database_url, secret=postgres.SECRET)
    yield opened
    opened.close()
