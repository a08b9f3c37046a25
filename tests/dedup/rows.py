"""Small rows for the tests of dedup, and a run over them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from dsforge.dedup.result import DedupResult
from dsforge.dedup.run import dedup

Row = dict[str, object]

LONG = " ".join(f"word{number}" for number in range(60))
"""An answer of which one word may change without it becoming another."""


def alpaca(instruction: str, output: str, **more: object) -> Row:
    return {"instruction": instruction, "output": output, **more}


def pair(prompt: str, chosen: str, rejected: str, **more: object) -> Row:
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected, **more}


def write(path: Path, rows: Iterable[Row]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def run(rows: Iterable[Row], folder: Path, **options: object) -> tuple[DedupResult, list[Row]]:
    source = write(folder / "in.jsonl", rows)
    result = dedup([str(source)], folder / "out.jsonl", **options)  # type: ignore[arg-type]
    return result, read(folder / "out.jsonl")
