"""Rows, and decisions on them, for the tests of the review."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from dsforge.finding import Finding
from dsforge.review.decision import Decision
from dsforge.review.state import Original, original_of

SFT = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is 2+2?"},
        {"role": "assistant", "content": "It is 4."},
    ],
    "category": "arithmetic",
}
PAIR = {
    "prompt": [{"role": "user", "content": "Name a prime."}],
    "chosen": [{"role": "assistant", "content": "11"}],
    "rejected": [{"role": "assistant", "content": "12"}],
}
HOSTILE = {
    "messages": [
        {
            "role": "user",
            "content": "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'> "
            "[go](javascript:window.ran=3) <svg onload='window.ran = 4'> \u202egnp.exe",
        },
        {
            "role": "assistant",
            "content": "![p](https://evil.example/p.png) [d](data:text/html,<script>window.ran=5</script>)\n\n"
            '```html"onmouseover="window.ran=6\n<script>window.ran = 7</script>\n```\n\n'
            "</textarea><script>window.ran=8</script>",
        },
    ],
    "category": '"><img src=x onerror="window.ran = 9">',
}
BROKEN = b'{"messages": [{"role": "user", "content": "No comma"} {"role": "assistant", "content": "Right"}]}'

_ids = count(1)


def original(row: Any = SFT, number: int = 1) -> Original:
    """A row of a source."""
    raw = row if isinstance(row, bytes) else orjson.dumps(row)
    return original_of(number, number, f"key-{number}", raw)


def decision(
    action: Any, annotator: str = "ana", number: int = 0, *, of: Original | None = None, final: bool = False
) -> Decision:
    """A decision on a row."""
    row, key = (of.number, of.key) if of else (1, "key-1")
    at = next(_ids)
    return Decision(row, key, annotator, 1_800_000_000.0 + at, action, f"id-{at}", final, number=number or at)


def write(path: Path, rows: Sequence[Any]) -> Path:
    """A file of rows; bytes stand as they are."""
    path.write_bytes(b"\n".join(row if isinstance(row, bytes) else orjson.dumps(row) for row in rows) + b"\n")
    return path


class NoCheck:
    """Finds the word `bad` in a row, and mends it."""

    def __call__(self, number: int, raw: bytes) -> list[Finding]:
        if b"bad" not in raw:
            return []
        at = raw.decode().index("bad")
        return [Finding("Q999", "bad-word", "error", "a bad word", "", number, 1, at + 1, "/messages/1/content",
                        fixable=True, excerpt="bad", mark=(0, 3))]  # fmt: skip

    def many(self, rows: Sequence[tuple[int, bytes]]) -> list[list[Finding]]:
        return [self(number, raw) for number, raw in rows]

    def mended(self, raw: bytes, code: str = "") -> tuple[bytes, list[str]]:
        return raw.replace(b"bad", b"good"), ["Q999"] if b"bad" in raw else []

    def whole(self, path: str) -> list[Finding]:
        return []
