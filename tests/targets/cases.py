"""A case of tests/cases/targets, written to a file and linted for its target (the fields are told in test_cases.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dsforge.lint.facts import Settings
from dsforge.lint.run import LintResult, lint
from dsforge.lint.target import for_target

Case = dict[str, Any]


def _content(case: Case) -> str:
    if "file" in case:
        return str(case["file"])
    rows = case.get("rows") or [case.get("row")] * case.get("repeat", 1)
    if "turns" in case:
        number, turn = case["turns"]
        rows = [[turn] * number]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def linted(target: str, case: Case, folder: Path) -> LintResult:
    """What lint finds in the rows of a case."""
    path = folder / "rows.jsonl"
    mark = "\ufeff" if case.get("byte_order_mark") else ""
    path.write_text(mark + _content(case), encoding="utf-8")
    settings = for_target(Settings(case.get("format", "auto"), case.get("max_tokens"), "approximate"), target,
                          case.get("model", ""))  # fmt: skip
    counts = "rows" in case or "repeat" in case or "file" in case
    ignored = [] if counts and not case.get("few") else ["X802"]
    return lint([path], ignore=ignored, settings=settings)
