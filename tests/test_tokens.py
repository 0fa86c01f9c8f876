"""Signed links do one thing, for one person, and nothing when a bit of them is changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import TokenError
from digest.tokens import sign, verify

SECRET = b"a secret of this test"


@given(st.integers(0, 2**40 - 1), st.sampled_from(["unsubscribe", "preferences", "feedback", "web"]))
def test_a_token_says_who_and_is_short(subscriber_id, purpose):
    token = sign(SECRET, purpose, subscriber_id)
    assert verify(SECRET, purpose, token) == subscriber_id
    assert len(token) == 28


@given(st.integers(0, 10_000), st.integers(0, 27), st.integers(0, 6))
def test_a_token_with_any_bit_changed_is_refused(subscriber_id, place, bit):
    token = sign(SECRET, "unsubscribe", subscriber_id)
    changed = token[:place] + chr(ord(token[place]) ^ 1 << bit) + token[place + 1 :]
    with pytest.raises(TokenError):
        verify(SECRET, "unsubscribe", changed)


@pytest.mark.parametrize("token", ["", "x", "=" * 28, "\u00e9" * 28, "A" * 28, "A" * 100_000])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(TokenError):
        verify(SECRET, "unsubscribe", token)


def test_a_token_is_for_one_purpose_and_one_secret():
    token = sign(SECRET, "unsubscribe", 7)
    with pytest.raises(TokenError):
        verify(SECRET, "preferences", token)
    with pytest.raises(TokenError):
        verify(b"another secret", "unsubscribe", token)


def test_a_token_about_one_thing_is_not_about_another():
    token = sign(SECRET, "web", 7, "2026-03-05")
    assert verify(SECRET, "web", token, "2026-03-05") == 7
    for about in ("", "2026-03-06"):
        with pytest.raises(TokenError):
            verify(SECRET, "web", token, about)
