"""`dsforge dedup` beside rensa, daft, datasketch and datatrove: file in, file out, on the same rows in one run.

    python benchmarks/dedup.py                           200,000 made up rows of English, Chinese and code (corpus.py)
    python benchmarks/dedup.py 1000000                   as many as that
    python benchmarks/dedup.py FILE.jsonl                a file of one's own, in ChatML
    python benchmarks/dedup.py --peers rensa,daft        these alone; --peers '' for none
    python benchmarks/dedup.py --rounds 5                of which the best counts

Each tool reads the file, keeps the first row of each cluster and writes the kept rows, in a process of its own, timed
within, imports included. The peers are written as their documentation does it and read with orjson. Asked of all are
shingles of 5 code points (3 where more than 30% of the text is CJK) of the lower-case text, 128 permutations, and 18
bands of 7; what each allows of it stands at its function. The peers compare prompt and completion as one text and
trust their estimate, or the bands alone; dsforge compares them apart and verifies. Runs are interleaved, the best
of the rounds counts; what takes minutes runs once where rows are many. Peak memory is that of the process and its
children together (a page that they share counts once), sampled twice a second.

dsforge's cold run is one without compiled kernels, the warm runs find those of the cold one. The small file is
timed from outside, the start of Python included, without compiled kernels. `make bench` installs the peers.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import psutil

ROOT = Path(__file__).resolve().parents[1]
PERMUTATIONS = 128
BANDS, BAND_ROWS = 18, 7
THRESHOLD = 0.8
WIDTH, CJK_WIDTH, CJK_SHARE = 5, 3, 0.3
WORKERS = 2
ROUNDS = 3
MANY = 200_000
"""Rows from which on a slow tool runs once."""
SMALL = 1000
SAMPLE = 20_000
"""Rows that the kernel alone is measured on."""
_CJK = "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7ff]"
_IS_CJK = re.compile(_CJK)
_SAMPLED = 0.5  # seconds; more often, the looking itself takes a tenth of what is measured


# -- what the peers that take shingles are given --------------------------------------------------------


def _read(source: str) -> Iterator[tuple[bytes, str]]:
    """Each row as it stands, and its text."""
    with Path(source).open("rb") as rows:
        for row in rows:
            yield row, _text(orjson.loads(row)["messages"])


def _text(messages: Iterable[dict[str, str]]) -> str:
    return " ".join("\n".join(message["content"] for message in messages).lower().split())


def _shingles(text: str) -> list[str]:
    """Repeats included: none of the peers minds them, and a set takes longer."""
    width = CJK_WIDTH if len(_IS_CJK.findall(text)) > CJK_SHARE * len(text) else WIDTH
    return [text[at : at + width] for at in range(max(len(text) - width + 1, 1))]


def _write_kept(source: str, output: str, kept: Iterable[bool]) -> int:
    count = 0
    with Path(source).open("rb") as rows, Path(output).open("wb") as file:
        for row, keep in zip(rows, kept, strict=True):
            if keep:
                file.write(row)
                count += 1
    return count


# -- the tools -----------------------------------------------------------------------------------------


def by_dsforge(source: str, output: str) -> int:
    from dsforge.dedup.run import dedup

    return dedup([source], output, workers=WORKERS).rows_out


def by_rensa(source: str, output: str) -> int:
    """16 bands of 8, for its bands have to divide the permutations; candidates are held to its estimate.

    R-MinHash over lists of tokens, added in one call. Its faster rho pipeline samples the tokens, and
    flags every row of a cluster, so that no first one is left.
    """
    from rensa import RMinHashDeduplicator

    deduplicator = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=PERMUTATIONS, use_lsh=True, num_bands=16)
    entries = ((str(number), _shingles(text)) for number, (_, text) in enumerate(_read(source)))
    return _write_kept(source, output, deduplicator.add_pairs(entries))


def by_daft(source: str, output: str) -> int:
    """126 permutations in 18 bands of 7, on the native runner; the output is a folder of files.

    Its n-grams are of words: a space between all characters makes them shingles, with another sign where a space stood.
    A row that shares a band with an earlier one goes, without an estimate. Its own example joins such pairs into
    connected components in many passes more.
    """
    os.environ["DO_NOT_TRACK"] = "true"
    import daft
    from daft import DataType, Expression, col, element
    from daft.functions import monotonically_increasing_id

    def bands(width: int) -> Expression:
        signature = col("spaced").minhash(num_hashes=BANDS * BAND_ROWS, ngram_size=width, hash_function="xxhash3_64")
        return signature.cast(DataType.list(DataType.uint32())).chunk(BAND_ROWS).alias("band")

    joined = col("messages").list_map(element()["content"]).list_join("\n")
    is_cjk = col("text").regexp_count(_CJK) > CJK_SHARE * col("text").length()
    rows = daft.read_json(source).with_column("id", monotonically_increasing_id()).collect()
    texts = (
        rows.select("id", joined.lower().regexp_replace(r"\s+", " ").alias("text"))
        .select(
            "id", col("text").replace(" ", "\u2581").split("").list_join(" ").alias("spaced"), is_cjk.alias("is_cjk")
        )
        .collect()
    )
    wide = texts.where(~col("is_cjk")).select("id", bands(WIDTH))
    narrow = texts.where(col("is_cjk")).select("id", bands(CJK_WIDTH))
    buckets = (
        wide.concat(narrow)
        .with_column("number", daft.lit(list(range(BANDS))))
        .explode("band", "number")
        .groupby("number", col("band").hash())
        .agg(col("id").list_agg().alias("ids"), col("id").min().alias("first"))
        .where(col("ids").length() > 1)
    )
    gone = buckets.explode("ids").where(col("ids") != col("first")).select("ids").distinct()
    kept = rows.join(gone, left_on="id", right_on="ids", how="anti").exclude("id").collect()
    kept.write_json(output)
    return len(kept)


def by_datasketch(source: str, output: str) -> int:
    """All as asked: the same bands, and candidates held to its estimate."""
    import xxhash
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, BAND_ROWS))
    known: dict[int, MinHash] = {}
    encoded = ([shingle.encode() for shingle in _shingles(text)] for _, text in _read(source))
    signatures = MinHash.generator(encoded, num_perm=PERMUTATIONS, scheme="affine32", hashfunc=xxhash.xxh32_intdigest)

    def kept() -> Iterator[bool]:
        for number, signature in enumerate(signatures):
            is_new = not any(signature.jaccard(known[other]) >= THRESHOLD for other in index.query(signature))
            if is_new:
                index.insert(number, signature, check_duplication=False)
                known[number] = signature
            yield is_new

    return _write_kept(source, output, kept())


def by_datatrove(source: str, output: str) -> int:
    """126 permutations in 18 buckets of 7, and the shingles asked for in place of its n-grams of words.

    Rows that share a bucket are one cluster, without an estimate; the first of it need not be the one that stays. The
    input is cut into a file for each worker, the output is a folder of as many.
    """
    import numpy as np
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature

    class ShingleSignature(MinhashDedupSignature):
        def get_shingles(self, text: str) -> Any:
            hashes = map(self._hash_func, _shingles(" ".join(text.lower().split())))
            return np.fromiter(hashes, dtype=np.uint64).reshape(-1, 1)

    return _datatrove(source, output, MinhashConfig(num_buckets=BANDS, hashes_per_bucket=BAND_ROWS), ShingleSignature)


def by_datatrove_as_it_comes(source: str, output: str) -> int:
    """Its defaults: words of spaCy's English tokenizer without punctuation, by fives, 14 buckets of 8."""
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature

    return _datatrove(source, output, MinhashConfig(), MinhashDedupSignature)


