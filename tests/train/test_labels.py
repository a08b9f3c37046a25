"""What is trained: token by token what TRL itself would train on, and nothing but the assistant's words."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from dsforge.errors import RowError
from dsforge.formats.read import decode_row
from dsforge.tokens.template import IGNORED, ChatTemplate
from dsforge.train.recipe import Material
from dsforge.train.run import prepared
from dsforge.train.token_rows import TokenRows
from dsforge.train.trainer import build_trainer
from tests.train.small import KINDS, config, write_rows


def _ours(template: ChatTemplate, row: dict[str, Any]) -> tuple[list[int], list[int]]:
    _, example = decode_row(row)
    [encoded] = template.encode([template.render(example)])
    return encoded.input_ids, encoded.labels


def _stretches(template: ChatTemplate, row: dict[str, Any]) -> list[str]:
    ids, labels = _ours(template, row)
    pieces: list[list[int]] = [[]]
    for token, label in zip(ids, labels, strict=True):
        assert label in (IGNORED, token)
        if label != IGNORED:
            pieces[-1].append(token)
        elif pieces[-1]:
            pieces.append([])
    return [template.tokenizer.decode(piece) for piece in pieces if piece]


def _for_trl(row: dict[str, Any]) -> dict[str, Any]:
    """The row as TRL's documentation wants it: arguments as objects, tools as JSON text, no weights."""
    row = copy.deepcopy(row)
    for message in row["messages"]:
        message.pop("weight", None)
        for call in message.get("tool_calls", []):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return {"messages": row["messages"], "tools": json.dumps(row.get("tools", []))}


def _trl(tokenizer: Any, rows: list[dict[str, Any]], folder: Path, **arguments: Any) -> Any:
    """A trainer that TRL prepares from the messages, without any of our code."""
    from datasets import Dataset, Features, Json, List, Value
    from transformers import Qwen3Config, Qwen3ForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = Qwen3ForCausalLM(Qwen3Config(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=32,
                                         num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
                                         head_dim=16))  # fmt: skip
    return SFTTrainer(
        model=model,
        args=SFTConfig(output_dir=str(folder), assistant_only_loss=True, use_cpu=True, bf16=False, report_to="none",
                       disable_tqdm=True, **arguments),
        train_dataset=Dataset.from_list(
            [_for_trl(row) for row in rows],
            features=Features({"messages": List(Json()), "tools": Value("string")}),
        ),
        processing_class=tokenizer,
    )  # fmt: skip


def test_labels_are_those_of_trl(template: ChatTemplate, tmp_path: Path) -> None:
    """Tools, several turns, reasoning, Chinese and an emoji: every token and every label of all rows."""
    rows = [row for name, row in KINDS.items() if name != "weights"]
    theirs = _trl(template.tokenizer, rows, tmp_path).train_dataset
    assert [(row["input_ids"], row["labels"]) for row in theirs] == [_ours(template, row) for row in rows]


def test_cut_rows_are_cut_as_trl_cuts_them(tmp_path: Path) -> None:
    """TRL cuts, and drops what has nothing left to train in silence; we count both."""
    rows = [row for name, row in KINDS.items() if name != "weights"]
    data = write_rows(tmp_path / "rows.jsonl", rows)
    with prepared(config(write_rows(tmp_path / "turns.jsonl", [KINDS["turns"]]), tmp_path)) as ready:
        length = ready.training.longest - 10  # some rows lose a little, those with tools all that is trained
    with prepared(config(data, tmp_path, f"trl.max_length={length}")) as ready:
        found, template = ready.training, ready.template
        theirs = _trl(template.tokenizer, rows, tmp_path, max_length=length).train_dataset
        assert list(found.rows) == [(row["input_ids"], row["labels"]) for row in theirs]
        assert found.over_length == sum(len(_ours(template, row)[0]) > length for row in rows) > len(found.rejects) > 0
    full = sum(label != IGNORED for row in rows for label in _ours(template, row)[1])
    assert found.trained + found.cut_trained == full


