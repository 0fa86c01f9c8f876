"""The house as the README draws it: imports point one way, every mail has its parts, nothing is misplaced."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOP = {
    "pyproject.toml", "README.md", "digest", "templates", "config", "tests", "deploy", "Makefile", "CHANGELOG.md", "LICENSE",
    ".ci", ".gitignore", ".pre-commit-config.yaml",
}  # fmt: skip


def test_imports_point_one_way():
    # In a process of its own: it configures logging, and would silence the loggers of the tests after it.
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(cache_dir=None))"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout


def test_every_mail_has_a_subject_and_a_body():
    folders = [folder for folder in (ROOT / "templates" / "email").iterdir() if folder.is_dir()]
    assert folders
    for folder in folders:
        assert {"subject.txt", "body.mjml"} <= {part.name for part in folder.iterdir()}, folder.name


def test_the_top_level_holds_only_what_belongs_there():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    assert {path.split("/")[0] for path in tracked} <= TOP


def test_no_file_and_no_function_outgrows_its_reader():
    files = sorted((ROOT / "digest").rglob("*.py"))
    assert files
    for path in files:
        source = path.read_text()
        assert len(source.splitlines()) <= 300, f"{path} has a second subject"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and "migrations" not in path.parts:
                assert (node.end_lineno or 0) - node.lineno <= 50, f"{path}: {node.name}"
