"""`convert` from Python: what it counts is what it wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsforge.convert import Reason, convert
from dsforge.errors import OutputError, UsageError


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


SFT = {"instruction": "ask", "input": "about", "output": "answer", "system": "be kind", "note": 7, "category": "x"}
NAMED = {"messages": [{"role": "user", "content": "a", "name": "ana"}, {"role": "assistant", "content": "b"}]}
PLAIN = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}


def _file(folder: Path, *rows: object, name: str = "in.jsonl") -> str:
    path = folder / name
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return str(path)


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_first_row_of_each_loss_is_named(tmp_path: Path) -> None:
    source = _file(tmp_path, PLAIN, "", NAMED, PLAIN, NAMED)
    result = convert([source], tmp_path / "out.jsonl", "alpaca")
    assert result.losses == {"message names": 2}
    assert result.first_lost == {"message names": (source, 3)}


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_loss_is_counted_from_the_beginning_of_the_file(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsforge.engine.chunks.MIN_CHUNK", 500)
    rows = [PLAIN] * 90 + [{"instruction": "a", "input": "b", "output": "c"}] * 2 + [NAMED]
    source = _file(tmp_path, *rows)
    result = convert([source], tmp_path / "out.jsonl", "sharegpt", workers=workers)
    assert result.first_lost == {"boundary of instruction and input": (source, 91), "message names": (source, 93)}


def test_rows_that_would_lose_something_can_be_dropped(tmp_path: Path) -> None:
    source = _file(tmp_path, PLAIN, NAMED, PLAIN)
    result = convert([source], tmp_path / "out.jsonl", "alpaca", on_loss="drop")
    assert (result.rows_in, result.rows_out, result.rows_rejected) == (3, 2, 1)
    assert result.losses == {}
    assert result.reasons == [Reason("S903", "alpaca would lose: message names", 1)]
    assert json.loads(_read(tmp_path / "out.rejects.jsonl")[0]["raw"]) == NAMED


def test_plain_rows_that_would_lose_something_can_be_dropped_too(tmp_path: Path) -> None:
    source = _file(tmp_path, {"instruction": "a", "input": "b", "output": "c"}, {"instruction": "a", "output": "c"})
    result = convert([source], tmp_path / "out.jsonl", "chatml", on_loss="drop")
    assert (result.rows_out, result.rows_rejected) == (1, 1)


@pytest.mark.parametrize("rows", [[PLAIN, NAMED], [PLAIN, {**PLAIN, "label": True}]], ids=["a loss", "a refusal"])
def test_a_loss_can_be_an_error_and_then_nothing_is_written(tmp_path: Path, rows: list[object]) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text("old\n")
    result = convert([_file(tmp_path, *rows)], output, "prompt-completion" if rows[1] == NAMED else "cohere",
                     on_loss="error", manifest=True)  # fmt: skip
    assert not result.written
    assert result.rows_in == result.rows_out + result.rows_rejected == 2
    assert output.read_text() == "old\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_unknown_fields_go_along_or_are_told(tmp_path: Path) -> None:
    source = _file(tmp_path, SFT)
    convert([source], tmp_path / "out.jsonl", "chatml")
    (row,) = _read(tmp_path / "out.jsonl")
    assert (row["note"], row["category"]) == (7, "x")
    result = convert([source], tmp_path / "bare.jsonl", "chatml", keep_extra=False, verify=True)
    (row,) = _read(tmp_path / "bare.jsonl")
    assert row.keys() == {"messages"}
    assert result.losses == {"boundary of instruction and input": 1, "metadata": 1, "unknown row fields": 1}


@pytest.mark.parametrize(
    ("join", "said"),
    [("line", "ask\nabout"), ("blank-line", "ask\n\nabout"), ("none", "askabout")],
)
def test_how_instruction_and_input_join_is_a_choice(tmp_path: Path, join: str, said: str) -> None:
    source = _file(tmp_path, SFT, {"instruction": "ask", "input": "about", "output": "answer"})
    convert([source], tmp_path / "out.jsonl", "chatml", options={"join": join}, verify=True)
    rows = _read(tmp_path / "out.jsonl")
    assert [row["messages"][-2]["content"] for row in rows] == [said, said]
    convert([source], tmp_path / "same.jsonl", "alpaca", options={"join": join}, verify=True)
    assert [(row["instruction"], row["input"]) for row in _read(tmp_path / "same.jsonl")] == [("ask", "about")] * 2


def test_stanfords_prompt_text_goes_both_ways(tmp_path: Path) -> None:
    rows = [
        {"instruction": "ask", "input": "about", "output": "a"},
        {"instruction": "{input}", "input": "", "output": "b"},
    ]
    convert([_file(tmp_path, *rows)], tmp_path / "out.jsonl", "chatml", options={"join": "stanford"}, verify=True)
    said = [row["messages"][0]["content"] for row in _read(tmp_path / "out.jsonl")]
    assert said[0].endswith("### Instruction:\nask\n\n### Input:\nabout\n\n### Response:")
    assert said[1].endswith("### Instruction:\n{input}\n\n### Response:")
    result = convert([str(tmp_path / "out.jsonl")], tmp_path / "back.jsonl", "alpaca", options={"join": "stanford"})
    assert _read(tmp_path / "back.jsonl") == rows
    assert result.losses == {}


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
TOOL_ROW = {
    "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "Let me look.", "reasoning_content": "hm", "tool_calls": [CALL], "weight": 0},
        {"role": "tool", "content": "1", "tool_call_id": "c1"},
        {"role": "assistant", "content": "done", "weight": 1},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
}


@pytest.mark.parametrize(
    ("options", "found", "losses"),
    [
        ({"loss-flag": "loss"}, {"loss": False}, {}),
        ({"loss-flag": "training"}, {"training": False}, {}),
        ({"loss-flag": "loss_weight"}, {"loss_weight": 0}, {}),
        ({"loss-flag": "none"}, {}, {"message weights": 1}),
        ({"reasoning": "thinking"}, {"thinking": "hm"}, {}),
        ({"reasoning": "inline"}, {"content": "<think>\nhm\n</think>\n\nLet me look."}, {}),
        ({"arguments": "object"}, {"tool_calls": [{**CALL, "function": {"name": "f", "arguments": {"a": 1}}}]}, {}),
    ],
    ids=str,
)
def test_fields_of_messages_are_a_choice(
    tmp_path: Path, options: dict[str, str], found: dict[str, Any], losses: dict[str, int]
) -> None:
    source = _file(tmp_path, TOOL_ROW)
    result = convert([source], tmp_path / "out.jsonl", "chatml", options=options, verify=True)
    (row,) = _read(tmp_path / "out.jsonl")
    message = row["messages"][1]
    assert found.items() <= message.items()
    assert result.losses == losses
    assert "weight" in message or "loss-flag" in options
    convert([str(tmp_path / "out.jsonl")], tmp_path / "back.jsonl", "chatml", options={"arguments": "text"})
    if "reasoning" not in options:
        assert (_read(tmp_path / "back.jsonl")[0] == TOOL_ROW) == (not losses)


def test_text_beside_a_call_may_become_a_turn_of_its_own(tmp_path: Path) -> None:
    source = _file(tmp_path, TOOL_ROW)
    options = {"calls": "turns", "system": "turn"}
    result = convert([source], tmp_path / "out.jsonl", "sharegpt", options=options, verify=True)
    (row,) = _read(tmp_path / "out.jsonl")
    assert [turn["from"] for turn in row["conversations"]] == ["human", "gpt", "function_call", "observation", "gpt"]
    assert "text beside tool calls" in result.losses
    convert([source], tmp_path / "one.jsonl", "sharegpt", verify=True)
    (row,) = _read(tmp_path / "one.jsonl")
    assert row["conversations"][1]["value"].endswith('<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>')


def test_a_dialect_is_a_format_with_its_options(tmp_path: Path) -> None:
    result = convert([_file(tmp_path, TOOL_ROW)], tmp_path / "out.jsonl", "axolotl", manifest=True)
    (row,) = _read(tmp_path / "out.jsonl")
    assert [message.get("training") for message in row["messages"]] == [None, False, None, True]
    assert not result.losses
    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    assert manifest["options"]["loss-flag"] == "training"


def test_the_manifest_says_what_was_done_and_chosen(tmp_path: Path) -> None:
    source = _file(tmp_path, SFT, "{oops", NAMED)
    convert([source], tmp_path / "out.jsonl", "chatml", options={"join": "none"}, manifest=True)
    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    size = (tmp_path / "out.jsonl").stat().st_size
    assert manifest["output"] == {"path": str(tmp_path / "out.jsonl"), "bytes": size}
    assert manifest["inputs"] == [{"path": source, "bytes": Path(source).stat().st_size}]
    assert (manifest["rows_in"], manifest["rows_out"], manifest["rows_rejected"]) == (3, 2, 1)
    assert manifest["from"] == {"alpaca": 1, "chatml": 1}
    assert manifest["options"] == {
        "join": "none", "loss-flag": "weight", "reasoning": "reasoning_content", "arguments": "text", "tools": "list",
    }  # fmt: skip
    assert manifest["losses"] == {"boundary of instruction and input": 1}
    assert [reason["code"] for reason in manifest["rejected"]] == ["J001"]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"joint": "line"}, "did you mean 'join'"), ({"join": "lines"}, "did you mean 'line'")],
)
def test_options_that_do_not_exist_are_refused(tmp_path: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        convert([_file(tmp_path, SFT)], tmp_path / "out.jsonl", "chatml", options=options)


def test_verify_finds_a_row_that_was_written_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short way is made to write something else; what stands under the name stays as it was."""
    from dsforge.formats.plain import _Kind

    write = _Kind.write
    monkeypatch.setattr(
        _Kind, "write", lambda kind, texts: write(kind, [text.replace("bad", "worse") for text in texts])
    )
    output = tmp_path / "out.jsonl"
    output.write_text("old\n")
    turn = PLAIN["messages"]
    bad = {"messages": [*turn, turn[0], {"role": "assistant", "content": "bad"}]}
    with pytest.raises(
        OutputError, match=r"in.jsonl:2: row 2 came back different at /messages/3/content: 'bad' became"
    ):
        convert([_file(tmp_path, {"messages": [*turn, *turn]}, bad)], output, "sharegpt", verify=True)
    assert output.read_text() == "old\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