def _datatrove(source: str, output: str, config: Any, signature: Any) -> int:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup.minhash import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter

    def as_document(self: Any, row: dict[str, Any], path: str, number: int) -> dict[str, Any]:
        text = "\n".join(message["content"] for message in row["messages"])
        return {"text": text, "id": f"{path}/{number}", "metadata": row}

    def as_row(self: Any, document: Any) -> dict[str, Any]:
        return {"messages": document.metadata["messages"]}

    def run(tasks: int, *steps: Any) -> None:
        LocalPipelineExecutor(
            [*steps], tasks, workers=min(tasks, WORKERS), logging_dir=tempfile.mkdtemp(dir=work)
        ).run()

    with tempfile.TemporaryDirectory() as work:
        _cut(source, Path(work, "rows"), WORKERS)
        reader = JsonlReader(f"{work}/rows", adapter=as_document)
        run(WORKERS, reader, signature(f"{work}/signatures", config=config))
        run(config.num_buckets, MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config))
        run(1, MinhashDedupCluster(f"{work}/buckets", f"{work}/removed", config=config))
        writer = JsonlWriter(output, adapter=as_row, compression=None)
        run(WORKERS, reader, MinhashDedupFilter(f"{work}/removed"), writer)
    return sum(path.read_bytes().count(b"\n") for path in Path(output).iterdir())


