"""The site as a whole: its headers, its limits, and its pages for when something is wrong."""

import logging

import pytest
from starlette.testclient import TestClient

from digest.app import App
from digest.web.site import make_site
from tests.builders import NOW


@pytest.fixture
def app(tmp_path):
    with App.open(tmp_path, web_url="https://papers.example.org") as opened:
        yield opened


@pytest.fixture
def browser(app):
    with TestClient(make_site(app, clock=lambda: NOW), base_url="https://papers.example.org") as client:
        yield client


def test_health_is_ok_while_the_database_answers(browser):
    answer = browser.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/assets/site.css"])
def test_every_answer_carries_the_security_headers(browser, path):
    headers = browser.get(path).headers
    assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["strict-transport-security"]
    assert "server" not in headers


def test_a_page_is_kept_by_nobody_unless_it_says_so(browser):
    assert browser.get("/nowhere").headers["cache-control"] == "no-store"
    assert "immutable" not in browser.get("/assets/site.css?v=other").headers["cache-control"]


def test_an_unknown_address_is_a_page_in_our_own_dress(browser):
    answer = browser.get("/nowhere")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_of_another_site_is_refused(browser, site):
    assert browser.post("/nowhere", headers={"Sec-Fetch-Site": site}).status_code == 403


def test_a_form_of_another_origin_is_refused_by_browsers_that_only_know_origins(browser):
    assert browser.post("/nowhere", headers={"Origin": "https://evil.example"}).status_code == 403
    assert browser.post("/nowhere", headers={"Origin": "https://papers.example.org"}).status_code == 404
    assert browser.post("/nowhere", headers={"Origin": "null"}).status_code == 403


def test_a_body_that_is_too_large_is_refused(browser):
    assert browser.post("/nowhere", content=b"x" * 600_000).status_code == 413


@pytest.mark.parametrize(("length", "status"), [("-1", 400), ("\u00b2", 400), ("x", 400), ("9" * 5_000, 413)])
def test_a_length_that_is_none_is_refused(browser, length, status):
    headers = {"Content-Length": length.encode("latin-1")}
    assert browser.post("/nowhere", content=iter([b"x"]), headers=headers).status_code == status


def test_more_forms_than_a_person_sends_have_to_wait(app):
    site = make_site(app, clock=lambda: NOW)
    with TestClient(site, base_url="https://papers.example.org") as client:
        answers = {client.post("/nowhere").status_code for _ in range(app.settings.file.web.posts_per_minute)}
        late = client.post("/nowhere")
    assert answers == {404}
    assert (late.status_code, late.headers["retry-after"]) == (429, "60")


def test_a_fault_of_ours_is_a_page_with_all_headers_and_without_its_reason(app, monkeypatch, caplog):
    def fall(_):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("digest.web.site.count_papers", fall)
    with (
        caplog.at_level(logging.ERROR),
        TestClient(make_site(app, clock=lambda: NOW), raise_server_exceptions=False) as client,
    ):
        answer = client.get("/healthz")
    assert answer.status_code == 500
    assert "secret of the house" not in answer.text
    assert answer.headers["content-security-policy"]
    assert "secret of the house" in caplog.text
