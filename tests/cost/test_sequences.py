"""Tokens as the trainer counts them: equal to TRL's own, and to the lengths of the rows it trains on."""

import json
from pathlib import Path
from typing import Any

import pytest

from dsforge.cost.count import count_tokens
from dsforge.tokens.sequences import has_template
from dsforge.train.config import DataConfig, TinyModel
from dsforge.train.tiny import build_model, build_tokenizer

ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": f"Where is parcel {number}? 我的包裹在哪里?"},
                  {"role": "assistant", "content": "On its way. " * (number % 7 + 1)}]}
    for number in range(40)
]  # fmt: skip
ROWS += [
    {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"},
                  {"role": "assistant", "content": "Hello", "weight": 0}, {"role": "user", "content": "Bye"},
                  {"role": "assistant", "content": "Goodbye 👋"}]},
    {"messages": [{"role": "user", "content": "What is the weather?"},
                  {"role": "assistant", "content": "", "tool_calls": [
                      {"id": "1", "type": "function",
                       "function": {"name": "weather", "arguments": "{\"city\": \"Graz\"}"}}]},
                  {"role": "tool", "tool_call_id": "1", "content": "sun"},
                  {"role": "assistant", "content": "Sunny."}],
     "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]},
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with its own tokenizer, and the rows."""
    pytest.importorskip("trl", reason="the train extra is not installed")
    import torch
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("model")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    model = TinyModel(kind="tiny", layers=1, width=32, heads=2, vocabulary=600)
    data = DataConfig(path=str(folder / "rows.jsonl"), format="auto", validation=None, limit=None, too_long="cut")
    build_tokenizer(model, data, folder / "model")
    torch.manual_seed(1)
    build_model(model, AutoTokenizer.from_pretrained(folder / "model"), folder / "model")
    return folder


@pytest.mark.parametrize("workers", [1, 2])
def test_as_many_tokens_as_trl_counts_while_it_trains(folder: Path, tmp_path: Path, workers: int) -> None:
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    count = count_tokens([str(folder / "rows.jsonl")], str(folder / "model"), workers=workers)
    assert len(count.sequences) == len(count.columns) == len(ROWS)
    assert count.refused == 0

    def row_for_trl(row: dict[str, Any]) -> dict[str, Any]:
        messages = [{key: value for key, value in message.items() if key != "weight"} for message in row["messages"]]
        for message in messages:
            for call in message.get("tool_calls", ()):
                call["function"] = {**call["function"], "arguments": json.loads(call["function"]["arguments"])}
        return {"messages": messages, "tools": row.get("tools")}

    trainer = SFTTrainer(
        AutoModelForCausalLM.from_pretrained(folder / "model"),
        args=SFTConfig(str(tmp_path), num_train_epochs=1, per_device_train_batch_size=8, max_length=None,
                       assistant_only_loss=True, report_to=[], use_cpu=True, logging_steps=1, save_strategy="no"),
        train_dataset=Dataset.from_list([row_for_trl(json.loads(json.dumps(row))) for row in ROWS]),
        processing_class=AutoTokenizer.from_pretrained(folder / "model"),
    )  # fmt: skip
    assert list(count.sequences["tokens"]) == [len(row["input_ids"]) for row in trainer.train_dataset]
    trainer.train()
    seen = [entry["num_tokens"] for entry in trainer.state.log_history if "num_tokens" in entry]
    assert sum(count.sequences["tokens"]) == seen[-1]
    trained = [sum(label != -100 for label in row["labels"]) for row in trainer.train_dataset]
    ours = list(count.sequences["trained"])
    weighted = 40  # TRL trains its answer of weight 0 too
    assert ours[:weighted] + ours[weighted + 1 :] == trained[:weighted] + trained[weighted + 1 :]
    assert 0 < ours[weighted] < trained[weighted]


def test_a_pair_makes_two_sequences_of_which_the_answers_are_trained(folder: Path, tmp_path: Path) -> None:
    ask = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "?"},
    ]
    answers = [[{"role": "assistant", "content": text}] for text in ("Yes indeed, it is so", "No")]
    pair = {"messages": ask, "chosen": answers[0], "rejected": answers[1]}
    alone = [{"messages": [*ask, *answer]} for answer in answers]
    for message in (row["messages"][1] for row in alone):
        message["weight"] = 0
    counts = []
    for name, rows in (("pair", [pair]), ("alone", alone)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        counts.append(count_tokens([str(tmp_path / f"{name}.jsonl")], str(folder / "model")).sequences)
    for field in ("tokens", "trained"):
        assert list(counts[0][field]) == [sum(counts[1][field])]
    assert list(counts[0]["longest"]) == [max(counts[1]["longest"])]


def test_a_row_that_the_template_refuses_is_told(folder: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"messages": [{"role": "user", "content": "nobody answers"}]}\n' + json.dumps(ROWS[0]) + "\n")
    count = count_tokens([str(rows)], str(folder / "model"))
    assert (count.refused, count.sequences["tokens"][0]) == (1, 0)
    assert "no assistant message" in count.reason


def test_a_folder_without_a_template_counts_texts_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((folder / "model" / "tokenizer.json").read_bytes())
    assert has_template(folder / "model")
    assert not has_template(tmp_path)
    count = count_tokens([str(folder / "rows.jsonl")], str(tmp_path))
    assert len(count.sequences) == 0
    assert sum(count.columns["total"]) > 0
