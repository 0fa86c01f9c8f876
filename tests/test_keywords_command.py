"""`digest keywords`: what each keyword found, for a profile file or a subscriber."""

import json

import pytest
from typer.testing import CliRunner

from digest.cli import app
from digest.store import Store
from tests.builders import NOW, a_paper, record

PROFILE = """
email = "reader@example.org"
[[interest]]
keywords = ["speculative decoding", "speculatve decoding"]
[[interest]]
keywords = ["storm tracks"]
"""
LIBRARY = """
@article{a, title={Speculative Decoding with Draft Models}, author={A. Reader}, year={2025}}
@article{b, title={Draft Models for Speculative Decoding at Scale}, author={A. Reader}, year={2025}}
"""


def call(*words, code=0):
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == code, result.output + result.stderr
    return result


@pytest.fixture
def home(tmp_path):
    call("--home", tmp_path, "init")
    (tmp_path / "config" / "subscribers" / "me.toml").write_text(PROFILE)
    (tmp_path / "library.bib").write_text(LIBRARY)
    return tmp_path


def fill(home):
    call("--home", home, "status")
    store = Store(f"sqlite:///{home / 'data' / 'digest.db'}", secret=b"s" * 32)
    decoding = [
        a_paper(n, title=f"Speculative decoding with draft models, {n}", abstract="A draft model guesses.")
        for n in range(6)
    ]
    weather = [
        a_paper(n, title=f"Storms over the sea, {n}", abstract="Satellites see them.") for n in range(50, 180)
    ]
    record(store, *decoding, *weather)
    store.close()


def asked(home, *words):
    return json.loads(call("--home", home, "--now", NOW.isoformat(), "keywords", *words, "--json").stdout)


@pytest.mark.parametrize("whose", ["reader@example.org", "config/subscribers/me.toml"])
def test_every_keyword_is_told_what_it_found(home, whose, monkeypatch):
    fill(home)
    monkeypatch.chdir(home)
    answer = asked(home, whose)
    found = {one["typed"]: one for one in answer["advice"]}
    assert answer["papers"] == 136
    assert found["speculative decoding"]["hits"] == 6
    assert found["speculatve decoding"]["suggestions"][0] == "speculative decoding"
    assert found["storm tracks"]["hits"] == 0


def test_papers_of_ones_own_suggest_keywords(home):
    fill(home)
    answer = asked(home, "reader@example.org", "--from", home / "library.bib")
    assert any("draft" in word or "decoding" in word for word in answer["proposed"])
    assert (
        "Your papers suggest"
        in call(
            "--home",
            home,
            "--now",
            NOW.isoformat(),
            "keywords",
            "reader@example.org",
            "--from",
            home / "library.bib",
        ).stdout
    )


def test_a_person_is_told_in_words(home):
    fill(home)
    said = call("--home", home, "--now", NOW.isoformat(), "keywords", "reader@example.org").stdout
    assert "did you mean speculative decoding" in said
    assert "also: " in said


def test_an_empty_home_has_no_hits_and_no_suggestions(home):
    assert [one["hits"] for one in asked(home, "reader@example.org")["advice"]] == [0, 0, 0]


def test_who_is_not_subscribed_is_said_in_one_line(home):
    said = call("--home", home, "keywords", "nobody@example.org", code=1).stderr
    assert "nobody is subscribed as nobody@example.org" in said
    assert len(said.strip().splitlines()) == 1
