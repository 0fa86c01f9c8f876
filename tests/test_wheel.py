"""The built wheel works in a bare environment: templates and the example configuration travel with it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip(
        "hatchling", reason="needs hatchling to build without a network; `make test` installs it"
    )
    out = tmp_path_factory.mktemp("dist")
    code = f"import hatchling.build, os; os.chdir({str(ROOT)!r}); print(hatchling.build.build_wheel({str(out)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    [built] = out.glob("*.whl")
    return built


def test_templates_and_the_example_configuration_are_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "templates/email/digest/body.mjml",
        "config/digest.example.toml",
        "config/subscribers/example.toml",
    ):
        assert f"digest/_shipped/{name}" in names
    assert "digest/store/migrations/versions/0001_first.py" in names
    assert "digest/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", ".ci", "deploy"))]


def test_preview_and_the_main_job_run_from_the_installed_wheel(wheel, tmp_path):
    # Bare but for the libraries, which are borrowed from this environment: nothing of the checkout is importable.
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    run = [
        sys.executable,
        "-P",
        "-c",
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from digest.cli import main; main()",
    ]

    def digest(*words):
        return subprocess.run(
            [*run, str(site), *words], check=True, capture_output=True, text=True, cwd=tmp_path
        ).stdout

    digest("--home", "home", "init", "--demo")
    profile = "home/config/subscribers/inference-engineer.toml"
    digest(
        "--now",
        "2026-03-03T09:00:00Z",
        "preview",
        "--profile",
        profile,
        "--page",
        "home/pages",
        "--out",
        "out",
    )
    assert (tmp_path / "out" / "digest.html").stat().st_size > 5_000
    digest("--home", "home", "--now", "2026-03-03T09:00:00Z", "run", "--once")
    assert len(list((tmp_path / "home" / "data" / "outbox").glob("*.eml"))) == 3
