"""The trainers' own parsers take what `dsforge export` writes, and their own code reads its rows as they were.

LLaMA-Factory's arguments and converter, ms-swift's argument dataclasses and loader, axolotl's schema and strategies,
NeMo Automodel's typed configuration and dataset, torchtune's configurations and messages run in the peers' environment
(`sh benchmarks/peers.sh`); TRL, with a step of training, in ours.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dsforge.cli.export import look
from dsforge.train.config import DataConfig, TinyModel
from dsforge.train.export import export_run
from dsforge.train.quiet import quiet_environment
from tests.peers.judge import ask, needs_peers
from tests.peers.rows import LABELLED, PAIRS, PLAIN, REASONING, TOOLS, Row, said
from tests.train.exported import config_of, write

quiet_environment()
ROWS = [*PLAIN, *TOOLS]
VALIDATION = [REASONING]
DATA: dict[str, list[Row]] = {"sft": ROWS, "dpo": PAIRS, "orpo": PAIRS, "reward": PAIRS, "kto": LABELLED}
OURS = ("peft=lora", "peft.r=24", "peft.lora_alpha=48", "trl.learning_rate=3e-4", "trl.max_length=777", "run.seed=7",
        "trl.warmup_steps=0.1", "run.name=named-run.v1")  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model in a folder that is called as a real one: ms-swift tells the model by the name."""
    from transformers import AutoTokenizer

    from dsforge.train.tiny import build_model, build_tokenizer

    folder = tmp_path_factory.mktemp("models") / "Qwen3-0.6B"
    folder.mkdir()
    rows = write(folder.parent / "rows.jsonl", [*PLAIN, *TOOLS, REASONING])
    tiny = TinyModel(kind="tiny", layers=1, width=32, heads=2, vocabulary=400)
    build_tokenizer(
        tiny, DataConfig(path=str(rows), validation=None, format="auto", limit=None, too_long="cut"), folder
    )
    build_model(tiny, AutoTokenizer.from_pretrained(folder), folder)
    return folder


def _exported(trainer: str, method: str, model: Path, folder: Path, *overrides: str) -> Path:
    """The exported folder, through lint as a user exports."""
    data = write(folder / "rows.jsonl", DATA[method])
    validation = write(folder / "validation.jsonl", VALIDATION) if method == "sft" else None
    config = config_of(data, f"model.path={model}", *OURS, *overrides, method=method, validation=validation)
    result = export_run(config, trainer, folder / "out", look)
    assert result.looked.errors == []
    assert (result.rows_out, result.rows_rejected) == (len(DATA[method]) + (method == "sft"), 0)
    return folder / "out"


def _answers(trainer: str, folder: Path, *arguments: str) -> tuple[Row, list[Row]]:
    told, *rows = [answer for answer in ask(f"{trainer}_export", folder, *arguments) if isinstance(answer, dict)]
    return told, rows


def _check(told: Row) -> None:
    assert told["lora"] == [24, 48, 0.0]
    assert (told["learning_rate"], told["seed"], told["warmup"]) == (3e-4, 7, 10)
    assert told["output_dir"].endswith("runs/named-run.v1")


@needs_peers
@pytest.mark.parametrize("method", DATA)
def test_llamafactory(method: str, model: Path, tmp_path: Path) -> None:
    told, rows = _answers("llamafactory", _exported("llamafactory", method, model, tmp_path))
    _check(told)
    assert (told["model"], told["cutoff_len"], told["type"]) == (str(model), 777, "lora")
    stages = {"sft": "sft", "dpo": "dpo", "orpo": "dpo", "reward": "rm", "kto": "kto"}
    assert told["stage"] == stages[method]
    assert told["loss"] == ("orpo" if method == "orpo" else "sigmoid")
    assert len(rows) == len(DATA[method]) + (method == "sft")
    for row, source in zip(rows, DATA[method], strict=False):
        system = [["system", row["_system"]]] if row["_system"] else []
        seen = system + [[turn["role"], turn["content"]] for turn in row["_prompt"] + row["_response"]]
        if method == "kto":  # an empty turn stands for the answer that there is not
            seen = [turn for turn in seen if turn[1]]
        if "tools" not in source:
            assert seen == said(source)


