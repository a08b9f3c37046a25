"""`dsforge lint` beside a bare loop that only parses the rows, and beside tiktoken alone, in one run, as ratios.

    python benchmarks/lint.py [ROWS]               200,000 rows by default
    python benchmarks/lint.py --memory [MB]        peak memory on a file of 1,000 MB by default

The rows are ChatML: instructions in English, Chinese and code, one in ten with a system prompt, one in twenty a
preference pair, one in twenty with tools, of the public datasets where they lie beside the checkout or in
DSFORGE_SHARED_DATA, else of examples/. Each carries its number, so that none is a copy. The bare loop is orjson.loads
on each line and nothing else. "With tokens" is `--max-tokens` with o200k_base; tiktoken alone counts the same texts,
which are in memory already, with as many threads as there are workers. Each run is a process of its own, timed within,
without the start of Python and the imports; runs are interleaved, the best of five counts (tokens: of two). The small
file is timed from outside, the start of Python included, as pre-commit would.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("DSFORGE_SHARED_DATA", ROOT.parent / "shared" / "data")) / "real"
ROUNDS, TOKEN_ROUNDS, SMALL = 5, 2, 100
WORKERS = 2
SYSTEM = "You are a helpful assistant. Answer in the language of the question."


def _read(name: str) -> list[dict[str, Any]]:
    return json.loads((SHARED / f"{name}.json").read_text("utf-8"))


def kinds_of_rows() -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Instructions, preference pairs and rows with tools, as ChatML."""
    if not (SHARED / "alpaca_en_demo.json").exists():
        lines = (ROOT / "examples" / "support" / "support.chatml.jsonl").read_bytes().splitlines()
        rows = [row for line in lines if (row := _or_none(line)) and row.get("messages")]
        return rows, rows, rows
    from dsforge.convert import convert_example
    from dsforge.formats.format import get_format
    from dsforge.formats.read import decode_row

    def as_chatml(names: list[str]) -> list[dict[str, Any]]:
        chatml = get_format("chatml")
        return [orjson.loads(convert_example(decode_row(row)[1], chatml)[0]) for name in names for row in _read(name)]

    instructions = as_chatml(["alpaca_en_demo", "alpaca_zh_demo", "code_alpaca_2k"])
    return instructions, as_chatml(["dpo_en_demo"]), as_chatml(["glaive_toolcall_en_demo"])


def _or_none(line: bytes) -> dict[str, Any] | None:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:  # the example has broken rows on purpose
        return None


def write_rows(path: Path, rows: int = 0, size: int = 0) -> int:
    """Write so many rows, or bytes; the number of rows."""
    instructions, pairs, tools = kinds_of_rows()
    chance = random.Random(1)
    count = written = 0
    with path.open("wb") as file:
        while count < rows or written < size:
            draw = chance.random()
            kind = pairs if draw < 0.05 else tools if draw < 0.1 else instructions
            row = orjson.loads(orjson.dumps(chance.choice(kind)))
            asked = next((message for message in row["messages"] if message["role"] == "user"), None)
            if asked is None or not isinstance(asked["content"], str):
                continue
            asked["content"] = f"{asked['content']} (number {count:,})"
            if chance.random() < 0.1 and row["messages"][0]["role"] != "system":
                row["messages"].insert(0, {"role": "system", "content": SYSTEM})
            written += file.write(orjson.dumps(row) + b"\n")
            count += 1
    return count


def bare_loop(source: Path) -> None:
    """orjson.loads on each line."""
    loads = orjson.loads
    with source.open("rb") as rows:
        for line in rows:
            loads(line)


def tiktoken_alone(source: Path) -> float:
    """Seconds that tiktoken needs for the texts of all rows."""
    import tiktoken

    texts = [text for line in source.read_bytes().splitlines() for text in _texts(orjson.loads(line))]
    encoding = tiktoken.get_encoding("o200k_base")
    begin = time.perf_counter()
    for start in range(0, len(texts), 10_000):
        encoding.encode_ordinary_batch(texts[start : start + 10_000], num_threads=WORKERS)
    return time.perf_counter() - begin


