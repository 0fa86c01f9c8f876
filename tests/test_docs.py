"""The documents tell the truth: every command is in the README, every example runs, every option is explained."""

import re
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from digest.cli import app
from digest.profiles import ProfileFile, read_profile
from digest.shipped import shipped
from digest.tables import DigestFile

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
NOW = "2026-03-03T09:00:00Z"
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md"] + [
    ROOT / folder / "README.md" for folder in ("config", "deploy", "templates", "tests")
]


def commands(group=None, prefix=()):
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*prefix, name))
        else:
            yield (*prefix, name), command


@pytest.mark.parametrize(
    ("words", "command"),
    list(commands()),
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_every_command_is_in_the_readme_and_its_help_has_an_example(words, command):
    assert f"digest {words[0]}" in README
    assert words[-1] in README
    help_text = CliRunner().invoke(app, [*words, "--help"]).stdout
    assert "Example: digest" in " ".join(help_text.split())


def test_the_readme_opens_with_the_two_commands():
    first = re.search(r"```console\n(.*?)```", README, re.DOTALL)
    assert first is not None
    assert [line.split("#")[0].strip() for line in first[1].strip().splitlines()] == [
        "make demo",
        "make test",
    ]


def test_the_profile_in_the_readme_is_read_as_it_stands(tmp_path):
    shown = re.search(r"```toml\n(email.*?)```", README, re.DOTALL)
    assert shown is not None
    (tmp_path / "me.toml").write_text(shown[1])
    assert read_profile(tmp_path / "me.toml").email == "reader@example.org"


def test_the_example_profile_names_every_key():
    example = shipped("config") / "subscribers" / "example.toml"
    assert read_profile(example).email.endswith("@example.org")
    text = example.read_text()
    for key in ProfileFile.model_fields:
        assert re.search(rf"^(# ?)?(\[+)?{key}\b", text, re.MULTILINE), key


def test_the_example_settings_name_every_key():
    text = (shipped("config") / "digest.example.toml").read_text()
    every = re.sub(r"^# (?=[a-z0-9_]+ =)", "", text, flags=re.MULTILINE)
    tables = tomllib.loads(every.split("# One [[source]]")[0])
    for table, field in DigestFile.model_fields.items():
        if table != "source":
            assert set(field.default.__class__.model_fields) <= set(tables[table]), table


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.parent.name)
def test_every_file_a_document_links_to_is_there(document):
    for target in re.findall(r"\]\(([^)#h][^)]*)\)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.parent.name)
def test_every_command_a_document_shows_exists_with_its_options(document):
    known = dict(commands())
    for line in shown_commands(document.read_text()):
        words = re.sub(r"\s+#.*", "", line).split()
        while words and words[0].startswith("--"):  # options before the command
            words = words[2:]
        found = next((known[tuple(words[:n])] for n in (2, 1) if tuple(words[:n]) in known), None)
        assert found is not None, line
        options = {
            option for parameter in found.params for option in [*parameter.opts, *parameter.secondary_opts]
        }
        used = {word.split("=")[0] for word in words if word.startswith("--")}
        assert used <= options, line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.parent.name)
def test_every_setting_a_document_shows_is_one(document):
    for block in re.findall(r"```toml\n(.*?)```", document.read_text(), re.DOTALL):
        model = ProfileFile if block.startswith("email") else DigestFile
        model.model_validate(tomllib.loads(block))


def shown_commands(text):
    """What follows `digest` in the blocks and the small examples of a document."""
    for block in re.findall(r"```(?:console|cron)\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            found = re.match(r"(?:sudo -u \w+ |[*/\d ]+)?digest (.+)", line)
            if found:
                yield found[1]


def test_the_first_five_minutes_of_the_readme_work_as_written(tmp_path, monkeypatch):
    home = tmp_path / "digest"
    runner = CliRunner()
    assert runner.invoke(app, ["--home", str(home), "init"]).exit_code == 0
    profile = re.search(r"```toml\n(email.*?)```", README, re.DOTALL)
    assert profile is not None
    (home / "config/subscribers/example.toml.sample").unlink()
    (home / "config/subscribers/me.toml").write_text(profile[1])
    for page in sorted((shipped("config") / "demo/pages").iterdir()):
        (home / "pages" / page.name).write_bytes(page.read_bytes())
    preview = re.search(r"^digest (preview .+)$", README, re.MULTILINE)
    assert preview is not None
    monkeypatch.chdir(home)
    assert runner.invoke(app, ["--now", NOW, *preview[1].split()]).exit_code == 0
    assert Path("preview/digest.html").exists()
    answer = runner.invoke(app, ["--home", str(home), "--now", NOW, "run", "--once"])
    assert answer.exit_code == 0, answer.output
    assert list((home / "data/outbox").glob("*.eml"))


def test_the_documents_do_not_speak_of_the_workshop():
    for path in DOCUMENTS:
        assert not re.search(r"\b(?:TODO|FIXME|issue #|session)\b", path.read_text()), path
