"""The public names exist, are documented, and cost nothing until they are used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import dsforge


@pytest.mark.parametrize("name", [name for name in dsforge.__all__ if name != "__version__"])
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(dsforge, name).__doc__


def test_importing_dsforge_imports_nothing_else() -> None:
    script = "import sys, dsforge; print([name for name in sys.modules if name.startswith('dsforge.')])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lnt'"):
        _ = dsforge.lnt  # type: ignore[attr-defined]


def test_read_and_lint_from_python(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"instruction": "a", "output": ""}\n')
    ((row, example),) = dsforge.read_examples(path)
    assert (row.number, example.messages[0].text) == (1, "a")
    assert dsforge.lint_files([path]).counts == {"S104": 1}