@needs_peers
@pytest.mark.parametrize("method", DATA)
def test_ms_swift(method: str, model: Path, tmp_path: Path) -> None:
    folder = _exported("ms-swift", method, model, tmp_path)
    told, rows = _answers("swift", folder, "sft" if method == "sft" else "rlhf")
    _check(told)
    assert (told["model"], told["max_length"], told["type"]) == (str(model), 777, "lora")
    assert (told["strict"], told["truncation"]) == (True, "right")
    types = {"sft": None, "dpo": "dpo", "orpo": "orpo", "reward": "rm", "kto": "kto"}
    assert told["rlhf_type"] == types[method]
    assert len(rows) == len(DATA[method]) + (method == "sft")
    for row, source in zip(rows, DATA[method], strict=False):
        if "tools" not in source:
            wanted = said(source, "messages", "chosen") if "chosen" in source else said(source)
            assert said(row) == wanted


@needs_peers
@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_axolotl(method: str, model: Path, tmp_path: Path) -> None:
    told, rows = _answers("axolotl", _exported("axolotl", method, model, tmp_path))
    assert told["strange"] == []
    assert [told["lora_r"], told["lora_alpha"], told["sequence_len"], told["warmup_ratio"]] == [24, 48, 777, 0.1]
    assert (told["learning_rate"], told["seed"], told["output_dir"]) == (3e-4, 7, "runs/named-run.v1")
    assert len(rows) == len(DATA[method]) + (method == "sft")
    for row, source in zip(rows, DATA[method], strict=False):
        if method == "sft":
            answers = [message for message in source["messages"] if message["role"] == "assistant"]
            assert row["trained"].count("<|im_end|>") == len(answers)
            assert all(answer["content"] in row["trained"] for answer in answers)
            assert not any(each["content"] in row["trained"] for each in source["messages"] if each["role"] == "user")
        else:
            assert row["chosen"] == source["chosen"]["content"] + "<|im_end|>"
            assert row["rejected"] == source["rejected"]["content"] + "<|im_end|>"


@needs_peers
def test_axolotl_takes_a_template_of_ours(model: Path, tmp_path: Path) -> None:
    _, rows = _answers("axolotl", _exported("axolotl", "sft", model, tmp_path, "model.template=chatml"))
    assert [row["trained"].count("<|im_end|>") > 0 for row in rows] == [True] * len(rows)


@needs_peers
def test_nemo(model: Path, tmp_path: Path) -> None:
    told, rows = _answers("nemo", _exported("nemo", "sft", model, tmp_path))
    assert (told["model"], told["lora"], told["learning_rate"]) == (str(model), [24, 48, 0.0], 3e-4)
    assert (told["epochs"], told["batch"], told["seed"], told["warmup"]) == (3, 4, 7, 1)
    assert (told["betas"], told["output_dir"], told["loss"]) == (
        [0.9, 0.999], "runs/named-run.v1", "MaskedCrossEntropyConfig",
    )  # fmt: skip
    assert len(rows) == len(ROWS) + 1
    for row, source in zip(rows, ROWS, strict=False):
        answers = [message for message in source["messages"] if message["role"] == "assistant"]
        assert row["trained"].count("<|im_end|>") == len(answers)
        assert all(answer["content"] in row["trained"] for answer in answers)


