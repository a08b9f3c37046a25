"""Runs a trainer of TRL: steps told, a loss that is no number stopped, checkpoints kept whole, safetensors saved."""

from __future__ import annotations

import copy
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from dsforge.errors import ConfigError
from dsforge.io.atomic import atomic_write
from dsforge.train.adapter import adapter_callbacks, adapter_config
from dsforge.train.batching import batch_size, packed
from dsforge.train.config import Adapter, TrainConfig
from dsforge.train.quiet import quiet_libraries
from dsforge.train.recipe import Material, OnStep, Recipe, Step, Trainer
from dsforge.train.settings import trainer_arguments
from dsforge.train.tracker import tracked
from dsforge.train.workspace import NAN_BATCH, trainer_state

_ACCURACY, _MARGIN = ("rewards/accuracies", "accuracy"), ("rewards/margins", "margin")
_OF_OTHERS = ("prompt_", "KL_")
"""What stands beside the sequences of a batch: prompts alone, and answers to other prompts."""
_SECONDS = "seconds"
"""Our own key beside what a trainer logs: the seconds from the start, so that a run that goes on knows of them."""


class _NotANumber(Exception):
    """The loss of a batch is no number."""

    def __init__(self, inputs: Any, loss: float) -> None:
        super().__init__(f"{loss}")
        self.inputs = inputs


def _trainer_class(trainer: Trainer) -> Any:
    """The trainer, that stops at a loss that is no number.

    It takes the rows as they are: each is tokenised already, and none may be dropped in silence.
    """
    import torch

    theirs = getattr(import_module(trainer.module), f"{trainer.name}Trainer")

    def training_step(self: Any, model: Any, inputs: Any, *more: Any, **named: Any) -> Any:
        loss = theirs.training_step(self, model, inputs, *more, **named)
        if not torch.isfinite(loss).all():
            raise _NotANumber(inputs, float(loss))
        return loss

    def as_it_is(self: Any, rows: Any, *unused: Any, **unneeded: Any) -> Any:
        return rows

    def sampler(self: Any, rows: Any = None) -> Any:
        return theirs._get_train_sampler(self, self.train_dataset)  # which still has the lengths to group by

    own: dict[str, Any] = {"training_step": training_step, "_get_train_sampler": sampler}
    if not trainer.takes_tokens:
        own |= {"_prepare_dataset": as_it_is, "tokenize_row": as_it_is}
    return type(theirs.__name__, (theirs,), own)


def _logged(logs: dict[str, Any], names: tuple[str, ...], prefix: str) -> float | None:
    return next((logs[prefix + name] for name in names if prefix + name in logs), None)


def _step(logs: dict[str, Any], step: int, steps: int, epoch: float, before: float = 0.0) -> Step | None:
    """What a trainer logged as a step, None where it is none; `before` are the seconds of the run's earlier parts."""
    loss, validation_loss = logs.get("loss"), logs.get("eval_loss")
    trained = logs.get("train_runtime", 0.0)
    if loss is None and validation_loss is None and not trained:
        return None
    prefix = "eval_" if validation_loss is not None else ""
    rewards = _logged(logs, _ACCURACY, prefix), _logged(logs, _MARGIN, prefix)
    seconds = before + trained if trained else 0.0
    return Step(step, steps, epoch, loss, validation_loss, logs.get("eval_runtime", 0.0), seconds, *rewards)


def earlier_steps(checkpoint: Path) -> tuple[list[Step], float]:
    """(steps that were logged up to a checkpoint, seconds that they took)."""
    state = trainer_state(checkpoint)
    history = state["log_history"]
    steps = [_step(logs, logs["step"], state["max_steps"], logs.get("epoch", 0.0)) for logs in history]
    return [step for step in steps if step], max((logs.get(_SECONDS, 0.0) for logs in history), default=0.0)


