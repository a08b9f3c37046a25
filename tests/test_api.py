"""`dsforge.augment` as a function: examples in memory, files and documents, in a notebook too."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

import dsforge
from dsforge.example import Example, Message, ToolCall
from tests.augment.faulty_server import Reply, serving
from tests.augment.test_methods import CHINESE, NEW, ROW, always, in_turn

EVOLVED = json.dumps(NEW)


def client(url: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=url, api_key="key-of-nine")


def test_rows_and_examples_become_examples(tmp_path: Path) -> None:
    example = Example(
        [Message("user", "How is a chair painted?"), Message("assistant", "With a brush.")], meta={"id": "c"}
    )

    def answer(prompt: str, times: int) -> Reply:
        if "<seed>" in prompt and "台灯" in prompt:
            return Reply(json.dumps({"instruction": "落地灯可以调光吗？", "answer": "可以。"}, ensure_ascii=False))
        return Reply(
            EVOLVED if "lamp" in prompt else json.dumps({**NEW, "instruction": "What glue holds oak and ash?"})
        )

    with serving(answer) as server:
        made = dsforge.augment(
            [ROW, example, {"no": "row"}, CHINESE], method="evolve", model="m", client=client(server.url)
        )
        assert {f"Bearer {key}" for key in ("key-of-nine",)} == server.log.keys
    assert [each.messages[-2].text for each in made.examples] == [
        NEW["instruction"], "What glue holds oak and ash?", "落地灯可以调光吗？",
    ]  # fmt: skip
    assert made.examples[1].meta["id"] == "c-evolve-1"
    assert made.examples[1].meta["provenance"]["source_row"] == 2
    assert (made.result.rows_in, made.result.rows_kept, made.result.rows_rejected) == (4, 3, 1)
    assert [(reject.row, reject.code) for reject in made.rejects] == [(3, "S101")]


def test_examples_are_written_back_as_they_were(tmp_path: Path) -> None:
    """A method that changes rows in their place gives everything else back: tools, labels, pairs, unknown fields."""
    whole = Example(
        [Message("user", "As asked", weight=0.5), Message("assistant", tool_calls=[ToolCall("f", {"x": 1}, None, "1")]),
         Message("tool", "5", tool_call_id="1"), Message("assistant", "Five.", reasoning="5 is 5")],
        tools=[{"type": "function", "function": {"name": "f"}}], label=True, meta={"id": 7}, extra={"z": [None, 1.5]},
    )  # fmt: skip
    pair = Example([Message("user", "a")], chosen=[Message("assistant", "b")], rejected=[Message("assistant", "c")])
    with serving(always('{"reason": "", "score": 4}')) as server:
        made = dsforge.augment([whole, pair], method="judge", model="m", client=client(server.url))
    for before, after in zip([whole, pair], made.examples, strict=True):
        assert after.meta.pop("judge")["score"] == 4
        assert after == before


def test_in_a_notebook_and_with_money_and_a_journal(tmp_path: Path) -> None:
    async def cell() -> Any:
        return dsforge.augment(
            [ROW], method="evolve", model="m", client=client(server.url), journal=tmp_path / "j", budget="1USD",
            price_in="1USD", price_out="1USD",
        )  # fmt: skip

    with serving(always(EVOLVED)) as server:
        first, second = asyncio.run(cell()), asyncio.run(cell())
        assert len(server.log.bodies) == 1
    assert first.examples == second.examples
    assert first.result.spent > 0
    assert (second.result.spent, second.result.from_journal) == (0, 1)


def test_lint_and_repair(tmp_path: Path) -> None:
    bad = {"messages": [{"role": "user", "content": "Sing."}, {"role": "assistant", "content": "As an AI, I cannot."}]}
    with serving(in_turn(json.dumps(["Sing.", "La la la, so sings the lamp."]))) as server:
        made = dsforge.augment([bad, ROW], method="repair", model="m", client=client(server.url))
    assert [each.messages[-1].text for each in made.examples] == ["La la la, so sings the lamp.", "Four to six days."]
    leaking = json.dumps({**NEW, "answer": "The key is sk-proj-" + "aB3dE6gH9" * 6})
    with serving(always(leaking)) as server:
        kept = dsforge.augment([ROW], method="evolve", model="m", client=client(server.url), lint=False)
        dropped = dsforge.augment([ROW], method="evolve", model="m", client=client(server.url))
    assert (len(kept.examples), len(dropped.examples)) == (1, 0)
    assert next(iter(dropped.result.dropped)).startswith("lint: ")


def test_a_document(tmp_path: Path) -> None:
    (tmp_path / "m.md").write_text("# Lamp\n\nWipe it with a dry cloth.\n")
    with serving(always('{"question": "How is the lamp wiped?", "answer": "Dry."}')) as server:
        made = dsforge.augment(tmp_path, method="document", model="m", client=client(server.url))
    assert [message.text for message in made.examples[0].messages] == ["How is the lamp wiped?", "Dry."]


def test_formats_categories_and_half_characters(tmp_path: Path) -> None:
    rows = [{**ROW, "meta": {"topic": topic}, "id": str(at)} for at, topic in enumerate(["a", "a", "b"])]
    half = {"messages": [{"role": "user", "content": "half \ud83d"}, {"role": "assistant", "content": "x"}]}
    with serving(always(EVOLVED)) as server:
        made = dsforge.augment(rows, method="fill", by="meta.topic", model="m", client=client(server.url))
        assert (made.result.requests, made.result.rows_kept) == (1, 1)
        made = dsforge.augment([half, ROW], method="evolve", model="m", to_format="alpaca", client=client(server.url))
    assert [reject.code for reject in made.rejects] == ["J011"]
    assert [each.messages[-1].text for each in made.examples] == [NEW["answer"]]
    with pytest.raises(dsforge.DsforgeError, match="not NoneType"):
        dsforge.augment([None], method="evolve", model="m", client=client("http://h"))  # type: ignore[list-item]


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(dsforge.DsforgeError, match="no key"):
        dsforge.augment([ROW], method="evolve", model="m", client="http://127.0.0.1:9/v1")
    with serving() as server, pytest.raises(dsforge.DsforgeError, match="name a model"):
        dsforge.augment([ROW], method="evolve", client=client(server.url))
    with pytest.raises(dsforge.DsforgeError, match="no method 'evolv'; did you mean 'evolve'"):
        dsforge.augment([ROW], method="evolv", model="m", client=client("http://127.0.0.1:9/v1"))


@pytest.mark.parametrize("before", ["", "import dsforge.augment.run; ", "import dsforge.augment; "])
def test_the_name_is_a_function_whatever_was_imported_before(before: str) -> None:
    script = (
        f"{before}import dsforge; print(callable(dsforge.augment)); dsforge.augment([], method='x', client='http://h')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={"OPENAI_API_KEY": "none"}
    )
    assert done.stdout == "True\n"
    assert "no method 'x'" in done.stderr