def _texts(row: dict[str, Any]) -> list[str]:
    messages = [*row["messages"], *(row[key] for key in ("chosen", "rejected") if key in row)]
    return [message["content"] for message in messages if isinstance(message.get("content"), str)]


def ours(workers: int, max_tokens: int | None = None) -> Callable[[Path], None]:
    """`dsforge lint` with its default rules."""

    def run(source: Path) -> None:
        from dsforge.lint.facts import Settings
        from dsforge.lint.run import lint

        result = lint([source], settings=Settings(max_tokens=max_tokens), workers=workers)
        assert result.rows_rejected == 0

    return run


TOOLS: dict[str, Callable[[Path], float | None]] = {
    "bare loop of orjson": bare_loop,
    "dsforge lint": ours(1),
    "dsforge lint, 2 workers": ours(WORKERS),
}
COUNTING: dict[str, Callable[[Path], float | None]] = {
    "tiktoken alone, 2 threads": tiktoken_alone,
    "dsforge lint with tokens, 2 workers": ours(WORKERS, 4096),
}


def run_one(name: str, source: Path) -> None:
    """Run a tool in this process; print seconds and peak memory in MB, of this process and of its largest child."""
    if "dsforge" in name:
        import_module("dsforge.lint.run")
        import_module("dsforge.formats.format").all_formats()
        import_module("dsforge.lint.rule").all_rules()
    begin = time.perf_counter()
    told = {**TOOLS, **COUNTING}[name](source)
    seconds = told or time.perf_counter() - begin
    peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(seconds, *peaks)


def _in_a_process(name: str, source: Path) -> tuple[float, float, float]:
    command = [sys.executable, __file__, "--run", name, str(source)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, own, child = map(float, done.stdout.split()[-3:])
    return seconds, own, child


def _small_file(source: Path, folder: Path) -> float:
    """Seconds of `dsforge lint` on a few rows, all in all."""
    small = folder / "small.jsonl"
    with source.open("rb") as file:
        small.write_bytes(b"".join(next(file) for _ in range(SMALL)))
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "dsforge", "lint", str(small)], stdout=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - begin)
    return min(times)


def compare(rows: int) -> None:
    """Print the table of times."""
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.jsonl"
        write_rows(source, rows)
        for tools, rounds in ((TOOLS, ROUNDS), (COUNTING, TOKEN_ROUNDS)):
            for name in list(tools) * rounds:
                best[name] = min(best.get(name, float("inf")), _in_a_process(name, source)[0])
        print(
            f"{rows:,} ChatML rows, {source.stat().st_size / 1e6:.0f} MB; best of {ROUNDS}, with tokens {TOKEN_ROUNDS}"
        )
        bare = best["bare loop of orjson"]
        for name, seconds in best.items():
            print(
                f"{name:36} {seconds:7.2f} s {rows / seconds:9,.0f} rows/s  {seconds / bare:5.1f} times the bare loop"
            )
        alone, with_tokens = (best[name] for name in COUNTING)
        print(f"with tokens beside tiktoken alone: {with_tokens / alone:.2f} times its time")
        print(f"a file of {SMALL} rows, from start to end: {_small_file(source, Path(folder)):.2f} s")


def memory(megabytes: int) -> None:
    """Print the peak memory of dsforge on a large file."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.jsonl"
        rows = write_rows(source, size=megabytes * 1_000_000)
        seconds, own, child = _in_a_process("dsforge lint, 2 workers", source)
        print(f"{rows:,} rows, {megabytes:,} MB: {seconds:.1f} s, peak memory {own:.0f} MB, of a worker {child:.0f} MB")


def main() -> None:
    """Read the command line."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--run"]:
        run_one(arguments[1], Path(arguments[2]))
    elif arguments[:1] == ["--memory"]:
        memory(int(arguments[1]) if len(arguments) > 1 else 1000)
    else:
        compare(int(arguments[0]) if arguments else 200_000)


if __name__ == "__main__":
    main()
