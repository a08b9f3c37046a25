"""The trainers' own converters say the same of the cases in tests/cases/targets as `dsforge lint --dry-run` does.

Each row is fed to the trainer's code and compared with the case's `effect`: kept (as it is, or changed, or cut),
untrained, dropped, stops; a case may say by `shows` what then stands in what is trained. Where the two differ the
trainer is right. TRL is that of our own environment; the others need `sh benchmarks/peers.sh`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsforge.train.config import DataConfig, TinyModel
from dsforge.train.quiet import quiet_environment
from tests.peers.judge import ask, needs_peers
from tests.peers.rows import PLAIN, REASONING, TOOLS, write

FOLDER = Path(__file__).parents[1] / "cases" / "targets"
_SEEN = {"changed": "kept", "cut": "kept"}
"""What a converter alone shows of an effect."""
JUDGES = {"llamafactory": "llamafactory", "ms-swift": "swift", "torchtune": "torchtune", "axolotl": "axolotl",
          "nemo": "nemo", "unsloth": "unsloth"}  # fmt: skip
Case = dict[str, Any]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small tokenizer whose template writes roles, calls and reasoning."""
    quiet_environment()
    from dsforge.train.tiny import build_tokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    rows = write(folder / "rows.jsonl", [*PLAIN, *TOOLS, REASONING])
    data = DataConfig(path=str(rows), validation=None, format="auto", limit=None, too_long="cut")
    build_tokenizer(TinyModel(kind="tiny", layers=1, width=32, heads=2, vocabulary=400), data, folder)
    return folder


def _cases(target: str) -> list[Case]:
    """The cases that a converter can judge, each with its rows and what dsforge says of them."""
    cases = yaml.safe_load((FOLDER / f"{target}.yaml").read_text(encoding="utf-8"))
    return [
        {"rows": [case.get("row")], "effect": "kept", "shows": "", **case}
        for verdict in ("accepted", "rejected")
        for case in cases[verdict]
        if case.get("judged", True)
    ]


def _kind(row: Case) -> str:
    """How a row is meant to be trained."""
    if {"chosen", "rejected", "rejected_response", "preferred_output"} & row.keys():
        return "dpo"
    if {"label", "kto_tag"} & row.keys():
        return "kto"
    return "text" if set(row) == {"text"} else "sft"


def _write_cases(cases: list[Case], folder: Path) -> Path:
    path = folder / "cases.json"
    asked = [{"rows": case["rows"], "kind": _kind(case["rows"][0])} for case in cases]
    path.write_text(json.dumps(asked), encoding="utf-8")
    return path


def _compare(cases: list[Case], answers: list[Any]) -> None:
    verdicts = [answer for answer in answers if isinstance(answer, dict) and "verdict" in answer]
    assert len(verdicts) == len(cases)
    differ = [
        f"{case['name']}: dsforge says {case['effect']}, the trainer {answer['verdict']} {answer['why']}"
        for case, answer in zip(cases, verdicts, strict=True)
        if _SEEN.get(case["effect"], case["effect"]) != answer["verdict"]
    ]
    differ += [
        f"{case['name']}: the trainer makes {answer['seen']!r} of it"
        for case, answer in zip(cases, verdicts, strict=True)
        if case["shows"] not in answer["seen"]
    ]
    assert differ == []


@needs_peers
@pytest.mark.parametrize("target", JUDGES)
def test_the_trainer_says_the_same(target: str, tokenizer: Path, tmp_path: Path) -> None:
    cases = _cases(target)
    judge = f"{JUDGES[target]}_rows"
    _compare(cases, ask(judge, tmp_path, _write_cases(cases, tmp_path), tmp_path / "files", tokenizer))


def test_trl_says_the_same(tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.peers.judge.PYTHON", Path(sys.executable))
    cases = _cases("trl")
    _compare(cases, ask("trl_rows", tmp_path, _write_cases(cases, tmp_path), tmp_path / "files", tokenizer))


@needs_peers
def test_llamafactory_reads_dataset_info_as_told(tmp_path: Path) -> None:
    """What is not listed is not read; a role without a tag empties the row; formatting openai adds a prompt."""
    roles = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
    write(tmp_path / "alpaca.jsonl", [{"instruction": "Translate", "input": "Good morning", "output": "Bonjour"}])
    write(tmp_path / "system.jsonl", [{"messages": [{"role": "system", "content": "Be kind."}, *messages]}])
    write(tmp_path / "plain.jsonl", [{"messages": messages}])
    entry = {"columns": {"messages": "messages"}, "tags": roles}
    info = {
        "unlisted": {"file_name": "alpaca.jsonl", "columns": {"prompt": "instruction", "response": "output"}},
        "untagged": {"file_name": "system.jsonl", "formatting": "sharegpt", **entry},
        "openai": {"file_name": "plain.jsonl", "formatting": "openai", **entry},
    }
    (tmp_path / "dataset_info.json").write_text(json.dumps(info), encoding="utf-8")
    unlisted, untagged, openai = ask("llamafactory", tmp_path, tmp_path, *info)
    assert unlisted["_prompt"] == [{"role": "user", "content": "Translate"}]
    assert (untagged["_prompt"], untagged["_response"]) == ([], [])
    assert openai["_system"] == "detailed thinking off"
