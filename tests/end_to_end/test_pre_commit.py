"""The hooks, run by pre-commit itself in a repository of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip("pre_commit")

HOOKS = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
GOOD = '{"instruction": "Say hello", "output": "Hello"}\n'
BAD = '{"instruction": "Say bye", "output": ""}\n'
COMMA = '{"instruction": "Say bye", "output": "Bye",}\n\n'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose hooks are ours, run by the dsforge under test instead of an installation of their own."""
    hooks = yaml.safe_load(HOOKS.read_text("utf-8"))
    command = f"{sys.executable} -m dsforge"
    for hook in hooks:
        assert hook["language"] == "python"
        hook |= {"language": "system", "entry": hook["entry"].replace("dsforge", command, 1)}
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "settings.json").write_text("{}")  # no dataset: must not be looked at
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    return tmp_path


def _run(repository: Path, hook: str, **files: str) -> subprocess.CompletedProcess[str]:
    for name, content in files.items():
        (repository / f"{name}.jsonl").write_text(content)
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    environment = {**os.environ, "PRE_COMMIT_HOME": str(repository / ".cache"), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "pre_commit", "run", hook, "--all-files", "--verbose"]
    return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)


def test_lint_fails_on_what_is_wrong_and_says_where(repository: Path) -> None:
    done = _run(repository, "dsforge-lint", a=GOOD, b=BAD)
    assert done.returncode == 1, done.stderr
    assert "b.jsonl:1:38 S104 empty-content" in done.stdout
    assert "settings.json" not in done.stdout
    passed = _run(repository, "dsforge-lint", b=BAD.replace('""', '"Bye"'))
    assert passed.returncode == 0, passed.stdout
    assert "2 rows" in passed.stdout


def test_copies_are_found_across_files(repository: Path) -> None:
    assert "D701" in _run(repository, "dsforge-lint", a=GOOD, b=GOOD).stdout


def test_fix_mends_and_so_fails_once(repository: Path) -> None:
    done = _run(repository, "dsforge-fix", a=GOOD, b=COMMA)
    assert done.returncode == 1
    assert "files were modified by this hook" in done.stdout
    assert (repository / "b.jsonl").read_text() == COMMA.replace(",}\n\n", "}\n")
    assert _run(repository, "dsforge-fix").returncode == 0


def test_format_looks_at_the_bytes_alone(repository: Path) -> None:
    done = _run(repository, "dsforge-format", a="\ufeff" + GOOD, b=BAD)
    assert done.returncode == 1
    assert (repository / "a.jsonl").read_text() == GOOD
    assert _run(repository, "dsforge-format").returncode == 0
