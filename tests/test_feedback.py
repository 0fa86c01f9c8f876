"""Teaching the scorer: what was liked comes first, what was disliked last, and forgetting undoes it."""

import json

import pytest
from sqlalchemy import select

from digest.errors import DigestError
from digest.explain import explain
from digest.feedback import forget, learn_from, vote
from digest.ingest import ingest_pages
from digest.model import Interest
from digest.publish import Limits
from digest.store.schema import pages as stored_pages
from tests.builders import NOW, a_page, a_paper, a_profile, record, subscribe

TOPICS = {
    "codec": "Neural audio codecs compress speech into discrete tokens with residual quantization of latent frames.",
    "storm": "Storm tracks over the ocean are forecast from satellite images with a graph network of weather stations.",
    "protein": "Protein structures fold from sequences when evolutionary couplings guide the attention between residues.",
}


def fill(store):
    """Five papers a topic; returns the ids by topic."""
    ids = {}
    papers = []
    for place, (topic, abstract) in enumerate(TOPICS.items()):
        numbers = range(10 * place + 1, 10 * place + 6)
        papers += [
            a_paper(n, title=f"On {topic}s, Part {n}", abstract=f"{abstract} Part {n}.") for n in numbers
        ]
        ids[topic] = [f"2602.{n:05d}" for n in numbers]
    record(store, *papers)
    return ids


def score(store, paper_id):
    found = explain(store, "reader@example.org", paper_id, limits=Limits(), now=NOW)
    assert found.score is not None
    return found.score.value


@pytest.fixture
def ids(store):
    subscribe(store, a_profile(interests=(Interest(("attention",)),), trending=0))
    return fill(store)


def test_more_like_this_lifts_what_is_like_it_and_less_lowers_it(store, ids):
    before = {topic: score(store, ids[topic][4]) for topic in TOPICS}
    vote(store, "reader@example.org", "more", ids["codec"][:3], now=NOW)
    vote(store, "reader@example.org", "less", ids["storm"][:3], now=NOW)
    after = {topic: score(store, ids[topic][4]) for topic in TOPICS}
    assert after["codec"] > before["codec"]
    assert after["storm"] < after["codec"]
    assert after["storm"] <= before["storm"]


def test_forgetting_undoes_everything(store, ids):
    before = {topic: score(store, ids[topic][4]) for topic in TOPICS}
    vote(store, "reader@example.org", "more", ids["codec"], now=NOW)
    assert forget(store, "reader@example.org").changed == 5
    assert {topic: score(store, ids[topic][4]) for topic in TOPICS} == before


def test_a_second_vote_on_a_paper_replaces_the_first(store, ids):
    vote(store, "reader@example.org", "more", ids["codec"][:1], now=NOW)
    assert vote(store, "reader@example.org", "less", ids["codec"][:1], now=NOW).votes == {"less": 1}


def test_a_library_of_ones_own_teaches_and_never_comes_as_news(store, ids):
    library = "".join(
        f"@article{{k{n}, title = {{Codec Tokens for Speech, Volume {n}}}, abstract = {{{TOPICS['codec']}}}}}\n"
        for n in range(4)
    )
    before = score(store, ids["codec"][0])
    learnt = learn_from(store, "reader@example.org", "more", [a_page(library, name="library.bib")], now=NOW)
    assert learnt.votes == {"more": 4}
    assert score(store, ids["codec"][0]) > before
    assert explain(store, "reader@example.org", ids["codec"][0], limits=Limits(), now=NOW).candidates == 15


def test_what_cannot_be_read_is_not_believed_to_be_learnt(store, ids):
    with pytest.raises(DigestError, match="letter"):
        learn_from(store, "reader@example.org", "more", [a_page("Dear friend", name="letter.txt")], now=NOW)


def test_unknown_people_and_papers_are_told_and_nothing_is_kept(store, ids):
    with pytest.raises(DigestError, match="nobody is subscribed"):
        vote(store, "nobody@example.org", "more", ids["codec"][:1], now=NOW)
    with pytest.raises(DigestError, match="no paper is called"):
        vote(store, "reader@example.org", "more", [ids["codec"][0], "unknown"], now=NOW)
    assert forget(store, "reader@example.org").changed == 0


def test_the_command_line_teaches_and_forgets(tmp_path):
    from typer.testing import CliRunner

    from digest.cli import app

    def call(*words):
        result = CliRunner().invoke(app, ["--home", str(tmp_path), *words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    call("init", "--demo")
    call("ingest")
    learnt = json.loads(call("feedback", "marta@example.org", "more", "2602.90233", "--json"))
    assert learnt == {"changed": 1, "votes": {"more": 1}}
    library = tmp_path / "library.bib"
    library.write_text(
        "@article{a, title = {Codec Tokens for Speech}, abstract = {We make tokens of speech.}}"
    )
    assert "now has 2 more" in call("feedback", "marta@example.org", "more", str(library))
    forgotten = json.loads(call("feedback", "marta@example.org", "forget", str(library), "--json"))
    assert forgotten == {"changed": 1, "votes": {"more": 1}}
    assert "1 paper forgotten" in call("feedback", "marta@example.org", "forget")


def test_a_page_of_a_source_that_is_learnt_from_stays_news(store, ids):
    day = a_page(
        b"@article{k, title = {On Codecs at Last}, abstract = {We make tokens of speech.}}", name="day.bib"
    )
    ingest_pages(store, [day])
    before = explain(store, "reader@example.org", "On Codecs at Last", limits=Limits(), now=NOW)
    learn_from(store, "reader@example.org", "more", [day], now=NOW)
    after = explain(store, "reader@example.org", "On Codecs at Last", limits=Limits(), now=NOW)
    assert before.candidates == after.candidates == 16
    with store.reading() as db:
        assert (
            db.execute(select(stored_pages.c.fetched_at).where(stored_pages.c.name == "day.bib")).scalar()
            == NOW
        )
