"""Settings: defaults, mistakes with their place, secrets that never show."""

from pathlib import Path

import pytest

from digest.errors import SettingsError
from digest.settings import load_settings, read_table
from digest.shipped import shipped
from digest.tables import DigestFile


def home_with(tmp_path, toml=None, env=None):
    (tmp_path / "config").mkdir()
    if toml is not None:
        (tmp_path / "config" / "digest.toml").write_text(toml)
    if env is not None:
        (tmp_path / ".env").write_text(env)
    return tmp_path


def test_a_home_without_any_file_has_the_defaults(tmp_path):
    settings = load_settings(tmp_path, {})
    assert settings.file == DigestFile()
    assert settings.database.get_secret_value() == f"sqlite:///{tmp_path / 'data' / 'digest.db'}"


def test_the_shipped_example_is_exactly_the_defaults():
    table, mistakes = read_table(shipped("config") / "digest.example.toml", DigestFile)
    assert mistakes == []
    assert table == DigestFile()


def test_every_mistake_is_told_with_file_key_and_remedy(tmp_path):
    home = home_with(
        tmp_path,
        """
        [delivery]
        transport = "pigeon"
        [smpt]
        [smtp]
        port = 99999
        security = "none"
        username = "me"
        [[source]]
        name = "both"
        path = "a"
        url = "https://b.example"
        """,
    )
    with pytest.raises(SettingsError) as caught:
        load_settings(home, {})
    told = {mistake.key: mistake.remedy for mistake in caught.value.mistakes}
    assert told["smpt"] == "unknown key; did you mean smtp?"
    assert "exactly one of path" in told["source[1]"]
    assert set(told) == {"delivery.transport", "smpt", "smtp.port", "source[1]"}
    assert all(mistake.where.endswith("digest.toml") for mistake in caught.value.mistakes)


def test_a_password_in_clear_is_refused(tmp_path):
    home = home_with(tmp_path, '[smtp]\nsecurity = "none"\nusername = "me"')
    with pytest.raises(SettingsError, match="would travel in clear"):
        load_settings(home, {})


def test_smtp_needs_a_sender_and_a_password(tmp_path):
    home = home_with(tmp_path, '[delivery]\ntransport = "smtp"\n[smtp]\nusername = "me"')
    with pytest.raises(SettingsError) as caught:
        load_settings(home, {})
    assert [mistake.key for mistake in caught.value.mistakes] == ["sender.address", "smtp.username"]


def test_the_authorities_of_private_servers_are_looked_for_in_the_home(tmp_path):
    toml = '[smtp]\nca_file = "ca.pem"\n[mailbox]\nca_file = "/etc/ssl/lab.pem"\nmaildir = "mails"'
    file = load_settings(home_with(tmp_path, toml), {}).file
    assert file.smtp.ca_file == tmp_path / "ca.pem"
    assert file.mailbox.ca_file == Path("/etc/ssl/lab.pem")


def test_two_sources_of_one_name_are_refused(tmp_path):
    home = home_with(tmp_path, '[[source]]\nname = "a"\npath = "x"\n[[source]]\nname = "a"\npath = "y"')
    with pytest.raises(SettingsError, match='two sources are called "a"'):
        load_settings(home, {})


def test_secrets_come_from_env_and_never_show(tmp_path):
    home = home_with(tmp_path, env="DIGEST_SECRET=abcdefghijklmnop\nDIGEST_SMTP_PASSWORD=hunter2hunter2\n")
    settings = load_settings(home, {"DIGEST_SMTP_PASSWORD": "from-environment"})
    assert settings.secret is not None
    assert settings.smtp_password is not None
    assert settings.smtp_password.get_secret_value() == "from-environment"
    shown = repr(settings) + str(settings) + settings.model_dump_json()
    assert "abcdefghijklmnop" not in shown
    assert "from-environment" not in shown


def test_a_home_whose_path_would_be_cut_in_a_databases_address_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="question mark"):
        load_settings(tmp_path / "papers?", {})
    elsewhere = {"DIGEST_DATABASE_URL": f"sqlite:///{tmp_path / 'own.db'}"}
    assert load_settings(tmp_path / "papers?", elsewhere).database.get_secret_value().endswith("own.db")
