"""Token counting: ours against plain tiktoken, as ratios of rows per second.

    python benchmarks/cost.py [ROWS]

Both read the same JSONL file (ChatML, English and Chinese, every tenth row with a system prompt that
repeats) and count every message with o200k_base. "tiktoken loop" parses with orjson and encodes each
message; "tiktoken batch" hands all messages to encode_ordinary_batch. Best of three, interleaved.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import tiktoken

from dsforge.cost.count import count_tokens
from dsforge.tokens.counter import DEFAULT

ENGLISH = ("please", "order", "return", "delivery", "late", "package", "customer", "refund", "account", "address")
CHINESE = ("请问", "订单", "退货", "快递", "地址", "发票", "客服", "谢谢", "抱歉", "账户", "修改", "收到", "三天")


def _text(rng: random.Random, words: int) -> str:
    if rng.random() < 0.5:
        return " ".join(rng.choice(ENGLISH) for _ in range(words)).capitalize() + "."
    return "".join(rng.choice(CHINESE) for _ in range(words)) + "。"


def _write(path: Path, rows: int) -> None:
    rng = random.Random(0)
    system = {"role": "system", "content": "You answer customers of a shop. 你是商店的客服。"}
    with path.open("wb") as file:
        for index in range(rows):
            turns = [{"role": role, "content": _text(rng, rng.randint(10, 80))} for role in ("user", "assistant")]
            file.write(orjson.dumps({"messages": [system, *turns] if index % 10 == 0 else turns}) + b"\n")


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


def _ours(path: Path, workers: int = 1) -> int:
    return sum(count_tokens([str(path)], DEFAULT, workers=workers).columns["total"])


def main() -> None:
    """Measure, and print a line for each way of counting."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    ways: dict[str, Callable[[Path], int]] = {
        "tiktoken loop": _loop,
        "tiktoken batch": _batch,
        "dsforge": _ours,
        "dsforge --workers 2": lambda path: _ours(path, 2),
    }
    with TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        _write(path, rows)
        best = dict.fromkeys(ways, float("inf"))
        totals = {}
        for _ in range(3):
            for name, way in ways.items():
                start = time.perf_counter()
                totals[name] = way(path)
                best[name] = min(best[name], time.perf_counter() - start)
        megabytes = path.stat().st_size / 1e6
    assert len(set(totals.values())) == 1, totals
    print(f"{rows:,} rows, {megabytes:.0f} MB, {totals['dsforge']:,} tokens")
    for name, seconds in best.items():
        print(f"{name:20} {seconds:6.2f} s  {rows / seconds:9,.0f} rows/s  x{best['tiktoken loop'] / seconds:.2f}")


if __name__ == "__main__":
    main()