def _cut(source: str, folder: Path, pieces: int) -> None:
    """A file of about the same size for each worker, in order."""
    rows = Path(source).read_bytes().splitlines(keepends=True)
    size = -(-len(rows) // pieces)
    folder.mkdir()
    for number in range(pieces):
        (folder / f"{number}.jsonl").write_bytes(b"".join(rows[number * size : (number + 1) * size]))


class Tool(NamedTuple):
    """`asked` is how many times dsforge's time it is meant to take."""

    run: Callable[[str, str], int]
    module: str
    asked: int | None = None
    slow: bool = False


TOOLS = {
    "dsforge": Tool(by_dsforge, "dsforge"),
    "daft": Tool(by_daft, "daft", asked=8),
    "rensa": Tool(by_rensa, "rensa", asked=15),
    "datasketch": Tool(by_datasketch, "datasketch", asked=30, slow=True),
    "datatrove": Tool(by_datatrove, "datatrove", asked=60, slow=True),
    "datatrove-words": Tool(by_datatrove_as_it_comes, "datatrove", slow=True),
}


# -- the measure -----------------------------------------------------------------------------------------


class Run(NamedTuple):
    """What a run took and left."""

    seconds: float
    rows: int
    megabytes: float


def run_one(name: str, source: str, output: str) -> None:
    """Run a tool in this process; print `[seconds, rows kept]`."""
    begin = time.perf_counter()
    rows = TOOLS[name].run(source, output)
    print(f"\n{json.dumps([time.perf_counter() - begin, rows])}")


def in_a_process(name: str, source: Path, kernels: Path) -> Run | None:
    """A run in a process of its own, compiled kernels kept in a folder; None where it failed, which is told."""
    command = [sys.executable, __file__, "--run", name, str(source)]
    with tempfile.TemporaryDirectory() as folder, Path(folder, "said").open("w+") as said:
        process = subprocess.Popen(
            [*command, f"{folder}/out"], stdout=subprocess.PIPE, stderr=said, text=True, env=_environment(kernels)
        )
        peak = _peak_memory(process)
        lines = process.communicate()[0].splitlines()
        if process.returncode:
            said.seek(0)
            print(f"{name} failed: {(said.read().strip() or 'without a word').splitlines()[-1]}")
            return None
    seconds, rows = json.loads(lines[-1])
    return Run(seconds, rows, peak / 1e6)


def _environment(kernels: Path) -> dict[str, str]:
    """For a run of this checkout, whichever environment the peers are in, with as many threads as the command has."""
    ours = {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(kernels), "OPENBLAS_NUM_THREADS": "1"}
    return {**os.environ, **ours}


def _peak_memory(process: subprocess.Popen[str]) -> int:
    """Bytes; returns when the process has ended."""
    watched = psutil.Process(process.pid)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _resident(watched))
        time.sleep(_SAMPLED)
    return peak


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += each.memory_full_info().pss
    except psutil.NoSuchProcess:  # ended while we looked
        pass
    return total


