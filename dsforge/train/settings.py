"""The arguments of a run's trainer: checked before anything is loaded, and completed by what dsforge decides."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

from dsforge.errors import ConfigError, did_you_mean
from dsforge.train.adapter import check_adapter
from dsforge.train.arguments import check_names, make
from dsforge.train.batching import Kind, check_batching
from dsforge.train.batching import arguments as batching_arguments
from dsforge.train.config import TrainConfig
from dsforge.train.hardware import check_hardware, hardware_arguments, sharing_arguments
from dsforge.train.recipe import Recipe, Trainer
from dsforge.train.tracker import check_tracker

_SET_ELSEWHERE = {
    "seed": "run.seed", "max_steps": "run.max_steps", "output_dir": "run.folder and run.name",
    "model_init_kwargs": "model.dtype and model.revision", "trust_remote_code": "model.trust_remote_code",
    "chat_template_path": "model.template", "truncation_mode": "data.too_long", "eos_token": "the tokenizer",
    "pad_token": "the tokenizer", "logging_nan_inf_filter": "dsforge, which stops at a loss that is no number",
    "load_best_model_at_end": "run.best", "resume_from_checkpoint": "run.resume", "deepspeed": "hardware=deepspeed",
    "fsdp": "hardware=fsdp", "fsdp_config": "hardware.options", "use_cpu": "hardware.device",
    "report_to": "tracker, as tracker=tensorboard", "run_name": "run.name",
}  # fmt: skip
_NOT_YET = frozenset({
    "padding_free", "eval_packing", "push_to_hub", "dataset_num_proc", "shuffle_dataset", "generate_during_eval",
})  # fmt: skip
_POSITIVE = frozenset({
    "learning_rate", "num_train_epochs", "per_device_train_batch_size", "per_device_eval_batch_size",
    "gradient_accumulation_steps", "logging_steps", "beta",
})  # fmt: skip


def check_arguments(recipe: Recipe, config: TrainConfig) -> None:
    """ConfigError where TRL or PEFT would refuse an argument, or take it in silence; nothing is loaded for it."""
    check_hardware(config)
    trainer = recipe.trainer
    elsewhere = {**_SET_ELSEWHERE, **trainer.set_elsewhere}
    check_names(
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
    check_adapter(config)
    check_tracker(config.tracker)
    _check_values(config, trainer)
    recipe.check(config)
    kind = check_batching(config, recipe) or "plain"
    trainer_arguments(recipe, config, Path("unused"), kind, validated=config.data.validation is not None)


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


def _config_class(trainer: Trainer) -> Any:
    return getattr(import_module(trainer.module), f"{trainer.name}Config")


def saving(config: TrainConfig, *, validated: bool) -> dict[str, Any]:
    """When the run is validated and saved: each epoch, of a single one each quarter; the best is kept, and the last."""
    given = config.trl
    quarterly = config.run.max_steps is not None or given.get("num_train_epochs", 3) in (0, 1)
    when: dict[str, Any] = {"strategy": "steps", "steps": 0.25} if quarterly else {"strategy": "epoch"}
    if validated and "eval_strategy" in given:
        when = {name: given[f"eval_{name}"] for name in ("strategy", "steps") if f"eval_{name}" in given}
    saved = {f"save_{name}": value for name, value in when.items()}
    tested = {f"eval_{name}": value for name, value in when.items()} if validated else {"eval_strategy": "no"}
    return {**saved, "save_total_limit": None if config.run.keep_checkpoints else 1, **tested}


def saves_best(config: TrainConfig, *, validated: bool) -> bool:
    """Whether the model of the lowest validation loss is what the run saves: it is validated whenever it is saved."""
    if not (config.run.best and validated):
        return False
    when = {**saving(config, validated=True), **config.trl}
    same = all(when.get(f"save_{name}") == when.get(f"eval_{name}") for name in ("strategy", "steps"))
    return same and when["save_strategy"] in ("epoch", "steps")


def trainer_arguments(recipe: Recipe, config: TrainConfig, folder: Path, kind: Kind, *, validated: bool) -> Any:
    """TRL's configuration with what dsforge decides: the run is quiet, repeats, and nothing calls home.

    Raises:
        ConfigError: an argument is not of the type that TRL declares, or two do not go together.
    """
    best = saves_best(config, validated=validated)
    if config.run.patience is not None and not best:
        raise ConfigError(
            "run.patience stops by the validation loss: add data.validation, leave run.best at true, and let "
            "trl.save_strategy and trl.eval_strategy be the same"
        )
    ours: dict[str, Any] = {
        "logging_steps": 1,
        "report_to": config.tracker.name,
        "run_name": config.run.name,
        "disable_tqdm": True,
        **saving(config, validated=validated),
        **hardware_arguments(config),
    }
    fixed = {
        "output_dir": str(folder),
        "seed": config.run.seed,
        "max_steps": config.run.max_steps or -1,
        "log_level": "error",
        "logging_nan_inf_filter": False,  # it would write the mean of the losses before over a NaN
        "load_best_model_at_end": best,
        **({"metric_for_best_model": "eval_loss", "greater_is_better": False} if best else {}),
        **batching_arguments(kind, recipe),
        **recipe.trainer.fixed,
        **sharing_arguments(config),
    }
    return make("trl", _config_class(recipe.trainer), {**ours, **config.trl}, fixed)
