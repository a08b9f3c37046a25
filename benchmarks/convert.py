"""Alpaca to ChatML: `dsforge convert` beside the scripts that people write for it, in one run, as ratios.

    python benchmarks/convert.py [ROWS]

The scripts do less: they check nothing, name no loss, keep no rejects, and write in place. All outputs are
compared row by row before the times are believed. Runs are interleaved; the best of three counts.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson

WORDS = (
    "how", "can", "we", "help", "with", "an", "order", "that", "has", "not", "arrived", "please", "check",
    "请问", "我的", "订单", "什么", "时候", "可以", "送到",
)  # fmt: skip


def write_rows(path: Path, rows: int) -> None:
    """A file of Alpaca rows of about 900 bytes, a third with an input."""
    pick = random.Random(1)
    with path.open("wb") as file:
        for index in range(rows):
            row = {
                "instruction": " ".join(pick.choices(WORDS, k=20)),
                "input": " ".join(pick.choices(WORDS, k=30)) if index % 3 == 0 else "",
                "output": " ".join(pick.choices(WORDS, k=100)),
            }
            file.write(orjson.dumps(row) + b"\n")


def _messages(row: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    asked = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": row["output"]}]}


def script_json(source: Path, output: Path) -> None:
    """The script of a tutorial: the standard library's json."""
    with source.open() as rows, output.open("w") as file:
        for line in rows:
            file.write(json.dumps(_messages(json.loads(line)), ensure_ascii=False) + "\n")


def script_orjson(source: Path, output: Path) -> None:
    """The script of someone in a hurry: orjson."""
    with source.open("rb") as rows, output.open("wb") as file:
        for line in rows:
            file.write(orjson.dumps(_messages(orjson.loads(line))) + b"\n")


def hugging_face(source: Path, output: Path) -> None:
    """`datasets`: load, map, write."""
    import datasets

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        rows = datasets.load_dataset("json", data_files=str(source), split="train", cache_dir=cache)
        rows.map(_messages, remove_columns=rows.column_names).to_json(str(output), force_ascii=False)


def ours(workers: int) -> Callable[[Path, Path], None]:
    """`dsforge convert`."""

    def run(source: Path, output: Path) -> None:
        from dsforge.convert import convert

        convert([str(source)], output, "chatml", workers=workers)

    return run


def main() -> None:
    """Print the table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    tools = {
        "dsforge": ours(1),
        "dsforge, 2 workers": ours(2),
        "script with json": script_json,
        "script with orjson": script_orjson,
        "datasets.map": hugging_face,
    }
    best = dict.fromkeys(tools, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.jsonl"
        write_rows(source, rows)
        size = source.stat().st_size / 1e6
        expected = None
        for _ in range(3):
            for name, run in tools.items():
                output = Path(folder) / "out.jsonl"
                begin = time.perf_counter()
                run(source, output)
                best[name] = min(best[name], time.perf_counter() - begin)
                written = [orjson.loads(line) for line in output.read_bytes().splitlines()]
                expected = expected or written
                assert written == expected, f"{name} wrote something else"
    print(f"{rows:,} Alpaca rows, {size:.0f} MB, to ChatML; best of 3")
    for name, seconds in best.items():
        print(f"{name:20} {seconds:6.2f} s {rows / seconds:10,.0f} rows/s  x{best['dsforge'] / seconds:.2f}")


if __name__ == "__main__":
    main()
