"""dsforge dedup against datasketch and rensa: file in, file out, on the same rows in the same run.

    python benchmarks/dedup.py                 20,000 synthetic rows (70% English, 30% Chinese)
    python benchmarks/dedup.py 200000          as many as that
    python benchmarks/dedup.py FILE.jsonl      a file of one's own, in any format dsforge reads

Every tool is given the same shingles (code points, 5 or 3) and 128 permutations. datasketch gets the same 18
bands of 7; rensa takes only a number of bands that divides 128, so 16. The peers compare prompt and completion as one
text and trust their estimate; dsforge compares them apart and verifies. Each run is a process of its own; the best of
three counts. dsforge's first, cold run also compiles, where no compiled kernel is cached.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

ROUNDS = 3
PERMUTATIONS = 128


def generate(count: int, path: Path) -> None:
    """ChatML rows of random words; 5% are exact copies, 15% have 1 to 15% of the words of the answer replaced."""
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(20_000)]
    characters = [chr(code) for code in range(0x4E00, 0x4E00 + 2500)]
    recent: list[tuple[str, list[str], str]] = []
    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            kind = rng.random()
            if recent and kind < 0.2:
                prompt, answer, joint = rng.choice(recent)
                share = 0.0 if kind < 0.05 else rng.uniform(0.01, 0.15)
                answer = [rng.choice(answer) if rng.random() < share else word for word in answer]
            else:
                alphabet, joint, size = (characters, "", 500) if rng.random() < 0.3 else (words, " ", 200)
                prompt = joint.join(rng.choices(alphabet, k=rng.randint(10, 60)))
                answer = rng.choices(alphabet, k=rng.randint(40, size))
                recent = [*recent[-2000:], (prompt, answer, joint)]
            messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": joint.join(answer)}]
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")


def texts(path: str) -> Iterator[tuple[bytes, set[str]]]:
    """`(row, shingles)` as a user of the peers would write it."""
    from dsforge.formats.read import read_examples
    from dsforge.io.rows import one_line
    from dsforge.similarity.key import normalise

    for row, example in read_examples(path):
        text = normalise("\n".join(message.text for message in example.all_messages()))
        cjk = sum("\u3400" <= char <= "\u9fff" for char in text)
        width = 3 if cjk > 0.3 * len(text) else 5
        yield one_line(row), {text[at : at + width] for at in range(max(len(text) - width + 1, 1))}


def by_dsforge(source: str, output: str) -> int:
    from dsforge.dedup.run import dedup

    return dedup([source], output, workers=2).rows_out


def by_datasketch(source: str, output: str) -> int:
    import xxhash
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(num_perm=PERMUTATIONS, params=(18, 7))
    known: dict[int, MinHash] = {}
    kept = 0
    with Path(output).open("wb") as file:
        for number, (row, shingles) in enumerate(texts(source)):
            sketch = MinHash(PERMUTATIONS, scheme="affine32", hashfunc=xxhash.xxh32_intdigest)
            sketch.update_batch([shingle.encode() for shingle in shingles])
            if not any(sketch.jaccard(known[other]) >= 0.8 for other in lsh.query(sketch)):
                lsh.insert(number, sketch)
                known[number] = sketch
                file.write(row + b"\n")
                kept += 1
    return kept


def by_rensa(source: str, output: str) -> int:
    from rensa import RMinHash, RMinHashLSH

    lsh = RMinHashLSH(threshold=0.8, num_perm=PERMUTATIONS, num_bands=16)
    sketches = {}
    kept = 0
    with Path(output).open("wb") as file:
        for number, (row, shingles) in enumerate(texts(source)):
            sketch = RMinHash(num_perm=PERMUTATIONS, seed=1)
            sketch.update(shingles)
            if not any(sketch.jaccard(sketches[other]) >= 0.8 for other in lsh.query(sketch)):
                lsh.insert(number, sketch)
                sketches[number] = sketch
                file.write(row + b"\n")
                kept += 1
    return kept


TOOLS = {"dsforge": by_dsforge, "datasketch": by_datasketch, "rensa": by_rensa}


def measure(tool: str, source: str, output: str) -> None:
    """Run one tool here and print `{"rows", "seconds", "mb"}`; imports count."""
    started = time.perf_counter()
    rows = TOOLS[tool](source, output)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "mb": peak}))


def in_a_process(tool: str, source: str, output: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", tool, source, output]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def compare(source: str, folder: Path) -> None:
    present = [tool for tool in TOOLS if find_spec(tool)]
    output = str(folder / "out.jsonl")
    cold = in_a_process("dsforge", source, output)
    runs = [{tool: in_a_process(tool, source, output) for tool in present} for _ in range(ROUNDS)]  # interleaved
    best = {tool: min((run[tool] for run in runs), key=lambda run: run["seconds"]) for tool in present}
    megabytes = Path(source).stat().st_size / 1e6
    print(f"{source}: {megabytes:.1f} MB; dsforge's first run {cold['seconds']:.2f} s")
    print(f"{'tool':12}{'seconds':>9}{'MB/s':>8}{'rows kept':>11}{'peak MB':>9}{'times dsforge':>15}")
    for tool, run in best.items():
        ratio = run["seconds"] / best["dsforge"]["seconds"]
        print(
            f"{tool:12}{run['seconds']:>9.2f}{megabytes / run['seconds']:>8.1f}{run['rows']:>11,.0f}"
            f"{run['mb']:>9.0f}{ratio:>15.1f}"
        )
    for tool in TOOLS.keys() - set(present):
        print(f"{tool} is not installed: pip install 'dsforge[bench]'")


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        measure(*sys.argv[2:])
        return
    wanted = sys.argv[1] if len(sys.argv) > 1 else "20000"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if wanted.isdigit():
            generate(int(wanted), folder / "rows.jsonl")
            wanted = str(folder / "rows.jsonl")
        compare(wanted, folder)


if __name__ == "__main__":
    main()
