"""A profile changes its owner: from the web into a file, from a file to the web, and back to what it was."""

import json
from dataclasses import replace
from datetime import timedelta

from typer.testing import CliRunner

from digest.cli import app
from digest.model import Cadence, Interest
from digest.profiles import read_profiles
from digest.store.people import find_subscriber
from digest.store.readers import change_subscriber
from digest.subscriptions import CONSENT, sync_profiles
from digest.subscriptions.owners import export_profiles, import_profiles
from tests.builders import NOW, a_profile, subscribe, subscribe_many
from tests.web import a_site, join, joined

RICH = a_profile(
    email="rich@example.org",
    name='Ada "the" Reader',
    timezone="Asia/Tokyo",
    cadence=Cadence("week", days=("thu",)),
    interests=(Interest(("codec*", "ß, 🦊"), 2.5), Interest(("rain",), -1.0)),
    mute=("survey",),
    follow_authors=("A. One",),
)


def owner(store, email):
    with store.reading() as db:
        person = find_subscriber(db, email)
    return person and (person.owner, person.status, person.profile)


def test_from_the_web_to_files_and_back_nothing_of_a_profile_is_lost(store, tmp_path):
    plain = a_profile(email="plain@example.org")
    subscribe_many(store, [plain, RICH])
    assert export_profiles(store, tmp_path / "files").done == ["plain@example.org", "rich@example.org"]
    sync_profiles(store, read_profiles(tmp_path / "files"), now=NOW)
    assert owner(store, "rich@example.org") == ("file", "active", RICH)
    report = import_profiles(store, read_profiles(tmp_path / "files"), now=NOW)
    assert (len(report.done), report.left, report.mistakes) == (2, {}, [])
    assert owner(store, "rich@example.org") == ("web", "active", RICH)
    sync_profiles(store, [], now=NOW + timedelta(days=1))  # the files are gone, and their readers stay
    assert owner(store, "plain@example.org") == ("web", "active", plain)


def test_whom_files_own_is_exported_only_when_asked_for(store, tmp_path):
    subscribe(store, a_profile())
    assert export_profiles(store, tmp_path).done == []
    assert export_profiles(store, tmp_path, everybody=True).done == ["reader@example.org"]


def test_a_file_that_is_there_is_left_as_it_is(store, tmp_path):
    subscribe_many(store, [RICH])
    (tmp_path / "rich@example.org.toml").write_text("mine")
    assert "is there already" in export_profiles(store, tmp_path).left["rich@example.org"]
    assert (tmp_path / "rich@example.org.toml").read_text() == "mine"


def test_people_nobody_knew_are_made_and_due_at_their_next_slot_while_who_left_stays_away(store, tmp_path):
    subscribe_many(store, [a_profile(email="gone@example.org")])
    with store.writing() as tx:
        person = find_subscriber(tx, "gone@example.org")
        assert person is not None
        change_subscriber(tx, person.id, NOW, status="unsubscribed", status_reason="asked to leave")
    for name in ("gone", "new"):
        (tmp_path / f"{name}.toml").write_text(
            f'email = "{name}@example.org"\ncadence = {{ at = "07:30" }}\n'
        )
    (tmp_path / "odd.toml").write_text('email = "nobody"')
    report = import_profiles(store, read_profiles(tmp_path), now=NOW)
    assert (report.done, report.left) == (
        ["new@example.org"],
        {"gone@example.org": "unsubscribed: asked to leave"},
    )
    assert [mistake.key for mistake in report.mistakes] == ["email"]
    with store.reading() as db:
        person = find_subscriber(db, "new@example.org")
    assert person is not None
    assert person.next_due_at == NOW.replace(hour=7, minute=30) + timedelta(days=1)
    assert owner(store, "gone@example.org") == ("web", "unsubscribed", a_profile(email="gone@example.org"))


def test_names_that_no_file_may_have_become_ones_it_may(store, tmp_path):
    subscribe_many(store, [replace(RICH, email="a/b@example.org")])
    export_profiles(store, tmp_path / "files")
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["a_b@example.org.toml"]


def test_the_folder_whose_files_own_their_readers_is_not_handed_over(tmp_path):
    (tmp_path / "config" / "subscribers").mkdir(parents=True)
    told = CliRunner().invoke(
        app, ["--home", str(tmp_path), "subscribers", "import", str(tmp_path / "config" / "subscribers")]
    )
    assert told.exit_code == 2
    assert "move those you want to hand over into another folder first" in told.stderr


def test_the_command_line_says_whose_profile_went_where(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "handed").mkdir()
    (tmp_path / "handed" / "new.toml").write_text('email = "new@example.org"')
    home = ["--home", str(tmp_path), "subscribers"]
    assert (
        "done         1 profile"
        in CliRunner().invoke(app, [*home, "import", str(tmp_path / "handed")]).stdout
    )
    assert (
        "done         1 profile" in CliRunner().invoke(app, [*home, "export", str(tmp_path / "out")]).stdout
    )
    assert (tmp_path / "out" / "new@example.org.toml").exists()


def test_the_proof_of_consent_says_when_where_and_to_which_words(tmp_path):
    with a_site(tmp_path) as (opened, clock, browser):
        joined(opened, browser, clock)
    told = CliRunner().invoke(app, ["--home", str(tmp_path), "subscribers", "consent", "reader@example.org"])
    assert told.exit_code == 0
    assert "asked        for the digest, on the web, 2026-03-02 08:00" in told.stdout
    assert f"agreed to    {CONSENT}" in told.stdout
    assert "confirmed    from the mailbox, 2026-03-02 08:00" in told.stdout
    words = ["--home", str(tmp_path), "subscribers", "consent", "READER@example.org", "--json"]
    [proof] = json.loads(CliRunner().invoke(app, words).stdout)["consents"]
    assert (proof["purpose"], proof["source"], proof["wording"]) == ("subscribe", "web", CONSENT)


def test_without_proof_it_says_so_and_somebody_should_look(tmp_path):
    with a_site(tmp_path) as (_, clock, browser):
        join(browser, clock, "waiting@example.org")
    for address, why in (("waiting@example.org", "nothing was confirmed"), ("no@example.org", "nobody has")):
        told = CliRunner().invoke(app, ["--home", str(tmp_path), "subscribers", "consent", address])
        assert (told.exit_code, why in told.stderr) == (1, True)