def small_run(source: Path, folder: Path) -> float:
    """Seconds of the command `dsforge dedup` on a few rows, all in all, without compiled kernels."""
    small, times = folder / "small.jsonl", []
    with source.open("rb") as rows:
        small.write_bytes(b"".join(row for row, _ in zip(rows, range(SMALL), strict=False)))
    for number in range(ROUNDS):
        kernels = folder / f"no-kernels-{number}"
        output = folder / f"small-{number}.jsonl"
        command = [sys.executable, "-m", "dsforge", "dedup", str(small), "-o", str(output)]
        begin = time.perf_counter()
        subprocess.run(command, check=False, capture_output=True, env=_environment(kernels))
        times.append(time.perf_counter() - begin)
        assert output.exists()
    return min(times)


def compare(source: Path, names: list[str], rounds: int, folder: Path) -> None:
    """Run all, print the table."""
    with source.open("rb") as file:
        rows = sum(1 for _ in file)
    kernels = folder / "kernels"
    cold = in_a_process("dsforge", source, kernels)
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            if number == 0 or not (TOOLS[name].slow and rows >= MANY):
                runs[name] += filter(None, [in_a_process(name, source, kernels)])
    best = {name: min(done) for name, done in runs.items() if done}
    megabytes = source.stat().st_size / 1e6
    print(f"{rows:,} rows, {megabytes:.0f} MB; best of {rounds}, of slow tools 1 from {MANY:,} rows on")
    print_table(best, megabytes)
    if cold:
        print_of_dsforge(cold, source, kernels, folder)


def print_table(best: dict[str, Run], megabytes: float) -> None:
    """A line a tool."""
    head = f"{'seconds':>9}{'MB/s':>8}{'rows kept':>11}{'peak MB':>9}{'times dsforge':>15}{'asked':>7}"
    print(f"{'':16}{head}")
    for name, run in best.items():
        times = f"{run.seconds / best['dsforge'].seconds:.1f}" if "dsforge" in best else "?"
        figures = f"{run.seconds:9.2f}{megabytes / run.seconds:8.1f}{run.rows:11,}{run.megabytes:9,.0f}"
        print(f"{name:16}{figures}{times:>15}{TOOLS[name].asked or '':>7}")


def print_of_dsforge(cold: Run, source: Path, kernels: Path, folder: Path) -> None:
    """What is told of dsforge alone."""
    print(f"dsforge without compiled kernels: {cold.seconds:.2f} s, {cold.megabytes:,.0f} MB")
    command = [sys.executable, __file__, "--parts", str(source), str(folder / "parts.jsonl")]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=_environment(kernels))
    print(f"with one worker, {done.stdout.strip()}")
    command[2] = "--addition"
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=_environment(kernels))
    print(f"with an index, {done.stdout.strip()}")
    command[2] = "--kernel"
    for how in ("characters", "words:5"):
        done = subprocess.run([*command, how], check=True, stdout=subprocess.PIPE, text=True, env=_environment(kernels))
        print(f"the kernel by {how}: {done.stdout.strip()}")
    seconds = small_run(source, folder)
    print(f"dsforge dedup of {SMALL:,} rows, from start to end, without compiled kernels: {seconds:.2f} s")


