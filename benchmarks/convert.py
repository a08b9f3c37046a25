"""Alpaca to ChatML: `dsforge convert` beside the scripts that people write for it, in one run, as ratios.

    python benchmarks/convert.py [ROWS]            200,000 rows by default
    python benchmarks/convert.py --memory [MB]     peak memory of dsforge on a file of 2,000 MB by default

The rows are those of public instruction datasets (English, Chinese, code) where they lie beside the checkout or in
DSFORGE_SHARED_DATA, else those of examples/, over and over, in an order by chance. The scripts do less: they check
nothing, name no loss, keep no rejects, and neither flush to the disk nor rename. The bare loop is
orjson.loads, a dict, orjson.dumps; "on the disk" is the same with the flush that dsforge does too, which two workers
cannot share: compare them with that one. All outputs are compared before the times are believed. Each run is a process
of its own, timed within, without the start of Python and the imports; runs are interleaved, the best of five counts.
"""

from __future__ import annotations

import hashlib
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

import orjson

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("DSFORGE_SHARED_DATA", ROOT.parent / "shared" / "data")) / "real"
ROUNDS = 5


def alpaca_rows() -> list[bytes]:
    """Rows of instruction, input and output, as lines of JSON."""
    files = [SHARED / f"{name}.json" for name in ("alpaca_en_demo", "alpaca_zh_demo", "code_alpaca_2k")]
    if not all(file.exists() for file in files):
        files = [ROOT / "examples" / "support" / "support.alpaca.json"]
    rows = [row for file in files for row in json.loads(file.read_text("utf-8"))]
    fields = ("instruction", "input", "output")
    return [orjson.dumps({field: row.get(field, "") for field in fields}) for row in rows if row.get("output")]


def write_rows(path: Path, rows: int = 0, size: int = 0) -> int:
    """Write so many rows, or bytes; the number of rows."""
    lines = alpaca_rows()
    pick = random.Random(1)
    count = written = 0
    with path.open("wb") as file:
        while count < rows or written < size:
            line = pick.choice(lines)
            written += file.write(line + b"\n")
            count += 1
    return count


def _messages(row: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    asked = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": row["output"]}]}


def bare_loop(source: Path, output: Path) -> None:
    """orjson.loads, a dict, orjson.dumps, written out in one function."""
    loads, dumps = orjson.loads, orjson.dumps
    with source.open("rb") as rows, output.open("wb") as file:
        for line in rows:
            row = loads(line)
            asked = row["instruction"] + ("\n" + row["input"] if row["input"] else "")
            messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": row["output"]}]
            file.write(dumps({"messages": messages}) + b"\n")


def bare_loop_on_disk(source: Path, output: Path) -> None:
    """The bare loop, its output as safe as that of dsforge."""
    bare_loop(source, output)
    with output.open("rb") as file:
        os.fsync(file.fileno())


def script_json(source: Path, output: Path) -> None:
    """The script of a tutorial: the standard library's json."""
    with source.open(encoding="utf-8") as rows, output.open("w", encoding="utf-8") as file:
        for line in rows:
            file.write(json.dumps(_messages(json.loads(line)), ensure_ascii=False, separators=(",", ":")) + "\n")


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

        convert([str(source)], output, "chatml", workers=workers, manifest=True)

    return run


TOOLS: dict[str, Callable[[Path, Path], None]] = {
    "bare loop of orjson": bare_loop,
    "bare loop, on the disk": bare_loop_on_disk,
    "dsforge": ours(1),
    "dsforge, 2 workers": ours(2),
    "script with json": script_json,
    "datasets.map": hugging_face,
}


def run_one(name: str, source: Path, output: Path) -> None:
    """Run a tool in this process; print seconds and peak memory in MB (of this process)."""
    if "dsforge" in name:
        import_module("dsforge.convert")
        import_module("dsforge.formats.format").all_formats()
    elif "datasets" in name:
        import_module("datasets")
    begin = time.perf_counter()
    TOOLS[name](source, output)
    seconds = time.perf_counter() - begin
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _in_a_process(name: str, source: Path, output: Path) -> tuple[float, float]:
    command = [sys.executable, __file__, "--run", name, str(source), str(output)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, memory = map(float, done.stdout.split()[-2:])
    return seconds, memory


def _digest(path: Path) -> str:
    """A digest of the rows, whatever the white space between them."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        for line in file:
            digest.update(orjson.dumps(orjson.loads(line)))
    return digest.hexdigest()


def compare(rows: int) -> None:
    """Print the table of times."""
    best = dict.fromkeys(TOOLS, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "rows.jsonl", Path(folder) / "out.jsonl"
        write_rows(source, rows)
        size = source.stat().st_size / 1e6
        expected = ""
        for number in range(ROUNDS):
            for name in TOOLS:
                output.unlink(missing_ok=True)
                best[name] = min(best[name], _in_a_process(name, source, output)[0])
                if number == 0:
                    expected = expected or _digest(output)
                    assert _digest(output) == expected, f"{name} wrote something else"
    bare, on_disk = best["bare loop of orjson"], best["bare loop, on the disk"]
    print(
        f"{rows:,} Alpaca rows, {size:.0f} MB, to ChatML; best of {ROUNDS}; rates beside the bare loop, and on the disk"
    )
    for name, seconds in best.items():
        rates = f"x{bare / seconds:.2f}  x{on_disk / seconds:.2f}"
        print(f"{name:22} {seconds:7.2f} s {rows / seconds:9,.0f} rows/s  {rates}")
    print(f"dsforge beside datasets.map: x{best['datasets.map'] / best['dsforge']:.1f}")


def memory(megabytes: int) -> None:
    """Print the peak memory of dsforge on a large file."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "rows.jsonl", Path(folder) / "out.jsonl"
        rows = write_rows(source, size=megabytes * 1_000_000)
        seconds, peak = _in_a_process("dsforge", source, output)
        print(f"{rows:,} rows, {megabytes:,} MB: {seconds:.1f} s, peak memory {peak:.0f} MB")


def main() -> None:
    """Read the command line."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--run"]:
        run_one(arguments[1], Path(arguments[2]), Path(arguments[3]))
    elif arguments[:1] == ["--memory"]:
        memory(int(arguments[1]) if len(arguments) > 1 else 2000)
    else:
        compare(int(arguments[0]) if arguments else 200_000)


if __name__ == "__main__":
    main()