def build_trainer(recipe: Recipe, material: Material, on_step: OnStep, before: float = 0.0) -> Any:
    """TRL's trainer of the method, over rows that are tokenised already.

    `before` are the seconds that earlier parts of the run took.

    Raises:
        ConfigError: TRL refuses the model or the arguments.
    """
    import torch
    import transformers

    quiet_libraries()
    config, validation = material.config, material.validation

    class Report(transformers.TrainerCallback):  # type: ignore[misc]
        """Hands what the trainer logs to `on_step`."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.started = time.perf_counter()

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if state.log_history:
                state.log_history[-1][_SECONDS] = before + time.perf_counter() - self.started
            if step := _step(logs or {}, state.global_step, state.max_steps, state.epoch or 0.0, before):
                on_step(step)

    callbacks: list[Any] = [Report(), *adapter_callbacks(config.peft)]
    if config.run.patience is not None:
        callbacks.append(transformers.EarlyStoppingCallback(early_stopping_patience=config.run.patience))
    more: dict[str, Any] = {}
    if isinstance(config.peft, Adapter):
        more["peft_config"] = adapter_config(config.peft, scores=recipe.scores)
    elif needs_reference(recipe, config):
        # TRL would load it by the model's name, without its revision
        more["ref_model"] = copy.deepcopy(material.model)
    rows = recipe.dataset(material.rows, config)
    try:
        trainer = _trainer_class(recipe.trainer)(
            model=material.model,
            args=trainer_arguments(
                recipe, config, material.folder, material.batching, validated=validation is not None
            ),
            train_dataset=packed(rows, config) if material.batching == "pack" else rows,
            eval_dataset=recipe.dataset(validation, config) if validation is not None else None,
            processing_class=material.tokenizer,
            callbacks=callbacks,
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
    return recipe.refers and not config.peft.is_adapter and not config.trl.get("precompute_ref_log_probs")


def train(recipe: Recipe, material: Material, on_step: OnStep, checkpoint: Path | None = None) -> tuple[Path, Any]:
    """Train and save the adapter (or the model) with its tokenizer; (its folder, the model with what was trained).

    With `checkpoint` the training goes on from there, to the very weights that it would have come to undisturbed.

    Raises:
        ConfigError: TRL refuses the run, the loss is no number, or the memory of the device does not suffice.
    """
    import torch

    config = material.config
    before = 0.0
    if checkpoint is not None:
        steps, before = earlier_steps(checkpoint)
        for step in steps:
            on_step(step)
    saved = material.folder / ("adapter" if config.peft.is_adapter else "model")
    trainer = None
    try:
        with tracked(config, material.folder):
            trainer = build_trainer(recipe, material, on_step, before)
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        trainer.save_model(str(saved))
        if trainer.is_world_process_zero():
            material.tokenizer.save_pretrained(saved)
            (saved / "training_args.bin").unlink(missing_ok=True)  # a pickle; the manifest says the same
    except _NotANumber as error:
        assert trainer is not None
        step = trainer.state.global_step + 1
        _keep_batch(material, error.inputs, step)
        raise ConfigError(
            f"the loss is {error} at step {step}: lower trl.learning_rate (now {config.trl.get('learning_rate')}) or "
            "set trl.max_grad_norm, with run.overwrite=true; the rows of that batch stand in "
            f"{material.folder / NAN_BATCH}"
        ) from error
    except torch.OutOfMemoryError as error:
        raise ConfigError(_more_memory(recipe, config, "GPU memory")) from error
    except RuntimeError as error:
        if _CPU_IS_FULL in str(error):
            raise ConfigError(_more_memory(recipe, config, "memory")) from error
        raise
    return saved, trainer.model


_CPU_IS_FULL = "can't allocate memory"
"""In the words of torch, which has no error of its own for it."""


def _more_memory(recipe: Recipe, config: TrainConfig, what: str) -> str:
    """What to set, so that half as many rows are held at once and a step is the same."""
    batch, given = batch_size(config), config.trl.get("gradient_accumulation_steps")
    accumulated = given if isinstance(given, int) else 1
    half = max(1, batch // 2)
    ways = [
        f"trl.per_device_train_batch_size={half} trl.gradient_accumulation_steps={-(-batch * accumulated // half)}"
        if batch > 1 else "",
        "" if config.trl.get("gradient_checkpointing") else "trl.gradient_checkpointing=true",
        "trl.precompute_ref_log_probs=true" if needs_reference(recipe, config) else "",
        f"trl.max_length={config.max_length // 2}" if config.max_length else "",
        "" if config.peft.is_adapter else "peft=lora",
    ]  # fmt: skip
    return f"out of {what} at batches of {batch}: set {', or '.join(filter(None, ways))}"


def _keep_batch(material: Material, inputs: Any, step: int) -> None:
    """Write the rows of a batch as text, with where they stand in their file."""
    paths = material.config.data.paths
    lines = []
    for ids in _sequences(inputs):
        source, row = material.rows.find(ids) or (None, None)
        path = paths[source] if source is not None else None
        text = material.tokenizer.decode(ids)
        lines.append(msgspec.json.encode({"step": step, "path": path, "row": row, "text": text}))
    with atomic_write(material.folder / NAN_BATCH) as file:
        file.write(b"\n".join(lines) + b"\n")


def _sequences(inputs: Any) -> list[list[int]]:
    """The token ids of a batch, without padding; packed rows apart."""
    found: list[list[int]] = []
    for name, ids in inputs.items():
        if name.endswith("input_ids") and not name.startswith(_OF_OTHERS):
            mask = inputs.get(name.replace("input_ids", "attention_mask"))
            found += (
                _packed(ids.tolist(), inputs["position_ids"].tolist())
                if mask is None
                else [row[shown.bool()].tolist() for row, shown in zip(ids, mask, strict=True)]
            )
    return found


def _packed(rows: list[list[int]], places: list[list[int]]) -> list[list[int]]:
    """The sequences of packed rows: each begins at position 0."""
    found: list[list[int]] = []
    for row, positions in zip(rows, places, strict=True):
        for token, position in zip(row, positions, strict=True):
            if position == 0:
                found.append([])
            found[-1].append(token)
    return found
