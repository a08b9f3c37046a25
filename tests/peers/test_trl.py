"""TRL's trainers take what dsforge writes as it is: SFT, DPO and KTO, from `load_dataset` to a step of training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsforge.convert import convert
from dsforge.train.config import DataConfig, TinyModel
from dsforge.train.quiet import quiet_environment
from tests.peers.rows import LABELLED, PAIRS, PARALLEL, PLAIN, REASONING, TOOLS, Row, write
from tests.shared_data import real_files

quiet_environment()
IGNORED = -100
REAL = {path.name: path for path in real_files()}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    from dsforge.train.tiny import build_tokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    rows = write(folder / "rows.jsonl", [*PLAIN, *TOOLS, REASONING])
    data = DataConfig(path=str(rows), validation=None, format="auto", limit=None, too_long="cut")
    build_tokenizer(TinyModel(kind="tiny", layers=1, width=32, heads=2, vocabulary=400), data, folder)
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def model(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder: DPO and KTO load the reference model from where the model came."""
    from dsforge.train.tiny import build_model

    folder = tmp_path_factory.mktemp("model")
    build_model(TinyModel(kind="tiny", layers=1, width=32, heads=2, vocabulary=400), tokenizer, folder)
    return str(folder)


def _load(path: Path) -> Any:
    """The file as a user of TRL loads it."""
    import datasets

    datasets.disable_progress_bars()
    return datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(path.parent / "cache"))


def _trainer(kind: str, model: str, tokenizer: Any, data: Any, folder: Path, **arguments: Any) -> Any:
    """The trainer of TRL, with its own defaults but for size."""
    import trl

    config = getattr(trl, f"{kind}Config")(
        output_dir=str(folder), max_steps=1, per_device_train_batch_size=2, use_cpu=True, bf16=False, report_to="none",
        disable_tqdm=True, save_strategy="no", **arguments,
    )  # fmt: skip
    return getattr(trl, f"{kind}Trainer")(model=model, args=config, train_dataset=data, processing_class=tokenizer)


def _converted(tmp_path: Path, rows: list[Row], **options: str) -> Path:
    source, output = write(tmp_path / "source.jsonl", rows), tmp_path / "rows.jsonl"
    result = convert([str(source)], output, "trl", options=options)
    assert (result.rows_out, result.rows_rejected) == (len(rows), 0)
    return output


def _as_written(tokenizer: Any, messages: list[Row], tools: list[Row]) -> str:
    """A conversation as the template writes it, straight from the row it was."""
    chat = [
        {key: value for key, value in message.items() if key in ("role", "content", "reasoning_content")}
        | ({"tool_calls": _calls(message)} if "tool_calls" in message else {})
        for message in messages
    ]
    text: str = tokenizer.apply_chat_template(chat, tools=tools or None, tokenize=False)
    return text


def _calls(message: Row) -> list[Row]:
    return [
        {"type": "function", "function": {**call["function"], "arguments": json.loads(call["function"]["arguments"])}}
        for call in message["tool_calls"]
    ]


def test_sft_trains_the_answers_of_plain_rows(model: str, tokenizer: Any, tmp_path: Path) -> None:
    trainer = _trainer("SFT", model, tokenizer, _load(_converted(tmp_path, PLAIN)), tmp_path)
    assert len(trainer.train_dataset) == len(PLAIN)
    for seen, row in zip(trainer.train_dataset, PLAIN, strict=True):
        trained = [token for token, label in zip(seen["input_ids"], seen["labels"], strict=True) if label != IGNORED]
        assert tokenizer.decode(seen["input_ids"]) == _as_written(tokenizer, row["messages"], [])
        assert tokenizer.decode(trained).removesuffix("\n") == row["messages"][-1]["content"] + "<|im_end|>"
    assert trainer.train().training_loss > 0


def test_sft_sees_tools_calls_and_reasoning(model: str, tokenizer: Any, tmp_path: Path) -> None:
    """Calls whose arguments have different keys make no keys of one another's."""
    rows = [*TOOLS, PARALLEL, REASONING]
    trainer = _trainer("SFT", model, tokenizer, _load(_converted(tmp_path, rows)), tmp_path)
    texts = [tokenizer.decode(seen["input_ids"]) for seen in trainer.train_dataset]
    assert texts == [_as_written(tokenizer, row["messages"], row.get("tools", [])) for row in rows]
    assert trainer.train().training_loss > 0


def test_sft_takes_whole_conversations(model: str, tokenizer: Any, tmp_path: Path) -> None:
    data = _load(_converted(tmp_path, PLAIN, conversation="messages"))
    trainer = _trainer("SFT", model, tokenizer, data, tmp_path, assistant_only_loss=True)
    texts = [tokenizer.decode(seen["input_ids"]) for seen in trainer.train_dataset]
    assert texts == [_as_written(tokenizer, row["messages"], []) for row in PLAIN]


def test_dpo_takes_pairs(model: str, tokenizer: Any, tmp_path: Path) -> None:
    trainer = _trainer("DPO", model, tokenizer, _load(_converted(tmp_path, PAIRS)), tmp_path)
    assert len(trainer.train_dataset) == len(PAIRS)
    for seen, row in zip(trainer.train_dataset, PAIRS, strict=True):
        for side in ("chosen", "rejected"):
            text = tokenizer.decode(seen["prompt_ids"] + seen[f"{side}_ids"])
            assert text == _as_written(tokenizer, [*row["messages"], row[side]], [])
    assert trainer.train().training_loss > 0


def test_kto_takes_labelled_rows(model: str, tokenizer: Any, tmp_path: Path) -> None:
    trainer = _trainer("KTO", model, tokenizer, _load(_converted(tmp_path, LABELLED)), tmp_path)
    assert [bool(label) for label in trainer.train_dataset["label"]] == [row["label"] for row in LABELLED]
    for seen, row in zip(trainer.train_dataset, LABELLED, strict=True):
        text = tokenizer.decode(seen["prompt_ids"] + seen["completion_ids"])
        assert text == _as_written(tokenizer, row["messages"], [])
    assert trainer.train().training_loss > 0


@pytest.mark.parametrize("name", ["alpaca_zh_demo.json", "dpo_en_demo.json", "kto_en_demo.json"])
def test_published_rows_load_whole_and_as_conversations(tmp_path: Path, name: str) -> None:
    from trl.data_utils import is_conversational

    if name not in REAL:
        pytest.skip("the public data is not here")
    output = tmp_path / "rows.jsonl"
    result = convert([str(REAL[name])], output, "trl")
    data = _load(output)
    assert len(data) == result.rows_out == result.rows_in
    assert is_conversational(data[0])
    assert not any(message["content"] is None for message in data[0]["prompt"])
