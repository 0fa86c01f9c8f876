"""Mails as forms: put together again from a recipe and what is shared, they are the same bytes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.letters import Letters
from digest.mail import samples
from digest.mail.render import Renderer
from digest.model import Cadence, Interest, Reason, ReasonKind, Score
from digest.store.people import Subscriber
from digest.tables import SenderSettings
from digest.writing import Shared, Tokens, Writing, joined, keys_in, literal, put_together, room_of, shared
from tests.builders import NOW, a_profile

OWN = st.lists(st.sampled_from([b"%", b"%%", b"(a)b", b"%(a)b", b"word ", b"\r\n", b"\xff"])).map(b"".join)
COMMON = [shared(literal(b"%d %% of it, %%(a)b " % number * 40)) for number in range(4)]
PLACES = [b"%(a)b", b"%(b)b", b"%(b3)b", b"/%(a)b\r\n"]
FORMS = st.lists(st.one_of(OWN.map(literal), st.sampled_from(COMMON), st.sampled_from(PLACES)))
TOKENS = st.lists(st.sampled_from([b"AAAAaaaa", b"b-_9" * 5, b"0"]), min_size=2, max_size=2)


def words_of(form, a, b):
    """What a form says: the slow way."""
    if isinstance(form, Shared):
        return form.words
    places = {
        b"%(a)b": a,
        b"%(b)b": b,
        b"%(b3)b": b[:3] + b"=\r\n" + b[3:],
        b"/%(a)b\r\n": b"/" + a + b"\r\n",
    }
    return places.get(form, form.replace(b"%%%%", b"%"))


@given(FORMS, TOKENS)
def test_a_mail_put_together_again_is_the_same(forms, tokens):
    writing = Writing.of(forms, Tokens.of(tokens))
    words = {piece.key: piece.words for piece in writing.shares}
    said = b"".join([words_of(form, *tokens) for form in forms])
    assert put_together(writing.recipe, words) == writing.raw == joined(forms, Tokens.of(tokens)) == said
    assert writing.behind(b"100 %: ").raw == b"100 %: " + said
    assert set(keys_in(writing.recipe)) >= words.keys()


@given(FORMS)
def test_the_room_of_forms_is_no_less_than_their_words_have(forms):
    assert room_of(forms) >= len(joined(forms, Tokens.of([b"short", b""])))


@given(OWN)
def test_a_mail_that_shares_nothing_says_what_it_was_given(raw):
    assert Writing.whole(raw).raw == raw == put_together(Writing.whole(raw).recipe, {})


def test_a_token_is_broken_where_its_line_ends():
    assert joined([b"<%(a4)b>"], Tokens.of([b"abcdefgh"])) == b"<abcd=\r\nefgh>"


def test_what_is_short_or_has_a_place_for_a_token_is_not_shared():
    assert isinstance(shared(b"x" * 256), Shared)
    assert isinstance(shared(literal(b"%(a)b" * 60)), Shared)  # those words, and no place
    assert not isinstance(shared(b"x" * 255), Shared)
    assert not isinstance(shared(b"x" * 256 + b"%(a)b"), Shared)


def test_the_same_words_have_the_same_name_and_others_another():
    assert Shared.of(b"a" * 300) == shared(b"a" * 300) != Shared.of(b"b" * 300)


def test_without_what_is_shared_there_is_no_mail():
    with pytest.raises(KeyError):
        put_together(Writing.of([COMMON[0]], Tokens()).recipe, {})


@pytest.mark.parametrize("web_url", ["https://digest.example.org", None])
@pytest.mark.parametrize("period", ["day", "week"])
def test_what_is_shared_says_nothing_of_the_reader(period, web_url):
    score = Score("x", 0.7, (Reason(ReasonKind.KEYWORD, "zebrafinch", 0.5), Reason(ReasonKind.AUTHOR, "Zebrafinch", 0.2)))  # fmt: skip
    profile = a_profile(
        email="zebrafinch@example.org",
        name="Z. Zebrafinch",
        cadence=Cadence(period, days=("thu",) if period == "week" else ()),
        interests=(Interest(("zebrafinch",)),),
    )
    picks = tuple(pick._replace(score=score) for pick in samples.DIGEST.picks)
    digest = replace(samples.DIGEST, subscriber=profile.email, profile=profile, picks=picks)
    letters = Letters(Renderer(), SenderSettings(), secret=b"a secret", web_url=web_url)
    person = Subscriber(
        7, profile.email, "active", None, "file", "zebrafinch.toml", profile, None, NOW, NOW, "hash"
    )
    message = letters.write(digest, person, now=NOW)
    said = b"".join([piece.words for piece in message.writing.shares]).replace(b"=\r\n", b"")
    tokens = [part for way in letters.links(person, digest) if way for part in way.split("/") if len(part) > 20]  # fmt: skip
    assert message.raw.count(b"zebrafinch") > 10
    assert len(tokens) == (4 if web_url else 0)
    assert len(said) > 5_000
    assert [word for word in [*tokens, "zebrafinch"] if word.encode() in said.lower()] == []
