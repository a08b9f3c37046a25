"""One tokenizer, one LoRA run and one full run, shared by the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dsforge.tokens.template import ChatTemplate
from dsforge.train.config import DataConfig, TinyModel
from dsforge.train.manifest import Manifest
from dsforge.train.quiet import quiet_environment
from tests.train.small import BAD_LINES, KINDS, config, lamp_rows, run, write_rows

quiet_environment()


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from dsforge.train.tiny import build_tokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    rows = write_rows(folder / "rows.jsonl", list(KINDS.values()))
    data = DataConfig(path=str(rows), validation=None, format="auto", limit=None, too_long="cut")
    build_tokenizer(TinyModel(kind="tiny", layers=1, width=64, heads=4, vocabulary=400), data, folder)
    return folder


@pytest.fixture
def tokenizer(tokenizer_folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tokenizer_folder)


@pytest.fixture
def template(tokenizer: Any) -> ChatTemplate:
    return ChatTemplate(tokenizer, tokenizer.chat_template, "the tokenizer's own")


@pytest.fixture(scope="session")
def lora_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A LoRA run with rejects and a validation file; its folder and its manifest."""
    folder = tmp_path_factory.mktemp("lora")
    data = write_rows(folder / "rows.jsonl", lamp_rows(24), BAD_LINES)
    validation = write_rows(folder / "validation.jsonl", lamp_rows(4))
    manifest, _ = run(config(data, folder, f"data.validation={validation}", "trl.num_train_epochs=4"))
    return folder / "small", manifest


@pytest.fixture(scope="session")
def full_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """A full run; its folder and its manifest."""
    folder = tmp_path_factory.mktemp("full")
    data = write_rows(folder / "rows.jsonl", lamp_rows(24))
    manifest, _ = run(config(data, folder, "peft=full", "trl.num_train_epochs=4", "trl.learning_rate=1e-2"))
    return folder / "small", manifest
