"""Supervised fine-tuning: the assistant's words are trained, by TRL's SFTTrainer."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, get_type_hints

from dsforge.errors import ConfigError, OutputError, RowError, did_you_mean
from dsforge.example import Example
from dsforge.train.config import Lora, TrainConfig
from dsforge.train.quiet import quiet_libraries
from dsforge.train.recipe import Material, OnStep, Recipe, Step

_SET_ELSEWHERE = {
    "seed": "run.seed", "max_steps": "run.max_steps", "output_dir": "run.folder and run.name",
    "model_init_kwargs": "model.dtype and model.revision", "trust_remote_code": "model.trust_remote_code",
    "chat_template_path": "model.template", "assistant_only_loss": "the chat template's generation marks",
    "completion_only_loss": "the chat template's generation marks", "dataset_kwargs": "data",
    "truncation_mode": "data.too_long", "eos_token": "the tokenizer", "pad_token": "the tokenizer",
    "dataset_text_field": "data.format", "logging_nan_inf_filter": "dsforge, which stops at a loss that is no number",
}  # fmt: skip
_NOT_YET = frozenset({
    "packing", "padding_free", "eval_packing", "push_to_hub", "deepspeed", "fsdp", "load_best_model_at_end",
    "resume_from_checkpoint", "dataset_num_proc", "shuffle_dataset",
})  # fmt: skip
_POSITIVE = frozenset({
    "learning_rate", "num_train_epochs", "per_device_train_batch_size", "per_device_eval_batch_size",
    "gradient_accumulation_steps", "logging_steps",
})  # fmt: skip


def _accept(example: Example) -> None:
    if example.is_preference:
        raise RowError("a preference pair (chosen and rejected); method=sft trains conversations", "", "X902")
    if example.label is False:
        raise RowError("a KTO row labelled as bad (label false); method=sft would train it as good", "/label", "X902")


def _check_names(given: set[str], known: set[str], section: str, what: str) -> None:
    for name in sorted(given - known):
        raise ConfigError(f"{section}.{name} is no argument of {what}{_near(name, known)}")


def _near(name: str, known: set[str]) -> str:
    hint = did_you_mean(name, known)
    return hint if "did you mean" in hint else f" (its documentation lists all {len(known)})"


def _check(config: TrainConfig) -> None:
    from dataclasses import fields

    import torch
    from peft import LoraConfig
    from trl import SFTConfig

    if torch.cuda.device_count() > 1 and "LOCAL_RANK" not in os.environ:
        raise ConfigError(
            f"{torch.cuda.device_count()} GPUs are visible and one is trained on: name it, CUDA_VISIBLE_DEVICES=0"
        )
    for name in config.trl:
        if name in _SET_ELSEWHERE:
            raise ConfigError(f"trl.{name} is set by {_SET_ELSEWHERE[name]}: leave it out")
        if name in _NOT_YET and config.trl[name]:
            raise ConfigError(f"trl.{name} is not supported yet: leave it out")
    _check_names(set(config.trl), {field.name for field in fields(SFTConfig)}, "trl", "TRL's SFTConfig")
    if isinstance(config.peft, Lora):
        names = {field.name for field in fields(LoraConfig)} - {"peft_type", "auto_mapping"}
        _check_names(set(config.peft.model_dump(exclude={"name"})), names, "peft", "PEFT's LoraConfig")
        _make("peft", LoraConfig, config.peft.model_dump(exclude={"name"}))
    _check_values(config)
    _arguments(config, Path("unused"))


def _check_values(config: TrainConfig) -> None:
    """What TRL would take in silence, or refuse only once the model is loaded."""
    length = config.trl.get("max_length")
    if length is not None and (isinstance(length, bool) or not isinstance(length, int) or length < 2):
        raise ConfigError(f"trl.max_length={length}: a number of tokens from 2 on, or null for no limit")
    for name in _POSITIVE & set(config.trl):
        value = config.trl[name]
        if not isinstance(value, (int, float)) or value <= 0:
            raise ConfigError(f"trl.{name}={value}: a number above 0")
    if config.data.validation is None and config.trl.get("eval_strategy", "no") not in ("no", False, None):
        raise ConfigError(f"trl.eval_strategy={config.trl['eval_strategy']} needs rows: add data.validation=FILE")


def _make(section: str, kind: Any, values: dict[str, Any]) -> Any:
    """`kind` of these values, each of the type that is declared there: neither TRL nor PEFT looks."""
    from pydantic import TypeAdapter, ValidationError

    hints = get_type_hints(kind)
    for name, value in values.items():
        try:
            TypeAdapter(hints[name]).validate_python(value)
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"]
            raise ConfigError(f"{section}.{name}={value}: {reason[:1].lower()}{reason[1:]}") from error
    try:
        return kind(**values)
    except (TypeError, ValueError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(f"{section}: the values do not fit: {reason}") from error


def _arguments(config: TrainConfig, folder: Path, validated: bool = False) -> Any:
    """SFTConfig with what dsforge decides: rows are prepared already, the run is quiet, nothing calls home."""
    import torch
    from trl import SFTConfig

    cuda = torch.cuda.is_available()
    ours: dict[str, Any] = {
        "logging_steps": 1,
        "save_strategy": "no",
        "eval_strategy": "epoch" if validated else "no",
        "bf16": cuda and torch.cuda.is_bf16_supported() and not config.trl.get("fp16"),
        "use_cpu": not cuda,
        "dataloader_pin_memory": cuda,
        "report_to": "none",
        "disable_tqdm": True,
    }
    fixed = {
        "output_dir": str(folder),
        "seed": config.run.seed,
        "max_steps": config.run.max_steps or -1,
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "log_level": "error",
        "logging_nan_inf_filter": False,  # it would write the mean of the losses before over a NaN
    }
    return _make("trl", SFTConfig, {**ours, **config.trl, **fixed})


def build_trainer(material: Material, on_step: OnStep) -> Any:
    """TRL's SFTTrainer over rows that are tokenised and labelled already."""
    import torch
    import transformers
    from peft import LoraConfig
    from trl import SFTTrainer

    quiet_libraries()
    config, validation = material.config, material.validation

    class Report(transformers.TrainerCallback):  # type: ignore[misc]
        """Hands what the trainer logs to `on_step`."""

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            logs = logs or {}
            loss, validation_loss = logs.get("loss"), logs.get("eval_loss")
            validated, trained = logs.get("eval_runtime", 0.0), logs.get("train_runtime", 0.0)
            if loss is not None or validation_loss is not None or trained:
                place = state.global_step, state.max_steps, state.epoch or 0.0
                on_step(Step(*place, loss, validation_loss, validated, trained))
            if loss is not None and not math.isfinite(loss):
                raise ConfigError(
                    f"the loss is {loss} at step {state.global_step}: lower trl.learning_rate "
                    f"(now {config.trl.get('learning_rate')}) or set trl.max_grad_norm"
                )

    lora = config.peft.model_dump(exclude={"name"}) if isinstance(config.peft, Lora) else None
    arguments = _arguments(config, material.folder, validation is not None)
    try:
        trainer = SFTTrainer(
            model=material.model,
            args=arguments,
            train_dataset=material.rows.dataset(),
            eval_dataset=validation.dataset() if validation is not None else None,
            processing_class=material.tokenizer,
            peft_config=_make("peft", LoraConfig, {"task_type": "CAUSAL_LM", **lora}) if lora is not None else None,
            callbacks=[Report()],
        )
    except torch.OutOfMemoryError:
        raise
    except (TypeError, ValueError, ImportError, RuntimeError) as error:
        raise ConfigError(f"TRL refuses the run: {' '.join(str(error).split())}") from error
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def _train(material: Material, on_step: OnStep) -> Path:
    """Train and save the adapter (or the model) with its tokenizer."""
    import torch
    from safetensors import SafetensorError

    try:
        trainer = build_trainer(material, on_step)
        trainer.train()
    except torch.OutOfMemoryError as error:
        batch = material.config.trl.get("per_device_train_batch_size")
        raise ConfigError(
            f"out of GPU memory: halve trl.per_device_train_batch_size (now {batch}) and double "
            "trl.gradient_accumulation_steps, or lower trl.max_length, or set trl.gradient_checkpointing=true"
        ) from error
    saved = material.folder / ("adapter" if isinstance(material.config.peft, Lora) else "model")
    try:
        trainer.save_model(str(saved))
        material.tokenizer.save_pretrained(saved)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{saved} cannot be written: {' '.join(str(error).split())}") from error
    (saved / "training_args.bin").unlink(missing_ok=True)  # a pickle; the manifest says the same
    return saved


RECIPE = Recipe(
    name="sft",
    summary="supervised fine-tuning: loss on the assistant's words",
    accept=_accept,
    check=_check,
    train=_train,
)
