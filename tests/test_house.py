"""One installation with several digests: each its own settings, people and secret, sharing only what the house says."""

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest.cli import app
from digest.errors import SettingsError
from digest.house import home_of, tenants_of
from digest.settings import load_settings

SERVER = "postgresql+psycopg://digest:password@db.example.org/papers"


@pytest.fixture
def house(tmp_path):
    """Two digests, `bio` and `ml`, and an `.env` that they share."""
    for name in ("ml", "bio"):
        (tmp_path / "tenants" / name / "config").mkdir(parents=True)
    (tmp_path / ".env").write_text(
        "DIGEST_SECRET=shared-by-the-house-0123456789\nDIGEST_SMTP_PASSWORD=one-password\n"
    )
    return tmp_path


def settings_of(house, name, **environ):
    return load_settings(home_of(house, name), environ)


def digest(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_home_without_tenants_is_its_own_only_digest(tmp_path):
    assert [(one.name, one.home) for one in tenants_of(tmp_path)] == [("", tmp_path)]
    assert home_of(tmp_path, None) == tmp_path


def test_tenants_are_found_by_their_folders(house):
    assert [one.name for one in tenants_of(house)] == ["bio", "ml"]


def test_a_command_about_one_digest_asks_which(house):
    with pytest.raises(SettingsError, match="say which with --tenant NAME, of bio, ml"):
        home_of(house, None)
    answer = digest("--home", house, "status")
    assert answer.exit_code == 2
    assert "--tenant" in answer.output


def test_a_tenant_that_is_not_there_is_told_with_those_that_are(house):
    with pytest.raises(SettingsError, match='no digest is called "chem" here; there are: bio, ml'):
        home_of(house, "chem")


def test_tenants_share_a_password_but_no_secret(house):
    ml, bio = settings_of(house, "ml"), settings_of(house, "bio")
    assert ml.smtp_password == bio.smtp_password
    assert ml.secret is not None
    assert ml.secret != bio.secret
    assert "shared-by-the-house" not in ml.secret.get_secret_value()
    assert settings_of(house, "ml").secret == ml.secret


def test_a_tenants_own_env_file_comes_first(house):
    (house / "tenants" / "ml" / ".env").write_text("DIGEST_SMTP_PASSWORD=its-own-password\n")
    password = settings_of(house, "ml", DIGEST_SMTP_PASSWORD="from-outside").smtp_password
    assert password is not None
    assert password.get_secret_value() == "its-own-password"


def test_tenants_of_one_database_server_have_a_schema_each(house):
    urls = {
        settings_of(house, name, DIGEST_DATABASE_URL=SERVER).database.get_secret_value()
        for name in ("ml", "bio")
    }
    assert len(urls) == 2
    assert any("search_path%3Dtenant_ml" in url for url in urls)
    assert all("password@db.example.org" in url for url in urls)


def test_tenants_never_share_a_database_file(house):
    shared = f"sqlite:///{house / 'all.db'}"
    urls = {
        settings_of(house, name, DIGEST_DATABASE_URL=shared).database.get_secret_value()
        for name in ("ml", "bio")
    }
    assert len(urls) == 2
    assert shared not in urls


@pytest.mark.parametrize("name", ["ML", "1st", "a b", "x" * 32, "ümlaut", "a/../b"])
def test_a_name_that_could_be_no_schema_is_refused(tmp_path, name):
    answer = digest("--home", tmp_path, "tenants", "add", name)
    assert answer.exit_code == 2
    assert not (tmp_path / "tenants").exists()


def test_a_plain_home_in_a_folder_called_tenants_is_nobodys_tenant(tmp_path):
    home = tmp_path / "tenants" / "ml"
    (home / "config").mkdir(parents=True)
    (tmp_path / ".env").write_text("SOME_OTHER_PASSWORD=not-ours\n")
    shared = f"sqlite:///{tmp_path / 'mine.db'}"
    secret = "my-own-secret-0123456789"
    settings = load_settings(home, {"DIGEST_DATABASE_URL": shared, "DIGEST_SECRET": secret})
    assert settings.database.get_secret_value() == shared
    assert settings.secret is not None
    assert settings.secret.get_secret_value() == secret
    with pytest.raises(SettingsError, match=r"if this is one house .* an empty file .*tenants/\.house"):
        tenants_of(tmp_path)
    (tmp_path / "tenants" / ".house").touch()
    assert [one.name for one in tenants_of(tmp_path)] == ["ml"]
    assert load_settings(home, {"DIGEST_SECRET": secret}).secret != settings.secret


def test_a_home_with_a_folder_called_tenants_stays_one_home(tmp_path):
    for folder in ("config", "tenants/old"):
        (tmp_path / folder).mkdir(parents=True)
    assert home_of(tmp_path, None) == tmp_path


def test_the_next_steps_after_adding_a_tenant_work_as_they_are_printed(tmp_path):
    house = tmp_path / "our house"
    printed = digest("--home", house, "tenants", "add", "ml").output
    path = printed.partition("edit ")[2].partition(". Then: ")[0]
    assert (house / "tenants/ml/config/digest.toml") == Path(path)
    assert Path(path).exists()
    command = shlex.split(printed.partition("Then: ")[2])
    assert command[0] == "digest"
    assert digest(*command[1:]).exit_code == 0


def test_tenants_are_added_and_listed(tmp_path):
    for name in ("ml", "bio"):
        assert digest("--home", tmp_path, "tenants", "add", name).exit_code == 0
    listed = digest("--home", tmp_path, "tenants", "list", "--json")
    assert listed.exit_code == 0
    assert '"bio"' in listed.output
    assert digest("--home", tmp_path, "--tenant", "ml", "status").exit_code == 0
    assert digest("--home", tmp_path, "tenants", "add", "ml").exit_code == 1


def test_one_round_serves_every_digest_and_a_broken_one_costs_only_itself(house):
    (house / "tenants" / "bio" / "config" / "digest.toml").write_text("[sender]\nnmae = 1\n")
    answer = digest("--home", house, "--now", "2026-03-02T08:00:00Z", "run", "--once")
    assert answer.exit_code == 1
    assert "nmae" in answer.output
    assert "ml" in answer.output
    assert (house / "tenants" / "ml" / "data" / "digest.db").exists()
    assert not (house / "tenants" / "bio" / "data").exists()
