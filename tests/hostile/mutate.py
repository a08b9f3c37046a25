"""Makes rows that went wrong out of rows that are right: bytes lost, doubled, cut, values of the wrong kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, TypeAlias

SPECIAL = (
    b'"', b"\\", b"\\u0000", b"\\ud800", b"\\u00", b"{", b"}", b"[", b"]", b",", b":", b"\x00", b"\t", b"\x1b", b"\xff",
    b"\xc3", b"\xed\xa0\x80", "\ufeff".encode(), "\u2028".encode(), "“".encode(), "请".encode(), "💡".encode(), b"//",
    b"/*", b"#", b"'", b"NaN", b"-Infinity", b"1e400", b"1e-400", b"9" * 30, b"0." + b"1" * 30, b"null", b"True",
    b"<think>", b"</think>", b"<image>", b"<tool_call>", b"</tool_call>", b"<|im_start|>", b"<|im_end|>",
    b"\n\nHuman: ", b"[" * 300, b'{"a":' * 300,
)  # fmt: skip
VALUES = (
    None, True, False, 0, 1, -1, 2**64, 0.5, -0.0, 1e300, "", " ", "a", "0", "null", "{}", "[]", "{", "\0", "\ufeff",
    "请", "<think>", "<think>\n\n</think>", "</think>a<think>", "<image>", "<image><image>",
    "<tool_call>{}</tool_call>", "<tool_call>{", "user", "assistant", "system", "tool", "function", "human",
    "data:image/png;base64,x", [], {}, [[]],
    [None], [{}], {"": None}, {"a": {"b": []}}, ["a", "b"], {"role": "user", "content": "a"},
    {"role": "assistant", "content": None, "tool_calls": [{}]}, {"type": "text", "text": 1}, {"name": "f"},
    [{"role": "system", "content": "s"}], '[{"name": "f", "arguments": {}}]', '{"name": 1}', "x" * 3000,
)  # fmt: skip

Row: TypeAlias = bytes
Change: TypeAlias = Callable[[Random, bytes, list[bytes]], bytes]


def _span(pick: Random, raw: bytes) -> tuple[int, int]:
    start = pick.randrange(len(raw) + 1)
    return start, min(len(raw), start + pick.choice((1, 1, 2, 5, 20)))


def delete(pick: Random, raw: bytes, others: list[bytes]) -> bytes:
    start, end = _span(pick, raw)
    return raw[:start] + raw[end:]


def double(pick: Random, raw: bytes, others: list[bytes]) -> bytes:
    start, end = _span(pick, raw)
    return raw[:end] + raw[start:]


def swap(pick: Random, raw: bytes, others: list[bytes]) -> bytes:
    start, end = _span(pick, raw)
    to = pick.randrange(end, len(raw) + 1)
    return raw[:start] + raw[end:to] + raw[start:end] + raw[to:]


def flip(pick: Random, raw: bytes, others: list[bytes]) -> bytes:
    at = pick.randrange(len(raw)) if raw else 0
    return raw[:at] + bytes([pick.randrange(256)]) + raw[at + 1 :]


def insert(pick: Random, raw: bytes, others: list[bytes]) -> bytes:
    at = pick.randrange(len(raw) + 1)
    return raw[:at] + pick.choice(SPECIAL) + raw[at:]


def cut(pick: Random, raw: bytes, others: list[bytes]) -> bytes:
    return raw[: pick.randrange(len(raw) + 1)]


def splice(pick: Random, raw: bytes, others: list[bytes]) -> bytes:
    other = pick.choice(others)
    return raw[: pick.randrange(len(raw) + 1)] + other[pick.randrange(len(other) + 1) :]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """`(container, key)` of every value within."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _on_a_value(change: Callable[[Random, Any, Any, list[bytes]], None]) -> Change:
    """A change of one value within the row; of bytes that are no JSON, none."""

    def changed(pick: Random, raw: bytes, others: list[bytes]) -> bytes:
        try:
            row = [json.loads(raw)]
        except (ValueError, RecursionError):
            return raw
        container, key = pick.choice(list(_places(row)))
        change(pick, container, key, others)
        written = json.dumps(row, ensure_ascii=pick.random() < 0.5)
        return written[1:-1].encode("utf-8", "surrogatepass")

    changed.__name__ = change.__name__
    return changed


@_on_a_value
def replace(pick: Random, container: Any, key: Any, others: list[bytes]) -> None:
    container[key] = pick.choice(VALUES)


@_on_a_value
def transplant(pick: Random, container: Any, key: Any, others: list[bytes]) -> None:
    """Put a value of another row here."""
    other, place = pick.choice(list(_places([json.loads(pick.choice(others))])))
    container[key] = other[place]


@_on_a_value
def remove(pick: Random, container: Any, key: Any, others: list[bytes]) -> None:
    del container[key]


@_on_a_value
def rename(pick: Random, container: Any, key: Any, others: list[bytes]) -> None:
    if isinstance(container, dict):
        names = [name for _, name in _places([json.loads(pick.choice(others))]) if isinstance(name, str)]
        container[pick.choice([*names, "extra", "", "weight", "name", "meta"])] = container.pop(key)


@_on_a_value
def repeat(pick: Random, container: Any, key: Any, others: list[bytes]) -> None:
    if isinstance(container, list):
        container.insert(pick.randrange(len(container) + 1), container[key])


@_on_a_value
def wrap(pick: Random, container: Any, key: Any, others: list[bytes]) -> None:
    value = container[key]
    container[key] = pick.choice(([value], {"content": value}, json.dumps(value), str(value)))


OF_BYTES = (delete, double, swap, flip, insert, cut, splice)
OF_VALUES = (replace, replace, transplant, remove, rename, repeat, wrap)


def mutated(rows: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` lines made of `rows` by one to three changes; the same for the same seed."""
    pick = Random(seed)
    for _ in range(count):
        raw = pick.choice(rows)
        changes = OF_BYTES if pick.random() < 0.4 else OF_VALUES
        for _ in range(pick.choice((1, 1, 2, 3))):
            raw = pick.choice(changes)(pick, raw, rows)
        yield raw.replace(b"\n", b" ").rstrip(b"\r") or b"?"
