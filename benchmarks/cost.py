"""Token counting: ours against plain tiktoken, as ratios of rows per second.

    python benchmarks/cost.py [ROWS]           200,000 rows of English, Chinese and code (corpus.py) by default

All read the same JSONL file and count every message with o200k_base. "tiktoken loop" parses with orjson and encodes
each message; "tiktoken batch" hands all messages to encode_ordinary_batch with two threads. dsforge counts with
fastokens where it is installed (`pip install 'dsforge[fast]'`), once there is enough text, and, for comparison,
without; what it loads is loaded anew in each round. Best of three, interleaved.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import tiktoken
from corpus import write_rows

from dsforge.cost.count import count_tokens
from dsforge.tokens import fast
from dsforge.tokens.counter import DEFAULT, get_counter


def _contents(path: Path) -> list[list[str]]:
    with path.open("rb") as file:
        return [[message["content"] for message in orjson.loads(line)["messages"]] for line in file]


def _loop(path: Path) -> int:
    encode = tiktoken.get_encoding(DEFAULT).encode_ordinary
    return sum(len(encode(text)) for row in _contents(path) for text in row)


def _batch(path: Path) -> int:
    encoding = tiktoken.get_encoding(DEFAULT)
    texts = [text for row in _contents(path) for text in row]
    return sum(len(tokens) for tokens in encoding.encode_ordinary_batch(texts, num_threads=2))


def _ours(path: Path, workers: int = 1, hastened: bool = True) -> int:
    get_counter.cache_clear()
    fast.WORTH_IT = _WORTH_IT if hastened else sys.maxsize
    return sum(count_tokens([str(path)], DEFAULT, workers=workers).columns["total"])


_WORTH_IT = fast.WORTH_IT


def main() -> None:
    """Measure, and print a line for each way of counting."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    ways: dict[str, Callable[[Path], int]] = {
        "tiktoken loop": _loop,
        "tiktoken batch": _batch,
        "dsforge without fastokens": lambda path: _ours(path, hastened=False),
        "the same, --workers 2": lambda path: _ours(path, 2, hastened=False),
    }
    if find_spec("fastokens"):
        ways |= {"dsforge": _ours, "dsforge --workers 2": lambda path: _ours(path, 2)}
    with TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        write_rows(path, rows)
        best = dict.fromkeys(ways, float("inf"))
        totals = {}
        for _ in range(3):
            for name, way in ways.items():
                start = time.perf_counter()
                totals[name] = way(path)
                best[name] = min(best[name], time.perf_counter() - start)
        megabytes = path.stat().st_size / 1e6
    assert len(set(totals.values())) == 1, totals
    print(f"{rows:,} rows, {megabytes:.0f} MB, {totals['tiktoken batch']:,} tokens")
    for name, seconds in best.items():
        ratio = best["tiktoken batch"] / seconds
        print(f"{name:25} {seconds:6.2f} s  {rows / seconds:9,.0f} rows/s  {ratio:.2f} times the batch")


if __name__ == "__main__":
    main()
