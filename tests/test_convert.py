"""`convert` from Python: what it counts is what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsforge.convert import Reason, convert
from dsforge.errors import UsageError


def test_the_result_says_what_happened(tmp_path: Path) -> None:
    source = tmp_path / "in.json"
    call = {"name": "f", "arguments": {}}
    rows = [
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "tools": "[]"},
        {"conversations": [{"from": "human", "value": "a"}, {"from": "function_call", "value": json.dumps(call)}]},
        {"instruction": "a", "input": "b", "output": "c"},
        {"conversations": [{"from": "martian", "value": "a"}]},
    ]
    source.write_text(json.dumps(rows))
    result = convert([str(source)], tmp_path / "out.jsonl", "alpaca")
    assert result.formats == {"alpaca": 1, "sharegpt": 2}
    assert (result.rows_in, result.rows_out, result.rows_rejected) == (4, 2, 2)
    assert result.losses == {}
    assert result.reasons[0] == Reason("S902", "alpaca cannot hold: tool calls", 1)
    assert (result.reasons[1].code, result.reasons[1].rows) == ("S103", 1)
    assert result.reasons[1].first.startswith("/conversations/0/from is 'martian'")


def test_unknown_target(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'sharegpt'"):
        convert([str(tmp_path / "in")], tmp_path / "out", "shargpt")


def test_no_row_makes_an_empty_array(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("{oops\n")
    convert([str(tmp_path / "in.jsonl")], tmp_path / "out.json", "chatml")
    assert json.loads((tmp_path / "out.json").read_text()) == []
