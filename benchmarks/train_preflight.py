"""How long `dsforge train --check` takes on many rows: all that stands between the command and the first step.

    python benchmarks/train_preflight.py [--rows 100000]

Rows are conversations of one or two turns, 100 to 200 tokens each by the tokenizer of model=tiny. The command runs as
a user runs it, in a process of its own, lint's and the imports of torch and TRL among it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 15.0
"""Seconds that 100,000 rows may take on two cores."""

WORDS = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8").split()


def write_rows(path: Path, count: int) -> int:
    """Write `count` rows, the same each time; the bytes written."""
    draw = random.Random(0)

    def text(least: int, most: int) -> str:
        return " ".join(draw.choices(WORDS, k=draw.randint(least, most)))

    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            messages = [{"role": "system", "content": "You answer briefly."}] if draw.random() < 0.3 else []
            for _ in range(draw.randint(1, 2)):
                messages += [
                    {"role": "user", "content": text(8, 16)}, {"role": "assistant", "content": text(15, 35)}
                ]  # fmt: skip
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    return path.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        size = write_rows(path, rows)
        command = [
            sys.executable, "-m", "dsforge", "train", "--check", "--json", "model=tiny", f"data.path={path}",
            f"run.folder={folder}", "run.name=bench",
        ]  # fmt: skip
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"the check failed: {done.stderr}")
    result = json.loads(done.stdout)
    tokens = result["tokens"]["total"]
    print(f"{rows:,} rows, {size / 1e6:.0f} MB, {tokens:,} tokens ({tokens / rows:.0f} a row)")
    print(f"dsforge train --check: {seconds:.1f} s, {rows / seconds:,.0f} rows/s")
    print(f"of processors {used.ru_utime + used.ru_stime:.1f} s; load of the machine {os.getloadavg()[0]:.1f}")
    allowed = LIMIT * rows / 100_000
    print(f"{'within' if seconds <= allowed else 'OVER'} the {allowed:.1f} s that are allowed")


if __name__ == "__main__":
    main()