@pytest.mark.parametrize("name", ["out.json", "out.jsonl.gz", "out.jsonl.zst", "out.csv", "out.xlsx", "out.parquet"])
@pytest.mark.parametrize("to", ["chatml", "alpaca", "sharegpt", "turns"])
def test_every_kind_of_file_is_verified(tmp_path: Path, name: str, to: str) -> None:
    rows = [SFT, {"instruction": "b", "output": "=1+1"}, {"instruction": "c", "output": "d", "history": [["e", "f"]]}]
    result = convert([_file(tmp_path, *rows)], tmp_path / name, to, verify=True)
    assert (result.verified, result.rows_out) == (3, 3)
    again = convert([str(tmp_path / name)], tmp_path / "again.jsonl", "alpaca")
    assert again.rows_out == 3
    assert [row["output"] for row in _read(tmp_path / "again.jsonl")] == ["answer", "=1+1", "d"]


def test_a_cell_that_excel_cannot_hold_is_a_rejected_row(tmp_path: Path) -> None:
    rows = [{"instruction": "a", "output": "x" * 40_000}, {"instruction": "b", "output": "x" * 32_767}]
    result = convert([_file(tmp_path, *rows)], tmp_path / "out.xlsx", "alpaca", verify=True)
    assert (result.rows_out, result.rows_rejected) == (1, 1)
    assert "32,767" in result.reasons[0].first
    assert json.loads(_read(tmp_path / "out.rejects.jsonl")[0]["raw"]) == rows[0]