@needs_peers
@pytest.mark.parametrize("name", ["Qwen/Qwen2-0.5B-Instruct", "Qwen/Qwen2.5-7B-Instruct", "x/Llama-3.2-3B-Instruct"])
@pytest.mark.parametrize("peft", ["lora", "full"])
def test_torchtune(name: str, peft: str, tmp_path: Path) -> None:
    data = write(tmp_path / "rows.jsonl", PLAIN)
    config = config_of(data, f"model.path={name}", f"peft={peft}", "trl.learning_rate=3e-4", "trl.max_length=777")
    export_run(config, "torchtune", tmp_path / "out", look)
    told, rows = _answers("torchtune", tmp_path / "out")
    assert told["strange"] == []
    assert (told["optimizer"]["lr"], told["tokenizer"]["max_seq_len"]) == (3e-4, 777)
    assert (told["batch_size"], told["epochs"], told["seed"]) == (4, 3, 42)
    assert ("lora_rank" in told["model"]) == (peft == "lora")
    assert [row["messages"] for row in rows] == [said(source) for source in PLAIN]
    for row in rows:
        assert row["masked"] == [role != "assistant" for role, _ in row["messages"]]


STAND_IN = '''
"""Stands in for unsloth, which loads on a GPU alone: the calls that the script makes, on transformers and PEFT."""
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer


class FastLanguageModel:
    @staticmethod
    def from_pretrained(model_name, max_seq_length, load_in_4bit, load_in_16bit, full_finetuning, trust_remote_code,
                        use_gradient_checkpointing, random_state, max_lora_rank):
        assert not load_in_4bit and load_in_16bit and not full_finetuning and not trust_remote_code
        return AutoModelForCausalLM.from_pretrained(model_name), AutoTokenizer.from_pretrained(model_name)

    @staticmethod
    def get_peft_model(model, r, target_modules, lora_alpha, lora_dropout, use_gradient_checkpointing, random_state):
        settings = LoraConfig(r=r, target_modules=target_modules, lora_alpha=lora_alpha, lora_dropout=lora_dropout)
        return get_peft_model(model, settings)
'''


@pytest.mark.parametrize("method", ["sft", "dpo", "kto"])
def test_the_script_for_unsloth_runs(method: str, model: Path, tmp_path: Path) -> None:
    """Unsloth itself asks for a GPU: what it does is stood in for, TRL is the real one."""
    folder = _exported("unsloth", method, model, tmp_path, "run.max_steps=1", "+trl.bf16=false", "+trl.use_cpu=true",
                       "trl.per_device_train_batch_size=2")  # fmt: skip
    (folder / "unsloth.py").write_text(STAND_IN, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hf")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert (folder / "runs" / "named-run.v1" / "adapter_model.safetensors").is_file()


@pytest.mark.parametrize("method", ["sft", "dpo", "kto"])
def test_trl_trains_it(method: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.peers.judge.PYTHON", Path(sys.executable))
    told, *rows, saved = [*_flat(_answers("trl", _exported("trl", method, model, tmp_path), method))]
    _check(told)
    assert told["strange"] == []
    assert (told["model"], told["max_length"]) == (str(model), 777)
    assert len(rows) == len(DATA[method]) + (method == "sft")
    assert "adapter_model.safetensors" in saved["saved"]
    for row, source in zip(rows, DATA[method], strict=False):
        if method == "sft":
            answers = [message for message in source["messages"] if message["role"] == "assistant"]
            assert row["trained"].count("<|im_end|>") == len(answers)
            assert not any(each["content"] in row["trained"] for each in source["messages"] if each["role"] == "user")


def _flat(answers: tuple[Row, list[Row]]) -> list[Any]:
    return [answers[0], *answers[1]]


@needs_peers
def test_llamafactory_has_the_templates_that_are_named(tmp_path: Path) -> None:
    """For each model of LLaMA-Factory's own list that we name a template for, it is the one on the list."""
    from dsforge.train.exports.llamafactory import template_of

    (listed,) = [answer for answer in ask("llamafactory_templates", tmp_path) if isinstance(answer, dict)]
    wrong = {name: (template_of(name), template) for name, template in listed.items()
             if template_of(name) not in (None, template)}  # fmt: skip
    assert wrong == {}
    assert sum(template_of(name) is not None for name in listed) > 50
