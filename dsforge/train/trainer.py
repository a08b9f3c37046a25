"""Runs a trainer of TRL: arguments checked before anything is loaded, steps told, a NaN stopped, safetensors saved."""

from __future__ import annotations

import copy
import math
import os
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

from dsforge.errors import ConfigError, OutputError, did_you_mean
from dsforge.train.config import Lora, TrainConfig
from dsforge.train.quiet import quiet_libraries
from dsforge.train.recipe import Material, OnStep, Recipe, Step, Trainer

_SET_ELSEWHERE = {
    "seed": "run.seed", "max_steps": "run.max_steps", "output_dir": "run.folder and run.name",
    "model_init_kwargs": "model.dtype and model.revision", "trust_remote_code": "model.trust_remote_code",
    "chat_template_path": "model.template", "truncation_mode": "data.too_long", "eos_token": "the tokenizer",
    "pad_token": "the tokenizer", "logging_nan_inf_filter": "dsforge, which stops at a loss that is no number",
}  # fmt: skip
_NOT_YET = frozenset({
    "packing", "padding_free", "eval_packing", "push_to_hub", "deepspeed", "fsdp", "load_best_model_at_end",
    "resume_from_checkpoint", "dataset_num_proc", "shuffle_dataset", "generate_during_eval",
})  # fmt: skip
_POSITIVE = frozenset({
    "learning_rate", "num_train_epochs", "per_device_train_batch_size", "per_device_eval_batch_size",
    "gradient_accumulation_steps", "logging_steps", "beta",
})  # fmt: skip
_ACCURACY, _MARGIN = ("rewards/accuracies", "accuracy"), ("rewards/margins", "margin")


def _check_names(given: set[str], known: set[str], section: str, what: str) -> None:
    for name in sorted(given - known):
        raise ConfigError(f"{section}.{name} is no argument of {what}{_near(name, known)}")


def _near(name: str, known: set[str]) -> str:
    hint = did_you_mean(name, known)
    return hint if "did you mean" in hint else f" (its documentation lists all {len(known)})"


def check_arguments(recipe: Recipe, config: TrainConfig) -> None:
    """ConfigError where TRL or PEFT would refuse an argument, or take it in silence; nothing is loaded for it."""
    import torch
    from peft import LoraConfig

    if torch.cuda.device_count() > 1 and "LOCAL_RANK" not in os.environ:
        raise ConfigError(
            f"{torch.cuda.device_count()} GPUs are visible and one is trained on: name it, CUDA_VISIBLE_DEVICES=0"
        )
    trainer = recipe.trainer
    elsewhere = {**_SET_ELSEWHERE, **trainer.set_elsewhere}
    _check_names(
        set(config.trl),
        {field.name for field in fields(_config_class(trainer))},
        "trl",
        f"TRL's {trainer.name}Config",
    )
    for name in config.trl:
        if name in elsewhere:
            raise ConfigError(f"trl.{name} is set by {elsewhere[name]}: leave it out")
        if name in _NOT_YET and config.trl[name]:
            raise ConfigError(f"trl.{name} is not supported yet: leave it out")
    if isinstance(config.peft, Lora):
        names = {field.name for field in fields(LoraConfig)} - {"peft_type", "auto_mapping"}
        _check_names(set(config.peft.model_dump(exclude={"name"})), names, "peft", "PEFT's LoraConfig")
        _make("peft", LoraConfig, config.peft.model_dump(exclude={"name"}))
    _check_values(config, trainer)
    recipe.check(config)
    _arguments(recipe, config, Path("unused"))


def _check_values(config: TrainConfig, trainer: Trainer) -> None:
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
    for name, known in trainer.words.items():
        given = config.trl.get(name)
        for word in given if isinstance(given, list) else [given]:
            if isinstance(word, str) and word not in known:
                raise ConfigError(
                    f"trl.{name}={word} is nothing that {trainer.name}Trainer can do{did_you_mean(word, known)}"
                )


def _make(section: str, kind: Any, values: dict[str, Any]) -> Any:
    """`kind` of these values, each of the type that is declared there: neither TRL nor PEFT looks."""
    from pydantic import TypeAdapter, ValidationError

    hints = get_type_hints(kind)
    values = {name: [value] if _is_one_of(hints[name], value) else value for name, value in values.items()}
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


def _is_one_of(hint: Any, value: Any) -> bool:
    """Whether a single text stands where a list of texts is declared, as TRL allows it."""
    return hint == list[str] and isinstance(value, str)


def _config_class(trainer: Trainer) -> Any:
    return getattr(import_module(trainer.module), f"{trainer.name}Config")


