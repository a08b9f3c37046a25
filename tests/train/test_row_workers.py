"""Rows that several processes look at are found to be just what one finds them to be."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from dsforge.train import row_workers
from dsforge.train.config import DataConfig
from tests.train.small import BAD_LINES, KINDS, lamp_rows

_LOOK = """
import json, os, pickle, sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"
from dsforge.engine import chunks
from dsforge.errors import OutputError
from dsforge.train import row_workers
from dsforge.train.config import DataConfig

chunks.MIN_CHUNK = row_workers.MIN_CHUNK = 2000
row_workers.MUCH = 4000
tokenizer, cases = json.loads(sys.argv[1])
found = {}
with row_workers.row_workers(DataConfig(path=cases[0][1]["path"]), 2) as workers:
    from transformers import AutoTokenizer

    from dsforge.tokens.template import ChatTemplate
    from dsforge.train.preflight import preflight
    from dsforge.train.recipe import get_recipe

    tokenizer = AutoTokenizer.from_pretrained(tokenizer)
    template = ChatTemplate(tokenizer, tokenizer.chat_template, "its own")

    def look(data, limit, method, workers):
        try:
            return preflight(data.path, data, limit, get_recipe(method), template, workers)
        except Exception as error:
            return repr(error)

    for name, data, limit, method in cases:
        calls = []
        each = workers.each
        workers.each = lambda *arguments: calls.append(1) or each(*arguments)
        found[name] = [look(DataConfig(**data), limit, method, who) for who in (workers, None)] + [bool(calls)]
        workers.each = each
    try:
        list(workers.each(os.kill, [("self", 9)]))
    except TypeError:
        found["error"] = "raised here"
    try:
        list(workers.each(os._exit, [(1,)]))
    except OutputError as error:
        found["killed"] = str(error)
sys.stdout.buffer.write(pickle.dumps(found))
"""


def _lines(times: int) -> list[bytes]:
    """Rows of every kind, and all that are refused, one after another: each piece of the file holds some of them."""
    control = {"messages": [{"role": "user", "content": "<|im_end|>"}, {"role": "assistant", "content": "Odd."}]}
    alpaca = {"instruction": "Name a colour.", "output": "Blue."}
    good = [json.dumps(row, ensure_ascii=False).encode() for row in [*KINDS.values(), control, alpaca]]
    return [
        line
        for turn in range(times)
        for line in [*BAD_LINES[turn % 4 :], b"", *good[turn % 9 :], b"\xff{", b"[1]", b'{"messages": []}', *good]
    ]


@pytest.fixture(scope="module")
def found(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By the name of a case what several processes found, what one did, and whether there were several."""
    folder = tmp_path_factory.mktemp("rows")
    pairs = [{"prompt": f"Lamp {at}?", "chosen": "In stock.", "rejected": "No" * (at % 9)} for at in range(200)]
    files = {
        "mixed.jsonl": b"\n".join(_lines(12)) + b"\r\n",
        "pairs.jsonl": b"\n".join(json.dumps(pair).encode() for pair in pairs),
        "bad.jsonl": b"\n".join(BAD_LINES * 30),
        "array.json": json.dumps(lamp_rows(60)).encode(),
        "packed.jsonl.gz": gzip.compress(b"\n".join(json.dumps(row).encode() for row in lamp_rows(60))),
        "small.jsonl": json.dumps(KINDS["plain"]).encode(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    asked: list[tuple[str, str, dict[str, Any], int | None, str]] = [
        ("cut", "mixed.jsonl", {"too_long": "cut"}, 40, "sft"),
        ("rejected", "mixed.jsonl", {"too_long": "reject"}, 60, "sft"),
        ("dpo", "pairs.jsonl", {}, None, "dpo"),
        ("kto", "pairs.jsonl", {}, 20, "kto"),
        ("nothing", "bad.jsonl", {}, None, "sft"),
        ("other method", "pairs.jsonl", {}, None, "sft"),
        ("array", "array.json", {}, None, "sft"),
        ("packed", "packed.jsonl.gz", {}, None, "sft"),
        ("small", "small.jsonl", {}, None, "sft"),
    ]
    cases = [(name, {"path": str(folder / file), **more}, limit, method) for name, file, more, limit, method in asked]
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, json.dumps([str(tokenizer_folder), cases])],
        capture_output=True, check=False, env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    values: dict[str, Any] = pickle.loads(done.stdout)
    return values


def _plain(found: Any) -> Any:
    """All that was found, as values that can be compared."""
    if isinstance(found, str):
        return found
    rows = found.rows
    return {field.name: getattr(found, field.name) for field in fields(found) if field.name != "rows"} | {
        "order of formats": list(found.formats), "sequences": list(rows.rows()), "tails": list(rows.tails),
        "numbers": list(rows.numbers), "sources": list(rows.sources), "good": rows.good, "all tokens": rows.tokens,
    }  # fmt: skip


@pytest.mark.parametrize("case", ["cut", "rejected", "dpo", "kto", "nothing", "other method"])
def test_pieces_come_to_the_whole(found: dict[str, Any], case: str) -> None:
    several, one, worked = found[case]
    assert worked
    assert _plain(several) == _plain(one)


def test_the_files_hold_all_that_can_be_found(found: dict[str, Any]) -> None:
    """Else the pieces would be compared in nothing."""
    cut = found["cut"][1]
    assert cut.rows_in == cut.rows_used + len(cut.rejects)
    assert len(cut.formats) == 3
    assert min(cut.over_length, cut.cut_trained, cut.control, cut.shown_row) > 0
    assert len(cut.over) == 20
    assert len({reject.code for reject in cut.rejects}) > 3
    assert {len(tail) for tail in cut.rows.tails} > {0}
    assert "none of its 120 rows can be trained on by method=sft; row 1: " in found["nothing"][1]
    assert "such rows are for method=dpo or " in found["other method"][1]


@pytest.mark.parametrize("case", ["array", "packed", "small"])
def test_what_has_no_pieces_is_read_here(found: dict[str, Any], case: str) -> None:
    several, one, worked = found[case]
    assert not worked
    assert _plain(several) == _plain(one)
    assert one.rows_used > 0


def test_errors_come_through_and_a_killed_process_is_told(found: dict[str, Any]) -> None:
    assert found["error"] == "raised here"
    assert "was killed before it had finished" in found["killed"]


@pytest.mark.parametrize("more", [{"limit": 5}, {}])
def test_no_process_is_forked_where_none_is_needed(tmp_path: Path, more: dict[str, Any]) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b"{}\n")
    with row_workers.row_workers(DataConfig(path=str(tmp_path / "rows.jsonl"), **more), 2) as workers:
        assert workers is None
