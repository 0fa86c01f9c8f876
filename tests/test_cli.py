"""The command line: what people and programs are promised of it."""

import json
import re
import shlex
import signal
import subprocess
import sys
from email import message_from_bytes
from email.policy import default

import pytest
from typer.testing import CliRunner

import digest
from digest.cli import app
from digest.shipped import shipped

NOW = "2026-03-03T09:00:00Z"
PROFILE = """
email = "reader@example.org"
cadence = { every = "day", at = "07:30" }
[[interest]]
keywords = ["speculative decoding", "KV cache"]
weight = 2
[mute]
keywords = ["survey"]
"""


def call(*words, code=0):
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == code, result.output + result.stderr
    return result


def answer(*words, code=0):
    return json.loads(call(*words, "--json", code=code).stdout)


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    call("--home", home, "init", "--demo")
    return home


@pytest.fixture
def pages():
    return shipped("config") / "demo" / "pages"


def test_the_version_and_the_help_answer_without_loading_the_house():
    code = "import sys; from digest.cli import app; app(['--version'], standalone_mode=False); print(sorted(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told.startswith(f"digest {digest.__version__}")
    assert not any(
        f"'{heavy}'" in told for heavy in ("sqlalchemy", "sklearn", "scipy", "jinja2", "httpx", "alembic")
    )


def test_init_makes_a_home_and_leaves_what_is_there(tmp_path):
    call("--home", tmp_path, "init")
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {"config/digest.toml", "config/subscribers/example.toml.sample", ".env"}
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    (tmp_path / ".env").write_text("DIGEST_SECRET=mine-mine-mine-mine")
    assert "nothing to do" in call("--home", tmp_path, "init").stdout
    assert "mine-mine" in (tmp_path / ".env").read_text()


def test_a_new_home_works_at_once_and_says_who_is_missing(tmp_path):
    call("--home", tmp_path, "init")
    found = answer("--home", tmp_path, "run", "--once")
    assert found == {
        "ingest": {"pages": [], "unreachable": []},
        "publish": {"queued": 0, "skipped": []},
        "deliver": {"sent": 0, "deferred": 0, "failed": 0, "unknown": 0, "suppressed": 0, "stopped": None},
    }


def test_one_round_gives_every_reader_their_own_digest_and_the_second_none(home):
    first = answer("--home", home, "--now", NOW, "run", "--once")
    assert [(page["format"], page["status"]) for page in first["ingest"]["pages"]] == [
        ("huggingface-json", "ok"), ("huggingface-text", "ok"), ("huggingface-json", "ok"),
    ]  # fmt: skip
    assert (first["publish"]["queued"], first["deliver"]["sent"]) == (3, 3)
    mails = [
        message_from_bytes(path.read_bytes(), policy=default)
        for path in sorted((home / "data" / "outbox").glob("*.eml"))
    ]
    assert len({str(mail["To"]) for mail in mails}) == len({str(mail["Subject"]) for mail in mails}) == 3
    assert all(not mail.defects for mail in mails)
    second = answer("--home", home, "--now", NOW, "run", "--once")
    assert (second["publish"]["queued"], second["deliver"]["sent"]) == (0, 0)
    assert all("next digest Wed 4 Mar" in skip["reason"] for skip in second["publish"]["skipped"])
    assert len(second["publish"]["skipped"]) == 3


def test_ingest_answers_as_promised(home, pages, tmp_path):
    (tmp_path / "junk.bin").write_bytes(bytes(range(256)))
    paths = [pages / "2026-03-02-search.txt", tmp_path / "junk.bin", tmp_path / "missing", pages]
    found = answer("--home", home, "ingest", *paths, code=1)["pages"]
    assert [(page["path"].rsplit("/", 1)[-1], page["status"], page["papers"]) for page in found] == [
        ("2026-03-02-search.txt", "ok", 16),
        ("junk.bin", "unrecognised", 0),
        ("missing", "broken", 0),
        ("2026-03-02-daily.json", "ok", 18),
        ("2026-03-02-search.txt", "unchanged", 16),
        ("2026-03-03-daily.json", "ok", 10),
    ]
    assert {"path", "format", "status", "papers", "new", "rejected"} <= set(found[0])


