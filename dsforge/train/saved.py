"""What a run saved, found again and loaded: an adapter on its base, a model, or an adapter merged into its base."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from dsforge.errors import InputError
from dsforge.extras import require
from dsforge.tokens.pretrained import hub_answers, unloadable
from dsforge.train.config import PathModel
from dsforge.train.job import BASE
from dsforge.train.manifest import RECORD

ADAPTER, MODEL, MERGED = "adapter", "model", "merged"
"""The folders of a run in which its weights stand."""


@dataclass(frozen=True)
class Saved:
    """Weights with their tokenizer in the folder `path`: an adapter, or a model (`weights`).

    `base` is what they were trained from, where that is known; `scores` is so of a reward model.
    """

    path: Path
    is_adapter: bool
    base: PathModel | None
    scores: bool = False
    weights: PathModel | None = None

    @property
    def of_base(self) -> Saved:
        """The model before the training, with the tokenizer of after it: both are asked in the same words.

        Raises:
            InputError: it is not known.
        """
        if self.base is None:
            raise InputError(f"{self.path}: what it was trained from is not known: name the folder of its run")
        return replace(self, is_adapter=False, weights=self.base)


def require_models(command: str) -> None:
    """MissingExtraError where what loads models is not installed; `command` is who asks."""
    for module in ("torch", "transformers", "peft"):
        require(module, "train", command)


def base_of(config: dict[str, Any], folder: Path) -> PathModel:
    """The model that a run began with, by its composed configuration; a tiny one stands in the run's `folder`."""
    chosen = config["model"]
    if chosen["kind"] == "tiny":
        return _path_model(folder / BASE)
    return TypeAdapter(PathModel).validate_python(chosen)


def _path_model(path: str | Path, revision: str | None = None) -> PathModel:
    return PathModel(
        kind="path", path=str(path), revision=revision, dtype="auto", template="auto", trust_remote_code=False
    )


def find_saved(given: str, *, merged: bool = True) -> Saved:
    """The weights of a run (FOLDER/NAME; with `merged` the merged ones where there are), or those of a folder itself.

    Raises:
        InputError: there are none.
    """
    folder = Path(given)
    if not folder.is_dir():
        raise InputError(f"{given} is no folder: name a run (runs/NAME), or a folder with an adapter or a model")
    if folder.name.endswith(".unfinished"):
        raise InputError(f"{given} is a run that is not finished: the same dsforge train command goes on with it")
    inside = [folder / name for name in (*([MERGED] if merged else []), ADAPTER, MODEL)]
    for path in inside if (folder / RECORD).is_file() else [folder]:
        if (path / "adapter_config.json").is_file() or (path / "config.json").is_file():
            return _known(path)
    raise InputError(f"{given} holds no adapter and no model: name a run of dsforge train (runs/NAME)")


def _known(path: Path) -> Saved:
    """A folder of weights; what its run's record, or the adapter itself, says of it."""
    is_adapter = (path / "adapter_config.json").is_file()
    record = path.resolve().parent / RECORD
    if record.is_file():
        try:
            config = json.loads(record.read_bytes())["config"]
            return Saved(path, is_adapter, base_of(config, record.parent), config["method"]["name"] == "reward")
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise InputError(f"{record} is damaged: {' '.join(str(error).split())[:200]}") from error
    if not is_adapter:
        return Saved(path, False, None)
    try:
        config = json.loads((path / "adapter_config.json").read_bytes())
        return Saved(path, True, _path_model(config["base_model_name_or_path"], config.get("revision")))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path / 'adapter_config.json'} is damaged: {error}") from error


def load_saved(
    saved: Saved, *, dtype: str | None = None, quantised: Mapping[str, Any] | None = None
) -> tuple[Any, Any]:
    """The model, ready to be asked on the GPU where there is one, and its tokenizer.

    `dtype` is that of the weights: by default as the run says, else float32 on a CPU and the checkpoint's own on a GPU.
    `quantised` are further arguments of transformers by which frozen weights are quantised, as in a training; without
    them they are not, whatever they were in training.

    Raises:
        InputError: it cannot be loaded.
    """
    import torch

    tokenizer = tokenizer_of(saved.path)
    model = _weights(saved, dtype or _dtype(saved), quantised or {})
    if saved.scores:
        model.config.pad_token_id = tokenizer.pad_token_id
    if not quantised:  # those are put where they belong while they are loaded
        model = model.to("cuda" if torch.cuda.is_available() else "cpu")
    return model.eval(), tokenizer


def architecture_of(saved: Saved) -> str:
    """The class of the model (Qwen2ForCausalLM), "" where its configuration does not say."""
    from transformers import AutoConfig

    model = saved.base if saved.is_adapter and saved.base is not None else _path_model(saved.path)
    config = AutoConfig.from_pretrained(
        model.path, revision=model.revision, trust_remote_code=model.trust_remote_code,
        local_files_only=not hub_answers(model.path),
    )  # fmt: skip
    return next(iter(config.architectures or []), "")


def tokenizer_of(folder: Path) -> Any:
    """The tokenizer in a folder of weights; InputError where it cannot be loaded."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise unloadable("tokenizer", str(folder), error, "run") from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _dtype(saved: Saved) -> str:
    import torch

    if saved.base is not None and saved.base.dtype != "auto":
        return saved.base.dtype
    return "auto" if torch.cuda.is_available() else "float32"


def _weights(saved: Saved, dtype: str, more: Mapping[str, Any]) -> Any:
    from peft import PeftModel
    from safetensors import SafetensorError

    try:
        if not saved.is_adapter:
            return _pretrained(saved.weights or _path_model(saved.path), dtype, saved.scores, more)
        assert saved.base is not None
        return PeftModel.from_pretrained(_pretrained(saved.base, dtype, saved.scores, more), str(saved.path))
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise unloadable("model", str(saved.path), error, "run") from error


def _pretrained(model: PathModel, dtype: str, scores: bool, more: Mapping[str, Any]) -> Any:
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    kind = AutoModelForSequenceClassification if scores else AutoModelForCausalLM
    return kind.from_pretrained(
        model.path,
        **({"num_labels": 1} if scores else {}),
        revision=model.revision,
        dtype=dtype,
        trust_remote_code=model.trust_remote_code,
        local_files_only=not hub_answers(model.path),
        **more,
    )
