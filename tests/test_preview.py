"""`digest preview`: past days, another profile, every look, and pictures; nothing is sent or stored."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from digest.cli import app
from digest.mail.render import KINDS
from digest.mail.themes import THEMES
from digest.shipped import shipped

NOW = "2026-03-03T09:00:00Z"
PAGES = shipped("config") / "demo/pages"
ME, OTHER = sorted((shipped("config") / "demo/subscribers").glob("*.toml"))[:2]
DAYS = ("--since", "2026-03-01", "--until", "2026-03-04")


def preview(tmp_path, *words):
    return CliRunner().invoke(
        app,
        ["--home", str(tmp_path), "--now", NOW, "preview", "--out", str(tmp_path / "out"), *map(str, words)],
    )


def test_the_days_since_then_are_written_with_their_mails(tmp_path):
    answer = preview(tmp_path, "--profile", ME, "--page", PAGES, *DAYS)
    assert answer.exit_code == 0, answer.output
    index = (tmp_path / "out" / "index.html").read_text()
    assert "Monday, 2 March 2026" in index
    assert (tmp_path / "out" / "2026-03-02.html").exists()
    assert 'href="2026-03-02.html"' in index


def test_what_another_profile_would_change_is_told(tmp_path):
    answer = preview(tmp_path, "--profile", ME, "--diff", OTHER, "--page", PAGES, *DAYS, "--json")
    assert answer.exit_code == 0, answer.output
    changes = json.loads(answer.stdout)["papers"]
    assert {change["change"] for change in changes} == {"+", "-"}
    assert "What the other profile would change" in (tmp_path / "out" / "index.html").read_text()


def test_without_pages_the_papers_of_the_home_are_taken(tmp_path):
    runner = CliRunner()
    assert runner.invoke(app, ["--home", str(tmp_path), "init", "--demo"]).exit_code == 0
    assert (
        runner.invoke(app, ["--home", str(tmp_path), "--now", "2026-03-02T05:00:00Z", "ingest"]).exit_code
        == 0
    )
    answer = preview(tmp_path, "--profile", ME, "--since", "2026-03-02", "--until", "2026-03-03")
    assert answer.exit_code == 0, answer.output
    assert "2026-03-02" in answer.stdout
    (tmp_path / "elsewhere" / "config").mkdir(parents=True)
    empty = preview(tmp_path / "elsewhere", "--profile", ME, *DAYS)
    assert empty.exit_code == 1
    assert "pick up pages first" in empty.output


def test_every_look_is_on_one_page(tmp_path):
    assert preview(tmp_path, "--all").exit_code == 0
    index = (tmp_path / "out" / "index.html").read_text()
    for kind in KINDS:
        for theme in THEMES:
            assert f'src="{kind}-{theme}.html"' in index
            assert (tmp_path / "out" / f"{kind}-{theme}.html").exists()


def test_a_theme_changes_the_mail_and_one_there_is_not_is_refused(tmp_path):
    assert preview(tmp_path, "--profile", ME, "--page", PAGES, "--theme", "sea").exit_code == 0
    assert THEMES["sea"].light.accent in (tmp_path / "out" / "digest.html").read_text()
    refused = preview(tmp_path, "--mail", "digest", "--theme", "neon")
    assert refused.exit_code == 2
    assert 'there is no theme "neon"' in refused.output


def test_a_title_with_markup_stays_text_in_the_list_of_days(tmp_path):
    page = [
        {
            "paper": {
                "id": "2603.00001",
                "title": "<script>alert(1)</script> mixture-of-experts",
                "summary": "x",
            }
        }
    ]
    (tmp_path / "page.json").write_text(json.dumps(page))
    answer = preview(
        tmp_path,
        "--profile",
        ME,
        "--page",
        tmp_path / "page.json",
        "--since",
        "2026-03-03",
        "--until",
        "2026-03-03",
    )
    assert answer.exit_code == 0, answer.output
    assert "<script>" not in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.parametrize("words", [(), ("--profile", ME)])
def test_what_is_missing_is_wrong_usage(tmp_path, words):
    assert preview(tmp_path, *words).exit_code == 2


def test_pictures_without_a_browser_are_told_with_the_remedy(tmp_path, monkeypatch):
    pytest.importorskip("playwright", reason="playwright: pip install '.[browser]'")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CHROMIUM", raising=False)
    answer = preview(tmp_path, "--mail", "confirm", "--screenshot")
    assert answer.exit_code == 1
    assert "install Chromium" in answer.output


@pytest.mark.browser
def test_pictures_are_taken_at_each_width_by_day_and_night(tmp_path):
    pytest.importorskip("playwright", reason="playwright: pip install '.[browser]'")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("needs Chromium: apt-get install chromium")
    assert preview(tmp_path, "--mail", "confirm", "--screenshot", "--width", "320").exit_code == 0
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {
        "confirm-320-light.png",
        "confirm-320-dark.png",
    }


def a_profile_file(tmp_path, *lines):
    file = tmp_path / "me.toml"
    file.write_text('email = "me@example.org"\ntimezone = "Europe/London"\n' + "\n".join(lines))
    return file


def wanting(tmp_path, keyword, *lines):
    return a_profile_file(tmp_path, *lines, "[[interest]]", f'keywords = ["{keyword}"]')


def test_when_nothing_fits_it_says_why_and_what_to_try_instead_of_an_empty_table(tmp_path):
    said = preview(tmp_path, "--profile", wanting(tmp_path, "speculative decodnig"), "--page", PAGES).stdout
    assert "score" not in said.splitlines()[0]
    assert said.startswith("Nothing would be sent: none of 41 new papers fits the profile")
    assert "did you mean speculative decoding?" in said
    assert 'The nearest is "' in said
    assert "its match is" in said
    assert "To try:" in said
    assert (tmp_path / "out" / "digest.html").exists()


def test_a_note_of_a_quiet_day_is_told_as_the_mail_that_would_leave(tmp_path):
    file = wanting(tmp_path, "basket weaving", 'quiet_day = "note"')
    said = preview(tmp_path, "--profile", file, "--page", PAGES).stdout
    assert said.startswith("Only the note of a quiet day would be sent.")


def test_where_every_paper_is_muted_no_nearest_is_named(tmp_path):
    file = wanting(tmp_path, "decoding", "[mute]", 'keywords = ["a*", "the", "of", "for", "in"]')
    said = preview(tmp_path, "--profile", file, "--page", PAGES).stdout
    assert "is muted" in said
    assert "The nearest" not in said


def test_days_that_bring_nothing_are_told_in_words(tmp_path):
    file = wanting(tmp_path, "basket weaving")
    said = preview(tmp_path, "--profile", file, "--page", PAGES, *DAYS).stdout
    assert said.startswith("No paper would have come on these days.")
    said = preview(tmp_path, "--profile", file, "--diff", file, "--page", PAGES, *DAYS).stdout
    assert said.startswith("No paper would have changed on these days.")
