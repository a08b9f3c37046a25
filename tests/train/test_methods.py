"""Runs of every method learn as a script that is written with TRL alone, and leave what can be loaded again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsforge.train.manifest import Manifest
from dsforge.train.recipe import Step, get_recipe
from tests.train.pairs import Row, labelled, support_pairs, trl_trainer
from tests.train.small import config, run, write_rows

_STEPS = 6
_LORA = {"r": 8, "lora_alpha": 16, "lora_dropout": 0.0, "target_modules": "all-linear"}
_METHODS = ["dpo", "kto", "reward", "orpo"]


def _rows(method: str, first: int, last: int) -> list[Row]:
    pairs = support_pairs()[first:last]
    return labelled(pairs) if method == "kto" else pairs


def _ours(method: str, peft: str, folder: Path, *overrides: str) -> tuple[Path, Manifest, list[Step]]:
    data = write_rows(folder / "rows.jsonl", _rows(method, 0, 24))
    validation = write_rows(folder / "validation.jsonl", _rows(method, 24, 32))
    lora = ["peft.r=8", "peft.lora_alpha=16"] if peft == "lora" else []
    settings = config(data, folder, f"method={method}", f"peft={peft}", f"run.max_steps={_STEPS}", "run.seed=7",
                      f"data.validation={validation}", "trl.per_device_train_batch_size=4", "trl.max_length=256",
                      "trl.learning_rate=1e-2", "+trl.eval_strategy=steps", "+trl.eval_steps=3", "run.batching=plain",
                      *lora, *overrides)  # fmt: skip
    manifest, steps = run(settings)
    return folder / "small", manifest, steps


def _theirs(method: str, peft: str, base: Path, folder: Path, **more: Any) -> list[Row]:
    """What TRL logs for the same rows, arguments, seed and base model."""
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, set_seed

    recipe = get_recipe(method)
    model: Any = str(base)
    if recipe.scores or method == "orpo":
        set_seed(7)
    if recipe.scores:
        model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1, dtype=torch.float32)
    task = "SEQ_CLS" if recipe.scores else "CAUSAL_LM"
    trainer = trl_trainer(
        recipe, model, AutoTokenizer.from_pretrained(base), _rows(method, 0, 24), folder,
        validation=_rows(method, 24, 32), lora=LoraConfig(task_type=task, **_LORA) if peft == "lora" else None,
        max_steps=_STEPS, seed=7, per_device_train_batch_size=4, max_length=256, learning_rate=1e-2,
        lr_scheduler_type="cosine", warmup_steps=0.03 if method == "reward" else 0.1, gradient_checkpointing=False,
        eval_strategy="steps", eval_steps=3, **more,
    )  # fmt: skip
    trainer.train()
    logs: list[Row] = trainer.state.log_history
    return logs


@pytest.mark.parametrize("peft", ["lora", "full"])
@pytest.mark.parametrize("method", _METHODS)
def test_losses_are_those_of_a_script_of_trl(method: str, peft: str, tmp_path: Path) -> None:
    folder, manifest, steps = _ours(method, peft, tmp_path)
    logs = _theirs(method, peft, folder / "base", tmp_path / "theirs")
    losses = [log["loss"] for log in logs if "loss" in log]
    validation = [log["eval_loss"] for log in logs if "eval_loss" in log]
    assert len(losses) == _STEPS
    assert len(set(losses)) > 3
    assert [loss for _, loss in manifest.losses] == pytest.approx(losses, abs=1e-6)
    assert [loss for _, loss in manifest.validation_losses] == pytest.approx(validation, abs=1e-6)
    margins = [log[name] for log in logs for name in ("rewards/margins", "margin") if name in log]
    told = [reward.margin for reward in manifest.rewards]
    assert told == pytest.approx(margins, abs=1e-5)
    accuracies = [log[name] for log in logs for name in ("rewards/accuracies", "accuracy") if name in log]
    assert [reward.accuracy for reward in manifest.rewards] == (accuracies or [None] * len(told))
    assert len(manifest.validation_rewards) == 2
    assert [step.validation_loss is not None for step in steps].count(True) == 2


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_a_reference_that_runs_before_gives_the_same_losses(method: str, tmp_path: Path) -> None:
    beside = _ours(method, "full", tmp_path)[1]
    before = _ours(method, "full", tmp_path, "trl.precompute_ref_log_probs=true", "run.overwrite=true")[1]
    assert [loss for _, loss in before.losses] == pytest.approx([loss for _, loss in beside.losses], abs=1e-5)


@pytest.mark.parametrize("method", ["dpo", "kto", "reward"])
def test_one_epoch_is_the_tokens_that_were_counted(method: str, tmp_path: Path, monkeypatch: Any) -> None:
    import transformers

    seen: list[float] = []
    monkeypatch.setattr(
        transformers.PrinterCallback, "on_log",
        lambda self, args, state, control, logs=None, **rest: seen.append(logs.get("num_tokens", 0)),
    )  # fmt: skip
    monkeypatch.setattr(transformers.Trainer, "remove_callback", lambda self, kind: None)
    data = write_rows(tmp_path / "rows.jsonl", _rows(method, 0, 10))
    settings = config(data, tmp_path, f"method={method}", "trl.per_device_train_batch_size=4")
    manifest, _ = run(settings)
    assert manifest.epochs == 1
    assert max(seen) == manifest.data.tokens > 0


@pytest.mark.parametrize("peft", ["lora", "full"])
@pytest.mark.parametrize("method", _METHODS)
def test_what_was_trained_loads_again(method: str, peft: str, tmp_path: Path) -> None:
    import torch
    from peft import AutoPeftModelForCausalLM, AutoPeftModelForSequenceClassification
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    data = write_rows(tmp_path / "rows.jsonl", _rows(method, 0, 24))
    manifest, _ = run(config(data, tmp_path, f"method={method}", f"peft={peft}", "trl.num_train_epochs=4",
                             "trl.per_device_train_batch_size=4"))  # fmt: skip
    saved = Path(manifest.saved)
    assert not [path for path in saved.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]
    assert list(saved.glob("*.safetensors"))
    scores = method == "reward"
    if peft == "lora":
        kind = AutoPeftModelForSequenceClassification if scores else AutoPeftModelForCausalLM
        model = kind.from_pretrained(saved, **({"num_labels": 1} if scores else {}))
    else:
        model = (AutoModelForSequenceClassification if scores else AutoModelForCausalLM).from_pretrained(saved)
    tokenizer = AutoTokenizer.from_pretrained(saved)

    def value(messages: list[Row]) -> float:
        text = tokenizer.apply_chat_template(messages, return_tensors="pt", return_dict=True)
        with torch.no_grad():
            logits = model.eval()(**text).logits
        if scores:
            assert logits.shape == (1, 1)
            return float(logits[0, 0])
        ids = text["input_ids"]
        return float(logits[0, :-1].log_softmax(-1).gather(-1, ids[0, 1:, None]).mean())

    pairs = support_pairs()[:24]
    won = sum(value(pair["prompt"] + pair["chosen"]) > value(pair["prompt"] + pair["rejected"]) for pair in pairs)
    assert won >= 20 or method == "orpo"


def test_the_manifest_tells_rewards(tmp_path: Path) -> None:
    folder, manifest, _ = _ours("dpo", "lora", tmp_path)
    written = json.loads((folder / "run.json").read_text())
    assert written["rewards"][-1] == {
        "step": _STEPS, "accuracy": manifest.rewards[-1].accuracy, "margin": manifest.rewards[-1].margin,
    }  # fmt: skip
    assert [entry["step"] for entry in written["validation_rewards"]] == [3, 6]
    assert written["sequences"]["batch_size"] == 8  # a pair is two


def test_the_learning_rate_is_the_methods_own() -> None:
    from dsforge.train.app import compose_config

    def rate(*words: str) -> Any:
        return compose_config(["model.path=a", "data.path=b", "run.name=c", *words]).trl["learning_rate"]

    assert (rate(), rate("peft=full"), rate("method=dpo"), rate("method=dpo", "peft=full")) == (2e-4, 2e-5, 1e-5, 1e-6)