def test_batches_are_those_of_trl(tmp_path: Path) -> None:
    """What reaches the model: ids, labels and attention mask of a padded batch are equal."""
    import torch

    rows = [row for name, row in KINDS.items() if name != "weights"]
    data = write_rows(tmp_path / "rows.jsonl", rows)
    with prepared(config(data, tmp_path, "peft=full", "trl.max_length=1024")) as ready:
        trl = _trl(ready.template.tokenizer, rows, tmp_path, max_length=1024)
        material = Material(ready.config, trl.model, ready.template.tokenizer, ready.training.rows, None, tmp_path)
        ours = build_trainer(ready.recipe, material, lambda step: None)
    theirs, mine = (
        trainer.data_collator([{name: row[name] for name in ("input_ids", "labels")} for row in trainer.train_dataset])
        for trainer in (trl, ours)
    )
    assert set(theirs) == set(mine) >= {"input_ids", "labels", "attention_mask"}
    assert all(torch.equal(theirs[name], mine[name]) for name in theirs)
    assert bool((mine["labels"][mine["attention_mask"] == 0] == IGNORED).all())


@pytest.mark.parametrize(
    ("name", "trained"),
    [
        ("plain", ["On the table. 在桌子上。💡<|im_end|>"]),
        ("system", ["On the table. 在桌子上。💡<|im_end|>"]),
        ("turns", ["Good morning!<|im_end|>", "Yes, within two days.<|im_end|>"]),
        ("weights", ["Four.<|im_end|>"]),
        ("reasoning", ["<think>\n9 is 3 times 3.\n</think>\n\nNo.<|im_end|>"]),
        (
            "weather",
            [
                '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call><|im_end|>',
                "It is 18 degrees in Paris.<|im_end|>",
            ],
        ),
        (
            "time",
            [
                'One moment.\n<tool_call>\n{"name": "time", "arguments": {"tz": "Asia/Tokyo", "at": {"h": 24}}}\n'
                "</tool_call><|im_end|>",
                "Half past nine.<|im_end|>",
            ],
        ),
    ],
)
def test_only_the_assistant_is_trained(template: ChatTemplate, name: str, trained: list[str]) -> None:
    assert _stretches(template, KINDS[name]) == trained


def test_no_key_of_another_row_leaks_into_a_tool_call(tmp_path: Path) -> None:
    """Arrow would unite the two tools' arguments and train `"tz": null`; integers cannot be united."""
    data = write_rows(tmp_path / "rows.jsonl", [KINDS["weather"], KINDS["time"]])
    with prepared(config(data, tmp_path, "trl.max_length=null")) as ready:
        dataset = ready.training.rows.dataset()
        assert dataset.column_names == ["input_ids", "labels", "length"]
        texts = [ready.template.tokenizer.decode(row["input_ids"]) for row in dataset]
    assert '{"city": "Paris"}' in texts[0]
    assert '{"tz": "Asia/Tokyo", "at": {"h": 24}}' in texts[1]
    assert not any("null" in text for text in texts)


def test_the_dataset_holds_what_was_appended() -> None:
    rows = TokenRows()
    rows.append([1, 2, 3], [IGNORED, 2, 3])
    rows.append([7], [7])
    assert [(row["input_ids"], row["labels"]) for row in rows.dataset()] == list(rows)
    assert (len(rows), rows.longest, rows.largest_id) == (2, 3, 7)
    with pytest.raises(ValueError):
        rows.append([1], [])


def test_weights_that_cannot_be_told_apart_are_refused(template: ChatTemplate) -> None:
    """A template that marks one stretch for two messages: which of them has weight 0 is anyone's guess."""
    lumped = "{% generation %}{% for m in messages %}{{ m.content }}{% endfor %}{% endgeneration %}"
    _, example = decode_row(KINDS["weights"])
    with pytest.raises(RowError, match="cannot be told"):
        ChatTemplate(template.tokenizer, lumped, "test").render(example)
