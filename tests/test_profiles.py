"""Profile files: read as a person means them, every mistake told at once."""

from datetime import time

import pytest

from digest.errors import SettingsError
from digest.model import Cadence, Interest, Profile
from digest.profiles import checked_address, read_profile, read_profiles

WHOLE = """
email = "reader@example.org"
name = "Rea Der"
timezone = "Europe/London"
cadence = { every = "weekday", at = "07:30" }
max_papers = 8
quiet_day = "note"
trending = 0.5
wildcard = false
[[interest]]
keywords = ["speculative decoding", "draft model"]
weight = 2.0
[[interest]]
keywords = ["neural compression", "codec*"]
[mute]
keywords = ["survey"]
[follow]
authors = ["A. Author"]
organizations = ["kyutai"]
"""


def write(folder, text, name="reader.toml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def mistakes_of(folder, text):
    with pytest.raises(SettingsError) as caught:
        read_profile(write(folder, text))
    return {mistake.key: mistake.remedy for mistake in caught.value.mistakes}


def test_a_whole_profile_is_read_as_written(tmp_path):
    assert read_profile(write(tmp_path, WHOLE)) == Profile(
        email="reader@example.org",
        name="Rea Der",
        timezone="Europe/London",
        cadence=Cadence("weekday", time(7, 30)),
        max_papers=8,
        quiet_day="note",
        trending=0.5,
        wildcard=False,
        interests=(
            Interest(("speculative decoding", "draft model"), 2.0),
            Interest(("neural compression", "codec*"), 1.0),
        ),
        mute=("survey",),
        follow_authors=("A. Author",),
        follow_organizations=("kyutai",),
    )


def test_a_profile_survives_the_store(tmp_path):
    profile = read_profile(write(tmp_path, WHOLE))
    assert Profile.from_json(profile.to_json()) == profile


def test_an_address_is_all_that_is_needed(tmp_path):
    assert read_profile(write(tmp_path, 'email = "a@example.org"')) == Profile(email="a@example.org")


def test_days_make_a_cadence_of_their_own(tmp_path):
    text = 'email = "a@example.org"\ncadence = { days = ["mon", "thu"], at = "18:05" }'
    assert read_profile(write(tmp_path, text)).cadence == Cadence("days", time(18, 5), ("mon", "thu"))


def test_every_mistake_is_told_at_once_with_its_key_and_remedy(tmp_path):
    found = mistakes_of(
        tmp_path,
        """
        email = "nobody"
        timezone = "Europe/Londn"
        cadence = { every = "dayly", at = "25:00" }
        max_papers = 0
        trending = 2
        quiet_day = "loud"
        [[interest]]
        keywords = []
        wieght = 2
        [[interest]]
        keywords = ["ok", "***"]
        """,
    )
    assert set(found) == {
        "email", "timezone", "cadence.every", "cadence.at", "max_papers", "trending", "quiet_day",
        "interest[1].keywords", "interest[1].wieght", "interest[2].keywords[2]",
    }  # fmt: skip
    assert found["interest[1].wieght"] == "unknown key; did you mean weight?"
    assert 'write it like "Europe/London"' in found["timezone"]
    assert 'write it like "07:30"' in found["cadence.at"]


def test_a_word_where_a_list_belongs_is_told_as_it_is_written(tmp_path):
    found = mistakes_of(
        tmp_path,
        'email = "reader@example.org"\n[[interest]]\nkeywords = "attention"\n[mute]\nkeywords = "survey"\n',
    )
    assert found == {
        f"{table}.keywords": f'input should be a list: write it like ["one", "two"], got \'{word}\''
        for table, word in (("interest[1]", "attention"), ("mute", "survey"))
    }


def test_broken_toml_names_the_line(tmp_path):
    assert "line 2" in mistakes_of(tmp_path, 'email = "a@example.org"\nname = = 3')[""]


def test_a_file_that_is_not_utf8_says_so(tmp_path):
    path = tmp_path / "latin.toml"
    path.write_bytes('name = "Jos\u00e9"'.encode("latin-1"))
    with pytest.raises(SettingsError, match="save it as UTF-8"):
        read_profile(path)


def test_one_broken_file_costs_only_its_owner(tmp_path):
    write(tmp_path, 'email = "a@example.org"', "a.toml")
    write(tmp_path, "email = 5", "b.toml")
    write(tmp_path, 'email = "c@example.org"', "c.toml")
    reads = read_profiles(tmp_path)
    assert [read.profile.email if read.profile else None for read in reads] == [
        "a@example.org",
        None,
        "c@example.org",
    ]


def test_two_files_with_one_address_leave_it_to_the_first(tmp_path):
    write(tmp_path, 'email = "same@example.org"', "a.toml")
    write(tmp_path, 'email = "Same@Example.org"', "b.toml")
    first, second = read_profiles(tmp_path)
    assert first.profile is not None
    assert second.profile is None
    assert "already belongs to a.toml" in second.mistakes[0].remedy


def test_more_keywords_than_anybody_means_are_refused(tmp_path):
    words = ", ".join(f'"word{n}"' for n in range(201))
    text = f'email = "a@example.org"\n[[interest]]\nkeywords = [{words}]'
    assert "at most 200" in mistakes_of(tmp_path, text)[""]


@pytest.mark.parametrize(
    "address",
    [
        "=?x?q?collab=40psres.net=3e=00?=foo@ours.example", '"a b"@example.org', "a@b@example.org", "-a@example.org",
        "a@[192.0.2.1]", "a@localhost", "a%b@example.org", "a!b@example.org", "<a@example.org>", "a@example.org\nBcc: b@x.org",
        "a\x00@example.org", "\u00fc@example.org", "a@" + "x" * 64 + ".org", "x" * 65 + "@example.org", "", "@", "a@",
    ],
)  # fmt: skip
def test_an_address_that_could_mean_two_things_is_refused(address):
    with pytest.raises(ValueError, match="address"):
        checked_address(address)


def test_an_international_domain_becomes_ascii():
    assert checked_address("a@b\u00fccher.example.org") == "a@xn--bcher-kva.example.org"