def _trainer_class(trainer: Trainer) -> Any:
    """The trainer, that takes the rows as they are: each is tokenised already, and none may be dropped in silence."""
    theirs = getattr(import_module(trainer.module), f"{trainer.name}Trainer")
    if trainer.takes_tokens:
        return theirs

    def as_it_is(self: Any, rows: Any, *unused: Any, **unneeded: Any) -> Any:
        return rows

    return type(theirs.__name__, (theirs,), {"_prepare_dataset": as_it_is, "tokenize_row": as_it_is})


def _arguments(recipe: Recipe, config: TrainConfig, folder: Path, validated: bool = False) -> Any:
    """TRL's configuration with what dsforge decides: the run is quiet, repeats, and nothing calls home."""
    import torch

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
        "log_level": "error",
        "logging_nan_inf_filter": False,  # it would write the mean of the losses before over a NaN
        **recipe.trainer.fixed,
    }
    return _make("trl", _config_class(recipe.trainer), {**ours, **config.trl, **fixed})


def _logged(logs: dict[str, Any], names: tuple[str, ...], prefix: str) -> float | None:
    return next((logs[prefix + name] for name in names if prefix + name in logs), None)


def build_trainer(recipe: Recipe, material: Material, on_step: OnStep) -> Any:
    """TRL's trainer of the method, over rows that are tokenised already.

    Raises:
        ConfigError: TRL refuses the model or the arguments.
    """
    import torch
    import transformers
    from peft import LoraConfig

    quiet_libraries()
    config, validation = material.config, material.validation

    class Report(transformers.TrainerCallback):  # type: ignore[misc]
        """Hands what the trainer logs to `on_step`."""

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            logs = logs or {}
            loss, validation_loss = logs.get("loss"), logs.get("eval_loss")
            validated, trained = logs.get("eval_runtime", 0.0), logs.get("train_runtime", 0.0)
            if loss is not None or validation_loss is not None or trained:
                prefix = "eval_" if validation_loss is not None else ""
                rewards = _logged(logs, _ACCURACY, prefix), _logged(logs, _MARGIN, prefix)
                place = state.global_step, state.max_steps, state.epoch or 0.0
                on_step(Step(*place, loss, validation_loss, validated, trained, *rewards))
            if loss is not None and not math.isfinite(loss):
                raise ConfigError(
                    f"the loss is {loss} at step {state.global_step}: lower trl.learning_rate "
                    f"(now {config.trl.get('learning_rate')}) or set trl.max_grad_norm"
                )

    arguments = _arguments(recipe, config, material.folder, validation is not None)
    more: dict[str, Any] = {}
    if isinstance(config.peft, Lora):
        task = "SEQ_CLS" if recipe.scores else "CAUSAL_LM"
        more["peft_config"] = _make("peft", LoraConfig, {"task_type": task, **config.peft.model_dump(exclude={"name"})})
    elif needs_reference(recipe, config):
        # TRL would load it by the model's name, without its revision
        more["ref_model"] = copy.deepcopy(material.model)
    try:
        trainer = _trainer_class(recipe.trainer)(
            model=material.model,
            args=arguments,
            train_dataset=recipe.dataset(material.rows, config),
            eval_dataset=recipe.dataset(validation, config) if validation is not None else None,
            processing_class=material.tokenizer,
            callbacks=[Report()],
            **more,
        )
    except torch.OutOfMemoryError:
        raise
    except (TypeError, ValueError, ImportError, RuntimeError) as error:
        raise ConfigError(f"TRL refuses the run: {' '.join(str(error).split())}") from error
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def needs_reference(recipe: Recipe, config: TrainConfig) -> bool:
    """Whether a second copy of the model stands in memory as the reference."""
    return recipe.refers and not isinstance(config.peft, Lora) and not config.trl.get("precompute_ref_log_probs")


def train(recipe: Recipe, material: Material, on_step: OnStep) -> Path:
    """Train and save the adapter (or the model) with its tokenizer; its folder.

    Raises:
        ConfigError: TRL refuses the run, the loss is no number, or the GPU's memory does not suffice.
        OutputError: what was trained cannot be written.
    """
    import torch
    from safetensors import SafetensorError

    config = material.config
    try:
        trainer = build_trainer(recipe, material, on_step)
        trainer.train()
    except torch.OutOfMemoryError as error:
        batch = config.trl.get("per_device_train_batch_size")
        reference = ", or trl.precompute_ref_log_probs=true" if needs_reference(recipe, config) else ""
        raise ConfigError(
            f"out of GPU memory: halve trl.per_device_train_batch_size (now {batch}) and double "
            "trl.gradient_accumulation_steps, or lower trl.max_length, or set trl.gradient_checkpointing=true"
            + reference
        ) from error
    saved = material.folder / ("adapter" if isinstance(config.peft, Lora) else "model")
    try:
        trainer.save_model(str(saved))
        material.tokenizer.save_pretrained(saved)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{saved} cannot be written: {' '.join(str(error).split())}") from error
    (saved / "training_args.bin").unlink(missing_ok=True)  # a pickle; the manifest says the same
    return saved
