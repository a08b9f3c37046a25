"""Runs the command line as a user does: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def dsforge(*arguments: object, folder: Path | None = None, stdin: str = "", **environment: str) -> Any:
    """`CompletedProcess` (text) of `dsforge ARGUMENTS` run in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "dsforge", *map(str, arguments)],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def as_json(done: Any) -> dict[str, Any]:
    """The JSON object on standard output; nothing else may stand there."""
    result: dict[str, Any] = json.loads(done.stdout)
    assert {"command", "rows_in", "rows_out", "rows_rejected", "seconds"} <= set(result)
    return result


def assert_one_line_error(done: Any, *parts: str) -> None:
    """Exit code 2 and one plain line on standard error that contains `parts`; no traceback."""
    assert done.returncode == 2, done
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("dsforge: ")
    for part in parts:
        assert part in lines[0]