def print_parts(source: str, output: str) -> None:
    """What share of a run each part of the work takes."""
    from dsforge.dedup import contradictions
    from dsforge.dedup.output import Outputs
    from dsforge.dedup.run import dedup
    from dsforge.formats.read import ExampleReader
    from dsforge.io import rows
    from dsforge.similarity import collect, sketch, stages

    times: dict[str, float] = {}

    def timed(part: str, holder: Any, name: str) -> None:
        function = getattr(holder, name)

        def call(*arguments: Any, **options: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                times[part] = times.get(part, 0) + time.perf_counter() - begin

        setattr(holder, name, call)

    collect.prepare()
    timed("scanning", collect.Scanner, "scan")
    timed("JSON", rows, "_values_at_once")
    timed("decoding", ExampleReader, "plain_batch")
    timed("normalising", collect, "all_normalised")
    timed("hashing", sketch, "sign_compiled")
    timed("banding", sketch, "band_keys")
    timed("banding", stages, "find_buckets")
    timed("verifying", stages, "verify")
    timed("contradictions", contradictions, "conflicts")
    timed("writing", Outputs, "write")
    begin = time.perf_counter()
    dedup([source], output)
    total = time.perf_counter() - begin
    times["the rest"] = total - sum(times.values())
    print(f"{total:.2f} s: " + ", ".join(f"{part} {seconds / total:.0%}" for part, seconds in times.items()))


def print_addition(source: str, output: str) -> None:
    """What it takes to add the last hundredth of the rows to an index of the others."""
    from dsforge.dedup.run import dedup

    with Path(source).open("rb") as file:
        rows = file.readlines()
    there = len(rows) - len(rows) // 100
    seconds = []
    for name, part in (("there", rows[:there]), ("added", rows[there:])):
        file_of_part = Path(output).with_name(f"{name}.jsonl")
        file_of_part.write_bytes(b"".join(part))
        begin = time.perf_counter()
        dedup([str(file_of_part)], output, index=Path(output).with_name("index"), workers=WORKERS)
        seconds.append(time.perf_counter() - begin)
    print(f"{there:,} rows {seconds[0]:.2f} s, {len(rows) - there:,} more {seconds[1]:.2f} s: "
          f"{seconds[1] / seconds[0]:.1%} of it")  # fmt: skip


def print_kernel(source: str, how: str) -> None:
    """The speed of signing beside that of cutting the same texts into hashed shingles and nothing else."""
    import numpy as np

    from dsforge.similarity.kernel import count_shingles, sign_texts
    from dsforge.similarity.key import normalised_bytes
    from dsforge.similarity.minhash import EMPTY, permutations
    from dsforge.similarity.shingle import pack, parse_shingling

    documents = [(normalised_bytes(text), b"", b"") for _, (_, text) in zip(range(SAMPLE), _read(source), strict=False)]
    texts, shingling = pack(documents), parse_shingling(how)
    cut = (texts.utf8, texts.starts, shingling.words, shingling.width)
    result = np.full((len(texts), PERMUTATIONS), EMPTY, dtype=np.uint32)
    works = {"signing": lambda: sign_texts(*cut, *permutations(), result), "cutting": lambda: count_shingles(*cut)}
    best = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS + 1):  # the first loads the kernel
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - begin)
    speed = {name: len(texts.utf8) / 1e6 / seconds for name, seconds in best.items()}
    print(f"{speed['signing']:.0f} MB/s of one core, cutting alone {speed['cutting']:.0f} MB/s: "
          f"{speed['signing'] / speed['cutting']:.2f} of it")  # fmt: skip


def _names(asked: str | None) -> list[str]:
    """The tools to run; what is missing is named."""
    wanted = [*TOOLS] if asked is None else ["dsforge", *filter(None, asked.split(","))]
    if unknown := [name for name in wanted if name not in TOOLS]:
        raise SystemExit(f"no such peer: {', '.join(unknown)}; there are {', '.join(TOOLS)}")
    missing = dict.fromkeys(TOOLS[name].module for name in wanted if not find_spec(TOOLS[name].module))
    for module in missing:
        print(f"{module} is not installed: pip install 'dsforge[bench]'")
    return [name for name in wanted if TOOLS[name].module not in missing]


def main() -> None:
    """Read the command line."""
    if sys.argv[1:2] == ["--run"]:
        run_one(*sys.argv[2:])
        return
    if sys.argv[1:2] == ["--parts"]:
        print_parts(*sys.argv[2:4])
        return
    if sys.argv[1:2] == ["--addition"]:
        print_addition(*sys.argv[2:4])
        return
    if sys.argv[1:2] == ["--kernel"]:
        print_kernel(sys.argv[2], sys.argv[4])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", default="200000", help="how many, or a file")
    parser.add_argument("--peers", help="names with commas between")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        source = Path(asked.rows)
        if asked.rows.isdigit():
            from corpus import write_rows  # here, so that no tool finds numpy imported

            source = Path(name, "rows.jsonl")
            write_rows(source, int(asked.rows))
        compare(source, _names(asked.peers), asked.rounds, Path(name))


if __name__ == "__main__":
    main()
