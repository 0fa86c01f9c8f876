"""Figures for machines: only for whoever has the token, with no address in them, and every name a dashboard uses is there."""

import json
import re
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from digest.app import App
from digest.errors import DigestError, StoreError
from digest.store.halt import halt_sending
from digest.store.people import suppress
from digest.store.sources import SourceState, put_source_state
from digest.web.figures import Figures
from digest.web.site import make_site
from tests.builders import NOW, a_paper, owe, record
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[1]
URL = "https://papers.example.org"
TOKEN = "a token of some length"


@pytest.fixture
def app(tmp_path):
    (tmp_path / ".env").write_text(f"DIGEST_METRICS_TOKEN={TOKEN}\n")
    (tmp_path / "config" / "subscribers").mkdir(parents=True)
    with App.open(tmp_path, web_url=URL) as opened:
        yield opened


@pytest.fixture
def browser(app):
    with TestClient(make_site(app, clock=lambda: NOW), base_url=URL) as client:
        yield client


def read(browser):
    answer = browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return answer.text


def samples(browser):
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(read(browser))
        for sample in family.samples
    }


def live(app):
    """A house in which everything that can be counted has happened."""
    record(app.store, a_paper(1), a_paper(2))
    number = owe(app.store, 1, now=NOW - timedelta(hours=1))
    with app.store.writing() as tx:
        put_source_state(tx, SourceState("pages", "ok", NOW, NOW, succeeded_at=NOW, papers=2))
        suppress(tx, "hash", "complaint", "", NOW)
        tx.exec_driver_sql(
            "INSERT INTO bounces (content_hash, address_hash, kind, detail, received_at)"
            " VALUES ('x', 'y', 'soft', '', '2026-03-02 08:00:00')"
        )
    app.ingest(now=NOW)
    app.publish(now=NOW)
    app.deliver(clock=lambda: NOW)
    return number


