"""Traps of trainers, where their cases (tests/cases/targets) do not reach: files beside the rows, and many rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsforge.finding import Finding
from dsforge.lint.dry_run import DryRun, dry_run
from dsforge.lint.facts import Settings
from dsforge.lint.rule import all_rules
from dsforge.lint.run import lint
from dsforge.lint.target import for_target
from dsforge.targets.load import all_facts, load_target
from dsforge.targets.profile import Target

TRAPS = {code for code in all_rules() if code.startswith("X9")}
LOCAL = [target for target in all_facts(Target) if target.kind == "local"]
ALPACA = {"instruction": "Translate", "input": "Good morning", "output": "Bonjour"}
TURNS: dict[str, Any] = {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}
HI = {"role": "user", "content": "Hi"}
HELLO = {"role": "assistant", "content": "Hello!"}
CALL: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": [
    {"type": "function", "function": {"name": "weather", "arguments": {"city": "Ulm"}}}]}  # fmt: skip
CLEAR = {"role": "tool", "content": "clear"}
ROLES = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}


def _write(folder: Path, *rows: object, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _describe(folder: Path, **entry: Any) -> None:
    entries = {"other": {"file_name": "other.jsonl", "columns": {}}, "mine": {"file_name": "rows.jsonl", **entry}}
    (folder / "dataset_info.json").write_text(json.dumps(entries), encoding="utf-8")


def _of(path: Path, target: str, code: str, **settings: Any) -> list[Finding]:
    return lint([path], select=[code], settings=for_target(Settings(**settings), target)).findings


def _dry(path: Path, target: str, **settings: Any) -> DryRun:
    return dry_run(lint([path], settings=for_target(Settings(**settings), target)), load_target(target))


# -- which traps run ----------------------------------------------------------------------------------


def test_every_trap_is_of_a_trainer_and_every_trainer_names_traps_that_there_are() -> None:
    assert {code for target in LOCAL for code in target.traps} == TRAPS


@pytest.mark.parametrize("target", LOCAL, ids=lambda target: target.name)
def test_what_is_said_of_rules_is_said_of_rules_that_there_are(target: Target) -> None:
    named = {key.partition("/")[0] for key in target.effects}
    assert {name for name in named if len(name) > 1} <= set(all_rules())
    assert {code for code in named if code.startswith("X9")} <= set(target.traps)


def test_a_trap_is_of_its_trainer_alone(tmp_path: Path) -> None:
    path = _write(tmp_path, {"prompt": "Hi", **TURNS, "system": "Be kind."})
    assert lint([path], select=["X9"]).findings == []
    assert lint([path], select=["X9"], settings=for_target(Settings(), "openai")).findings == []
    found = {target: {one.code for one in lint([path], select=["X9"], settings=for_target(Settings(), target)).findings}
             for target in ("trl", "axolotl", "torchtune")}  # fmt: skip
    assert found == {"trl": {"X914", "X916", "X917", "X927"}, "axolotl": set(), "torchtune": {"X927"}}


# -- LLaMA-Factory's dataset_info.json -----------------------------------------------------------------


def test_columns_that_are_not_listed_are_told_for_each_row_that_has_them(tmp_path: Path) -> None:
    _describe(tmp_path, columns={"prompt": "instruction", "response": "output"})
    path = _write(tmp_path, ALPACA, {**ALPACA, "input": ""}, {**ALPACA, "system": "Be kind."})
    found = _of(path, "llamafactory", "X901")
    assert [(one.row, one.message.partition(": LLaMA")[0]) for one in found] == [
        (1, "dataset_info.json: mine does not list 'input'"),
        (3, "dataset_info.json: mine does not list 'input' and 'system'"),
    ]
    assert found[1].help == 'add "query": "input", "system": "system" to its columns'
    assert _dry(path, "llamafactory").counts["changed"] == 2


def test_without_columns_only_the_main_ones_are_read(tmp_path: Path) -> None:
    _describe(tmp_path, formatting="sharegpt")
    path = _write(tmp_path, {**TURNS, "tools": "[]", "system": "Be kind."}, TURNS)
    assert ["'tools' and 'system'" in one.message or "'system' and 'tools'" in one.message
            for one in _of(path, "llamafactory", "X901")] == [True]  # fmt: skip


def test_a_column_of_another_name_is_listed(tmp_path: Path) -> None:
    _describe(tmp_path, columns={"prompt": "instruction", "query": "input", "response": "output", "system": "input"})
    assert _of(_write(tmp_path, ALPACA), "llamafactory", "X901") == []


@pytest.mark.parametrize(
    ("entry", "rows", "messages"),
    [
        ({"columns": {"prompt": "instruction", "query": "input", "response": "output", "history": "history"}}, [ALPACA],
         ["mine reads history from 'history', which no row has"]),
        ({}, [{"instruction": "Hi", "output": "Hello!"}], ["mine reads query from 'input', which no row has"]),
        ({"columns": {"prompt": "instruction", "query": "input"}}, [ALPACA], ["mine lists no response"]),
        ({"formatting": "sharegpt", "columns": {"system": "system"}}, [{**TURNS, "system": "a"}],
         ["mine lists no messages"]),
        ({"formatting": "sharegpt", "columns": {"messages": "conversations", "system": "system"}},
         [TURNS, {**TURNS, "system": "a"}], []),
        ({"formatting": "sharegpt"}, [TURNS], []),
        ({"ranking": True, "columns": {"prompt": "instruction", "chosen": "chosen", "rejected": "rejected"}},
         [{"instruction": "Hi", "chosen": "Hello!", "rejected": "What?"}], []),
    ],
)  # fmt: skip
def test_columns_that_are_listed_and_not_there(
    tmp_path: Path, entry: dict[str, Any], rows: list[Any], messages: list[str]
) -> None:
    _describe(tmp_path, **entry)
    found = _of(_write(tmp_path, *rows), "llamafactory", "X902")
    told = [one.message.removeprefix("dataset_info.json: ").partition(";")[0] for one in found]
    assert [one.partition(": LLaMA")[0] for one in told] == messages


def test_the_tag_of_call_turns_is_read_as_it_stands(tmp_path: Path) -> None:
    call = {"from": "function_call", "value": '{"name": "f", "arguments": null}'}
    bare = {"conversations": [TURNS["conversations"][0], call]}
    assert _of(_write(tmp_path, bare), "llamafactory", "X908") == []


# -- TRL and unsloth ----------------------------------------------------------------------------------


def test_a_prompt_that_fills_the_limit(tmp_path: Path) -> None:
    long = "word " * 40
    asked = {"role": "user", "content": long}
    pair = {"prompt": [asked], "chosen": [HELLO], "rejected": [{"role": "assistant", "content": "What?"}]}
    texts = [{"prompt": "Hi", "completion": long}, {"prompt": long, "completion": "Hi"}]
    path = _write(tmp_path, *texts, pair, {"messages": [HI, HELLO]})
    assert [one.row for one in _of(path, "trl", "X918", max_tokens=20, tokenizer="approximate")] == [2, 3]
    assert _of(path, "trl", "X918", max_tokens=200, tokenizer="approximate") == []
    assert _of(path, "trl", "X918", tokenizer="approximate") == [], "1,024 by default"
    counts = _dry(_write(tmp_path, *texts), "trl", max_tokens=20, tokenizer="approximate").counts
    assert (counts["cut"], counts["dropped"]) == (1, 1)


def test_every_token_is_told_once(tmp_path: Path) -> None:
    rows = [{"messages": [HI, HELLO]}] * 3 + [{"prompt": [HI], "completion": [HELLO]}]
    (found,) = _of(_write(tmp_path, *rows), "trl", "X917")
    assert (found.row, found.severity) == (1, "info")
    assert found.message.startswith("3 rows are whole conversations")


def test_a_third_field_counts_in_the_first_ten_rows(tmp_path: Path) -> None:
    third = {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!", "weight": 1}]}
    assert [one.row for one in _of(_write(tmp_path, *[TURNS] * 9, third), "unsloth", "X946")] == [10]
    assert _of(_write(tmp_path, *[TURNS] * 10, third), "unsloth", "X946") == []


# -- what a row needs for a closer look ----------------------------------------------------------------


def test_results_by_name_have_no_order_to_keep(tmp_path: Path) -> None:
    both = CALL["tool_calls"] * 2
    row = {"messages": [HI, {**CALL, "tool_calls": both}, CLEAR, CLEAR, HELLO]}
    assert _of(_write(tmp_path, row), "llamafactory", "X912") == []


def test_a_single_flag_of_several_calls_counts_for_all(tmp_path: Path) -> None:
    call = {"role": "tool_call", "content": '{"name": "weather", "arguments": {}}'}
    row = {"messages": [HI, call, {**call, "loss": False}]}
    assert [one.pointer for one in _of(_write(tmp_path, row), "ms-swift", "X934")] == ["/messages/2/loss"]
    assert _of(_write(tmp_path, {"messages": [HI, call, call]}), "ms-swift", "X934") == []