def test_papers_answer_as_promised(home, pages):
    call("--home", home, "ingest", pages)
    found = answer("--home", home, "papers")
    keys = [
        "id",
        "title",
        "abstract",
        "url",
        "authors",
        "authors_count",
        "organization",
        "published_on",
        "upvotes",
        "comments",
        "pages",
    ]
    assert all(set(keys) <= set(paper) for paper in found)
    assert len(found) == len({paper["id"] for paper in found}) == 41
    assert sum(len(paper["pages"]) > 1 for paper in found) == 3


def test_preview_needs_nothing_and_writes_four_files_that_agree(tmp_path, pages, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "me.toml").write_text(PROFILE)
    out = tmp_path / "out"
    call(
        "--now",
        NOW,
        "preview",
        "--profile",
        "me.toml",
        "--page",
        pages / "2026-03-02-daily.json",
        "--page",
        pages,
        "--out",
        out,
    )
    assert sorted(path.name for path in out.iterdir()) == [
        "digest.eml",
        "digest.html",
        "digest.txt",
        "scores.json",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["me.toml", "out"]
    scores = json.loads((out / "scores.json").read_text())
    assert (scores["subscriber"], scores["candidates"]) == ("reader@example.org", 41)
    assert [paper["rank"] for paper in scores["papers"]] == list(range(1, len(scores["papers"]) + 1))
    for paper in scores["papers"]:
        assert sum(reason["contribution"] for reason in paper["reasons"]) == pytest.approx(
            paper["score"], abs=1e-6
        )
        assert paper["url"] in (out / "digest.txt").read_text()
    mail = message_from_bytes((out / "digest.eml").read_bytes(), policy=default)
    html = mail.get_body(["html"])
    assert html is not None
    assert (
        html.get_content().replace("\r\n", "\n").strip()
        == (out / "digest.html").read_text().replace("\r\n", "\n").strip()
    )


def test_preview_of_the_same_moment_is_the_same_bytes(tmp_path, pages):
    (tmp_path / "me.toml").write_text(PROFILE)
    for name in ("one", "two"):
        call(
            "--now",
            NOW,
            "preview",
            "--profile",
            tmp_path / "me.toml",
            "--page",
            pages,
            "--out",
            tmp_path / name,
        )
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_muted_word_keeps_its_papers_out(tmp_path, pages):
    (tmp_path / "me.toml").write_text(PROFILE.replace("survey", "speculative"))
    call(
        "--now", NOW, "preview", "--profile", tmp_path / "me.toml", "--page", pages, "--out", tmp_path / "out"
    )
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert scores["papers"]
    assert not any("speculative" in paper["title"].lower() for paper in scores["papers"])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--now", "yesterday", "status"), 2, "is not an instant"),
        (
            ("preview", "--profile", "missing.toml", "--page", "x", "--out", "o"),
            2,
            "missing.toml: cannot be read",
        ),
        (("explain", "nobody@example.org", "2602.90001"), 1, "nobody is subscribed as nobody@example.org"),
        (("subscribers", "pause", "nobody@example.org"), 1, "nobody is subscribed as nobody@example.org"),
        (("unknown",), 2, "No such command"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_with_the_right_exit_code(
    words, code, said, home, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    result = call("--home", home, *words, code=code)
    assert said in result.stderr
    assert "Traceback" not in result.output + result.stderr


def test_one_thing_is_counted_as_one_and_an_option_is_named_once(home, tmp_path):
    for page in (home / "pages").iterdir():
        page.unlink()
    page = json.dumps(
        [{"paper": {"id": "2602.00001", "title": "One Draft Model", "summary": "Speculative decoding."}}]
    )
    (tmp_path / "one.json").write_text(page)
    tried = call("--home", home, "ingest", tmp_path / "one.json").stdout
    assert ": 1 paper, 1 new\n" in tried
    me = home / "config" / "subscribers" / "speech-researcher.toml"
    wrong = (
        "preview",
        "--profile",
        me,
        "--page",
        tmp_path / "one.json",
        "--out",
        tmp_path / "out",
        "--theme",
        "red",
    )
    assert call(*wrong, code=2).stderr.startswith(
        'digest: --theme: there is no theme "red"; there are "paper"'
    )


def test_wrong_settings_are_all_told_and_exit_2(home):
    (home / "config" / "digest.toml").write_text('[delivery]\ntransport = "pigeon"\nbatch = 0\n')
    result = call("--home", home, "run", "--once", code=2)
    assert "delivery.transport" in result.stderr
    assert "delivery.batch" in result.stderr


def test_a_broken_profile_costs_its_owner_only_and_exits_1(home):
    (home / "config" / "subscribers" / "broken.toml").write_text(
        'email = "x@example.org"\ncadence = { every = "hour" }'
    )
    found = answer("--home", home, "--now", NOW, "run", "--once", code=1)
    assert found["deliver"]["sent"] == 3
    [skip] = [skip for skip in found["publish"]["skipped"] if skip["subscriber"] == "broken.toml"]
    assert "cadence.every" in skip["reason"]


def test_an_unreachable_mail_server_defers_and_loses_nothing(home):
    from tests.servers import free_port

    config = home / "config" / "digest.toml"
    text = config.read_text()
    config.write_text(
        '[sender]\naddress = "digest@example.org"\n[delivery]\ntransport = "smtp"\n'
        f'[smtp]\nhost = "127.0.0.1"\nport = {free_port()}\nsecurity = "none"\n'
    )
    found = answer("--home", home, "--now", NOW, "run", "--once", code=1)
    assert (found["deliver"]["sent"], found["deliver"]["deferred"]) == (0, 3)
    assert "cannot connect to 127.0.0.1" in found["deliver"]["stopped"]
    config.write_text(text)
    assert answer("--home", home, "--now", "2026-03-03T09:30:00Z", "deliver")["sent"] == 3


def test_a_read_only_database_sends_nothing_and_says_so(home, monkeypatch):
    call("--home", home, "--now", NOW, "ingest")
    call("--home", home, "--now", NOW, "publish")
    file = home / "data" / "digest.db"
    monkeypatch.setenv("DIGEST_DATABASE_URL", f"sqlite:///file:{file}?mode=ro&uri=true")
    result = call("--home", home, "--now", NOW, "deliver", code=1)
    assert "read-only" in result.stderr
    assert not (home / "data" / "outbox").exists()
    monkeypatch.delenv("DIGEST_DATABASE_URL")
    assert answer("--home", home, "--now", NOW, "deliver")["sent"] == 3


def test_a_damaged_database_is_told_with_the_remedy(home):
    (home / "data").mkdir(exist_ok=True)
    (home / "data" / "digest.db").write_bytes(b"not a database at all" * 500)
    assert "restore the last backup" in call("--home", home, "run", "--once", code=1).stderr


def test_explain_shows_the_parts_that_add_up_and_what_was_sent(home):
    call("--home", home, "--now", NOW, "run", "--once")
    paper = answer("--home", home, "outbox", "list", "--papers")[0]["papers"][0]
    who = answer("--home", home, "outbox", "list")[0]["subscriber"]
    found = answer("--home", home, "--now", NOW, "explain", who, paper["id"])
    assert sum(reason["contribution"] for reason in found["score"]["reasons"]) == pytest.approx(
        found["score"]["value"]
    )
    matches = [reason["match"] for reason in found["score"]["reasons"]]
    assert sum(matches) == pytest.approx(found["score"]["match"])
    assert found["shown"]["state"] == "sent"
    said = call("--home", home, "--now", NOW, "explain", who, paper["title"]).stdout
    assert paper["title"] in said
    assert re.search(rf"\+{found['score']['value']:.3f} +\+{found['score']['match']:.3f} +together", said)


def test_somebody_pauses_comes_back_and_leaves(home):
    for verb, status in (("pause", "paused"), ("resume", "active"), ("unsubscribe", "unsubscribed")):
        call("--home", home, "subscribers", verb, "marta@example.org")
        people = answer("--home", home, "subscribers", "list")
        assert {p["email"]: p["status"] for p in people}["marta@example.org"] == status
    found = answer("--home", home, "--now", NOW, "run", "--once")
    assert found["deliver"]["sent"] == 2
    assert {"subscriber": "marta@example.org", "reason": "unsubscribed: by the operator"} in found["publish"][
        "skipped"
    ]


def test_status_says_what_happened_in_words(home):
    call("--home", home, "--now", NOW, "run", "--once")
    told = call("--home", home, "status").stdout
    assert "41" in told
    assert "3 sent" in told
    found = answer("--home", home, "status")
    assert found["sources"][0]["state"] == "ok"
    assert found["outbox"] == {"sent": 3}


def test_secrets_are_never_shown(home):
    secret = (home / ".env").read_text().split("DIGEST_SECRET=")[1].split()[0]
    (home / ".env").write_text((home / ".env").read_text() + "DIGEST_SMTP_PASSWORD=hunter2hunter2\n")
    for words in (
        ("status",),
        ("run", "--once"),
        ("-v", "run", "--once"),
        ("subscribers", "list"),
        ("sources",),
    ):
        options, command = ([words[0]], words[1:]) if words[0] == "-v" else ([], words)
        result = call("--home", home, "--now", NOW, *options, *command)
        assert secret not in result.output + result.stderr
        assert "hunter2" not in result.output + result.stderr


def test_every_kind_of_mail_can_be_seen_without_sending_it(tmp_path):
    from digest.mail.render import KINDS

    call("preview", "--mail", "all", "--out", tmp_path / "mails")
    assert {path.name for path in (tmp_path / "mails").iterdir()} == {
        f"{kind}{suffix}" for kind in KINDS for suffix in (".html", ".txt", ".eml")
    }
    assert "there is no mail" in call("preview", "--mail", "love letter", "--out", tmp_path, code=1).stderr
    assert "--profile and --page" in call("preview", "--out", tmp_path, code=2).stderr


def test_a_theme_that_cannot_be_read_is_refused_with_a_colour_that_would_do(home):
    (home / "config" / "digest.toml").write_text('[look]\ntheme = "sea"\nlight = { ink = "#eeeeee" }\n')
    told = call("--home", home, "run", "--once", code=2).stderr
    assert "light.ink" in told
    assert "would do" in told


def test_mails_are_signed_when_a_key_is_given(home):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (home / "data").mkdir()
    (home / "data" / "dkim.pem").write_bytes(pem)
    (home / "config" / "digest.toml").write_text(
        '[sender]\naddress = "d@example.org"\n[dkim]\ndomain = "example.org"\n'
    )
    call("--home", home, "--now", NOW, "run", "--once")
    for path in (home / "data" / "outbox").glob("*.eml"):
        signature = message_from_bytes(path.read_bytes(), policy=default)["DKIM-Signature"]
        assert "d=example.org" in signature
        assert "list-unsubscribe" in signature.lower()
    (home / "data" / "dkim.pem").unlink()
    assert "dkim.pem" in call("--home", home, "run", "--once", code=2).stderr


def test_status_is_watched_until_somebody_stops_it(tmp_path):
    (tmp_path / "config").mkdir()
    watching = subprocess.Popen(
        [sys.executable, "-m", "digest", "--home", str(tmp_path), "status", "--watch", "0.2", "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    lines = [json.loads(watching.stdout.readline()) for _ in range(2)]
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=20)
    assert watching.returncode == 0
    assert all(line["papers"] == 0 for line in lines)


@pytest.mark.parametrize(
    "words",
    [("status",), ("run", "--once"), ("doctor",), ("sources",), ("config", "check"), ("export", "all.zip")],
)
def test_a_command_in_a_folder_that_is_no_home_says_so_and_makes_nothing(tmp_path, words):
    told = call("--home", tmp_path / "mistyped", *words, code=2).stderr
    assert "this is no home" in told
    assert "digest --home DIR init" in told
    assert not (tmp_path / "mistyped").exists()


def test_the_next_step_can_be_pasted_whatever_the_folder_is_called(tmp_path):
    told = call("--home", tmp_path / "my papers", "init").stdout
    assert f"digest --home '{tmp_path / 'my papers'}' run\n" in told
    assert f"--page '{tmp_path / 'my papers/pages'}'" in told


def test_a_folder_without_pages_is_told_in_words(home, tmp_path):
    (tmp_path / "none").mkdir()
    profile = tmp_path / "me.toml"
    profile.write_text(PROFILE)
    told = call(
        "preview", "--profile", profile, "--page", tmp_path / "none", "--out", tmp_path / "out", code=1
    ).stderr
    assert "there is no page in it" in told
    for page in (home / "pages").iterdir():
        page.unlink()
    assert "no page is in the folders, and no address is due" in call("--home", home, "ingest").stdout


def test_a_reason_that_many_entries_share_is_said_once(home, tmp_path):
    entries = [
        {"paper": {"id": f"2602.0000{n}", "title": f"Paper {n}", "summary": "About it."}} for n in (1, 2)
    ]
    page = tmp_path / "day.json"
    page.write_text(json.dumps([*entries, *(repr(entry) for entry in entries * 3)]))
    told = call("--home", home, "ingest", page).stdout
    assert told.count("Python's repr") == 1
    assert "entry 3 and 5 more: " in told


def test_a_test_mail_goes_to_an_address_only(home):
    assert "not a valid address" in call("--home", home, "send-test", "nobody", code=2).stderr
    assert not (home / "data" / "outbox").exists()


def test_lines_in_a_pipe_end_where_their_words_end(home):
    call("--home", home, "--now", NOW, "run", "--once")
    told = call("--home", home, "status").stdout
    assert not [line for line in told.splitlines() if line != line.rstrip()]


def test_every_way_of_preview_answers_in_json(tmp_path):
    for words in (("--mail", "weekly"), ("--all",)):
        written = answer("preview", *words, "--out", tmp_path / "out")["written"]
        assert all(path.endswith((".html", ".txt", ".eml")) for path in written)


def test_profiles_are_not_taken_from_a_folder_that_is_not_there(home, tmp_path):
    told = call("--home", home, "subscribers", "import", tmp_path / "mistyped", code=2).stderr
    assert "there is no such folder" in told


def test_status_names_a_profile_that_cannot_be_read_from_its_first_day_on(home):
    (home / "config/subscribers/new.toml").write_text('email = "new@example.org"\ntimezone = "Mars/Base"\n')
    assert "Mars/Base" in call("--home", home, "status").stdout
    [broken] = answer("--home", home, "status")["broken_profiles"]
    assert broken["file"] == "new.toml"


def test_what_reports_once_in_a_while_answers_in_json_too(home, tmp_path):
    call("--home", home, "--now", NOW, "run", "--once")
    assert answer("--home", home, "config", "check") == {"home": str(home), "profiles": 3, "mistakes": []}
    copy = tmp_path / "copy.db"
    assert answer("--home", home, "backup", copy)["deliveries"] == 3
    assert answer("--home", home, "restore", "--verify", copy)["is_in_place"] is False
    assert answer("--home", home, "send-test", "me@example.org")["to"] == "me@example.org"
    (home / "config/subscribers/new.toml").write_text("max_papers = 0")
    mistakes = answer("--home", home, "config", "check", code=2)["mistakes"]
    assert {mistake["key"] for mistake in mistakes} == {"email", "max_papers"}


def test_what_is_empty_is_said_in_words_and_with_what_to_do(tmp_path):
    home = tmp_path / "new"
    call("--home", home, "init")
    assert (
        "nobody       is subscribed; write config/subscribers/NAME.toml"
        in call("--home", home, "run", "--once").stdout
    )
    for words, said in (
        (("papers",), "no papers yet; put a page"),
        (("subscribers", "list"), "nobody is subscribed; write"),
        (("outbox", "list"), "no deliveries; `digest run`"),
        (("outbox", "list", "--papers"), "no deliveries; `digest run`"),
        (("outbox", "list", "--state", "failed"), "no delivery is failed"),
        (("operator", "audit"), "nothing was done by hand so far"),
    ):
        assert call("--home", home, *words).stdout.startswith(said)


def test_a_broken_profile_is_named_once_a_line_in_the_status(home):
    (home / "config/subscribers/bad.toml").write_text('email = "x"\n')
    said = call("--home", home, "status").stdout
    [line] = [line for line in said.splitlines() if line.startswith("bad.toml")]
    assert line.count("bad.toml") == 1
    assert "email: 'x' is not a valid address" in line


def test_what_init_says_to_do_next_can_be_done_as_it_is_written(tmp_path):
    home = tmp_path / "a home"
    said = call("--home", home, "init").stdout
    [command] = [line.partition(": ")[2] for line in said.splitlines() if "digest preview" in line]
    profiles = home / "config/subscribers"
    (profiles / "example.toml.sample").rename(profiles / "yourname.toml")
    page = next((shipped("config") / "demo/pages").glob("*.json"))
    (home / "pages" / page.name).write_bytes(page.read_bytes())
    words = [
        tmp_path / "out" if word == "preview" and place else word
        for place, word in enumerate(shlex.split(command)[1:])
    ]
    assert "score" in call(*words).stdout


def test_rounds_without_an_end_have_no_answer_in_json(home):
    assert "give --once, too" in call("--home", home, "run", "--json", code=2).stderr