def test_a_row_with_two_conversations_is_refused_unless_the_format_is_named(tmp_path: Path) -> None:
    both = {**PLAIN, "conversations": [{"from": "human", "value": "other"}, {"from": "gpt", "value": "b"}]}
    alpaca = {**PLAIN, "instruction": "a", "output": "b"}
    empty = {**PLAIN, "conversations": []}
    source = _file(tmp_path, both, alpaca, empty)
    result = convert([source], tmp_path / "out.jsonl", "chatml", verify=True)
    assert (result.rows_out, result.rows_rejected, result.verified) == (1, 2, 1)
    assert "has a conversation in 'messages' too" in result.reasons[0].first
    assert _read(tmp_path / "out.jsonl")[0]["messages"] == PLAIN["messages"]
    named = convert([source], tmp_path / "named.jsonl", "chatml", from_format="chatml")
    assert (named.rows_out, named.rows_rejected) == (3, 0)


def test_the_fields_that_are_lost_are_named(tmp_path: Path) -> None:
    row = {"instruction": "a", "output": "b", "note": 1, "category": "x"}
    result = convert([_file(tmp_path, row, row)], tmp_path / "out.jsonl", "cohere", keep_extra=False, manifest=True)
    assert result.lost_fields == {"category": 2, "note": 2}
    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    assert manifest["lost_fields"] == result.lost_fields


@pytest.mark.parametrize("name", ["out.jsonl", "out.json", "out.xlsx", "out.parquet"])
def test_nothing_that_fits_is_verified_as_nothing(tmp_path: Path, name: str) -> None:
    result = convert([_file(tmp_path, {"foo": 1})], tmp_path / name, "chatml", verify=True)
    assert (result.rows_out, result.rows_rejected, result.verified) == (0, 1, 0)
    assert (tmp_path / name).exists()
    assert len(_read(tmp_path / "out.rejects.jsonl")) == 1


def test_a_file_of_the_users_own_is_no_rejects_file(tmp_path: Path) -> None:
    (tmp_path / "out.rejects.jsonl").write_text("mine\n")
    with pytest.raises(OutputError, match="is no rejects file of dsforge"):
        convert([_file(tmp_path, "{oops")], tmp_path / "out.jsonl", "chatml")
    assert (tmp_path / "out.rejects.jsonl").read_text() == "mine\n"