def test_without_a_token_in_env_there_is_no_such_page(tmp_path):
    with App.open(tmp_path, web_url=URL) as app, TestClient(make_site(app, clock=lambda: NOW)) as client:
        assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize(
    "said", [None, "", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ", "Bearer é"]
)
def test_whoever_does_not_say_the_token_reads_nothing(browser, said):
    headers = {} if said is None else {"Authorization": said.encode()}
    answer = browser.get("/metrics", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "digest_papers" not in answer.text


def test_what_is_in_the_database_is_told_whichever_process_is_asked(app, browser):
    live(app)
    found = samples(browser)
    assert found["digest_papers",] == 2
    assert found["digest_readers", "unsubscribed"] == 1  # its profile file is not there
    assert found["digest_outbox_mails", "suppressed"] == 1
    assert found["digest_outbox_waiting",] == 0
    assert found["digest_source_failures", "pages"] == 1  # there is no folder pages/
    assert found["digest_source_ok", "pages", "unreachable"] == 0
    assert found["digest_suppressed_addresses", "complaint"] == 1
    assert found["digest_returned_mails", "soft"] == 1
    for verb in ("ingest", "publish", "deliver"):
        assert found["digest_verb_runs_total", verb] == 1
        assert found["digest_verb_failures_total", verb] == 0
    with TestClient(make_site(app, clock=lambda: NOW), base_url=URL) as other:
        again = samples(other)
    assert {
        key: value for key, value in again.items() if not key[0].startswith(("digest_web", "process"))
    } == {key: value for key, value in found.items() if not key[0].startswith(("digest_web", "process"))}


def test_what_waits_and_what_is_halted_is_told(app, browser):
    owe(app.store, now=NOW - timedelta(hours=1))
    with app.store.writing() as tx:
        halt_sending(tx, "why", now=NOW)
    found = samples(browser)
    assert found["digest_outbox_waiting",] == 1
    assert found["digest_outbox_oldest_timestamp_seconds",] == (NOW - timedelta(hours=1)).timestamp()
    assert found["digest_sending_halted",] == 1
    assert found["digest_mail_server_down",] == 0


def test_requests_are_counted_by_route_and_never_by_path(browser):
    token = "s3cr3tt0k3n-of-somebody-1234"
    browser.get(f"/w/{token}/2026-03-02")
    browser.get("/nowhere")
    browser.post("/nowhere", headers={"Sec-Fetch-Site": "cross-site"})
    browser.request("BREW", "/nowhere")
    browser.get("/trending")
    text = read(browser)
    found = samples(browser)
    assert token not in text
    assert "nowhere" not in text
    assert found["digest_web_requests_total", *sorted(["/w/{token}/{on}", "404", "GET"])] == 1
    assert found["digest_web_requests_total", *sorted(["none", "403", "POST"])] == 1
    assert found["digest_web_requests_total", *sorted(["none", "404", "GET"])] == 1
    assert "BREW" not in text
    assert found["digest_web_request_seconds_count", "/trending"] == 1


def test_no_figure_names_a_person(app, browser):
    live(app)
    assert "@" not in read(browser)


def test_a_dashboard_asks_only_for_figures_there_are(app, browser):
    live(app)
    browser.get("/trending")
    told = {
        line.split("{")[0].split(" ")[0] for line in read(browser).splitlines() if not line.startswith("#")
    }
    dashboard = json.loads((ROOT / "deploy" / "grafana.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
        for name in re.findall(r"\b(?:digest|process)_[a-z_]+", target["expr"])
    }
    assert len(asked) >= 12
    assert asked <= told, asked - told
    assert all(panel["title"] for panel in dashboard["panels"])


def test_digests_behind_one_server_are_told_apart_and_each_token_shows_its_own(tmp_path):
    figures, answers = Figures(), {}
    with ExitStack() as house:
        for tenant, token in (("bio", TOKEN), ("ml", TOKEN), ("closed", "another token")):
            home = tmp_path / tenant
            home.mkdir()
            (home / ".env").write_text(f"DIGEST_METRICS_TOKEN={token}\n")
            app = house.enter_context(App.open(home, web_url=f"https://{tenant}.example.org"))
            record(app.store, a_paper(1))
            site = make_site(app, clock=lambda: NOW, figures=figures, tenant=tenant)
            answers[tenant] = house.enter_context(TestClient(site, base_url=f"https://{tenant}.example.org"))
        found = samples(answers["ml"])
        assert (found["digest_papers", "bio"], found["digest_papers", "ml"]) == (1, 1)
        assert ("digest_papers", "closed") not in found
        assert ("process_open_fds",) in found
        names = [line for line in read(answers["bio"]).splitlines() if line.startswith("# TYPE")]
        assert len(names) == len(set(names))
        alone = answers["bio"].get("/metrics", headers={"Authorization": "Bearer another token"}).text
        assert 'digest_papers{tenant="closed"}' in alone
        assert 'tenant="ml"' not in alone


def test_a_port_of_its_own_tells_everything_and_the_pages_nothing(app):
    figures, port = Figures(is_public=False), free_port()
    with TestClient(make_site(app, clock=lambda: NOW, figures=figures), base_url=URL) as pages:
        with figures.at_port(port, "127.0.0.1"):
            said = httpx.get(f"http://127.0.0.1:{port}/metrics").text
            with pytest.raises(DigestError, match="choose another"), figures.at_port(port, "127.0.0.1"):
                pass
        answer = pages.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert "digest_papers 0.0" in said
    assert answer.status_code == 404


def test_ready_means_that_the_database_can_be_written(app, browser):
    app.publish(now=NOW - timedelta(minutes=3))
    answer = browser.get("/readyz")
    assert answer.status_code == 200
    said = answer.json()
    assert (said["ready"], said["database"], said["schema"]) == (True, "writable", "current")
    assert 170 <= said["seconds_since"]["publish"] <= 180


def test_not_ready_is_said_with_its_reason_and_no_secret(app, monkeypatch):
    def closed():
        raise StoreError("cannot write to the database: it is read-only; make the file writable")

    monkeypatch.setattr(app.store, "writing", closed)
    with TestClient(make_site(app, clock=lambda: NOW), base_url=URL) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "database": "cannot write to the database: it is read-only"}


def test_asking_again_and_again_does_not_write_each_time(app, browser, monkeypatch):
    asked = []
    real = app.store.writing

    def counted():
        asked.append(1)
        return real()

    monkeypatch.setattr(app.store, "writing", counted)
    for _ in range(20):
        browser.get("/readyz")
    assert len(asked) == 1


def test_a_database_of_another_version_is_not_ready(app, browser):
    with app.store.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    answer = browser.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["schema"].startswith("0001")
