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


def test_every_file_the_readme_links_to_is_there():
    for target in re.findall(r"\]\(([^)#h][^)]*)\)", README):
        assert (ROOT / target).exists(), target


def test_the_documents_do_not_speak_of_the_workshop():
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "deploy").glob("*.md"))]:
        assert not re.search(r"\b(?:TODO|FIXME|issue #|session)\b", path.read_text()), path
