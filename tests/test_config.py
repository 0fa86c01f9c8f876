"""`digest config`: what it says of the configuration is what the program does with it."""

import json

import pytest
from typer.testing import CliRunner

from digest.cli import app
from digest.profiles import ProfileFile
from digest.reference import reference
from digest.settings import ENVIRONMENT
from digest.shipped import shipped
from digest.tables import DigestFile


def digest(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def every_key(model):
    for name, field in model.model_fields.items():
        yield name
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        for kind in kinds:
            if hasattr(kind, "model_fields"):
                yield from every_key(kind)


def test_the_shipped_reference_is_the_one_this_version_makes():
    shown = (shipped("config") / "README.md").read_text()
    assert shown == reference(), "run: make golden"


@pytest.mark.parametrize("model", [DigestFile, ProfileFile])
def test_the_reference_names_every_key(model):
    for key in every_key(model):
        assert f"`{key}`" in reference() or f"[{key}" in reference() or f".{key}]" in reference(), key


def test_the_reference_names_every_secret():
    for name in ENVIRONMENT:
        assert f"`{name}`" in reference()


@pytest.mark.parametrize("file", ["digest", "subscriber"])
def test_a_schema_knows_the_keys_and_refuses_others(file):
    answer = digest("config", "schema", file)
    assert answer.exit_code == 0
    found = json.loads(answer.stdout)
    assert found["additionalProperties"] is False
    assert {"digest": "delivery", "subscriber": "cadence"}[file] in found["properties"]


def test_a_schema_of_something_else_is_wrong_usage():
    assert digest("config", "schema", "everything").exit_code == 2


def test_a_good_home_is_in_order(tmp_path):
    assert digest("--home", tmp_path, "init", "--demo").exit_code == 0
    answer = digest("--home", tmp_path, "config", "check")
    assert answer.exit_code == 0
    assert "3 profiles are in order" in answer.stdout


def test_every_mistake_of_every_file_is_told_at_once(tmp_path):
    people = tmp_path / "config" / "subscribers"
    people.mkdir(parents=True)
    (people / "a.toml").write_text('email = "nobody"\n')
    (people / "b.toml").write_text('email = "b@example.org"\ntimezome = "UTC"\n')
    answer = digest("--home", tmp_path, "config", "check")
    assert answer.exit_code == 2
    assert "a.toml: email" in answer.output
    assert "did you mean timezone?" in answer.output


def test_the_settings_in_force_are_shown_without_secrets(tmp_path):
    (tmp_path / ".env").write_text("DIGEST_SECRET=never-to-be-shown-0123456789\n")
    answer = digest("--home", tmp_path, "config", "show")
    assert answer.exit_code == 0
    assert "never-to-be-shown" not in answer.output
    shown = json.loads(answer.stdout)
    assert shown["secrets"]["secret"] == "***"
    assert shown["delivery"]["transport"] == "files"
