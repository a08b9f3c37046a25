"""Tokenizer, chat template and model from the hub or a folder, with errors a person can act on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dsforge.errors import ConfigError, InputError
from dsforge.tokens.template import ChatTemplate, chatml_template, has_marks
from dsforge.train.config import Lora, PathModel, TrainConfig

_CHATML_MARKS = {"<|im_start|>", "<|im_end|>"}


def check_path(path: str) -> None:
    """InputError where `path` is meant as a folder but holds no model."""
    folder = Path(path)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise InputError(f"model.path={path} holds no model: there is no config.json in it")
    if not folder.is_dir() and (folder.exists() or path.startswith((".", "/", "~")) or path.count("/") > 1):
        raise InputError(f"model.path={path} is neither a folder with a model nor a name on the hub (OWNER/NAME)")


def _unloadable(what: str, path: str, error: Exception) -> InputError:
    reason = str(error).strip().partition("\n")[0]
    if not Path(path).is_dir():
        chain = f"{error!r} {error.__cause__!r} {error.__context__!r}"
        if any(word in chain for word in ("Connect", "offline", "Offline", "Timeout", "LocalEntryNotFound", "connect")):
            reason = "the hub cannot be reached and the model is not in its cache; name a local folder instead"
        elif any(word in chain for word in ("404", "401", "RepositoryNotFound", "GatedRepo")):
            reason = "the hub has no such model, or wants a login (hf auth login); check the name"
    return InputError(f"model.path={path}: the {what} cannot be loaded: {reason}")


def load_tokenizer(model: PathModel) -> Any:
    """A fast tokenizer of transformers; InputError where it cannot be had."""
    from transformers import AutoTokenizer

    check_path(model.path)
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            model.path, revision=model.revision, trust_remote_code=model.trust_remote_code
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise _unloadable("tokenizer", model.path, error) from error
    if not tokenizer.is_fast:
        raise InputError(f"model.path={model.path} has only a slow tokenizer, which cannot say where a token stands")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def training_template(tokenizer: Any, wanted: str) -> ChatTemplate:
    """The template to train with: the tokenizer's own where it has marks, TRL's patched copy of it, or ours.

    Raises:
        ConfigError: no template with generation marks can be had; nothing is ever trained on a guess.
    """
    if wanted == "chatml":
        return ChatTemplate(tokenizer, chatml_template(), "dsforge's ChatML")
    if wanted != "auto":
        return ChatTemplate(tokenizer, _read_template(wanted), wanted)
    own = tokenizer.chat_template
    if isinstance(own, dict):
        own = own.get("default")
    if own is None:
        if set(tokenizer.get_vocab()) >= _CHATML_MARKS:
            return ChatTemplate(tokenizer, chatml_template(), "dsforge's ChatML (the tokenizer has none)")
        raise ConfigError("the tokenizer has no chat template; name one: model.template=FILE.jinja")
    if has_marks(own):
        return ChatTemplate(tokenizer, own, "the tokenizer's own")
    return ChatTemplate(tokenizer, _patched(tokenizer), "the tokenizer's own, with TRL's generation marks")


def _patched(tokenizer: Any) -> str:
    from trl.chat_template_utils import get_training_chat_template

    try:
        patched: str | None = get_training_chat_template(tokenizer)
    except ValueError:
        patched = None
    if patched is None or not has_marks(patched):
        raise ConfigError(
            "the tokenizer's chat template has no {% generation %} marks and is none that TRL knows, so what is "
            "trained cannot be told: put the marks into a copy and name it, model.template=FILE.jinja"
        )
    return patched


def _read_template(path: str) -> str:
    try:
        template = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"model.template={path} cannot be read (known words: auto, chatml): {error}") from error
    if not has_marks(template):
        raise ConfigError(f"model.template={path} has no {{% generation %}} marks: say in it what is trained")
    return template


def load_model(model: PathModel, config: TrainConfig) -> Any:
    """The model in the wanted dtype; InputError where it cannot be had."""
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_pretrained(
            model.path,
            revision=model.revision,
            dtype=_dtype(model, config),
            trust_remote_code=model.trust_remote_code,
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise _unloadable("model", model.path, error) from error


def _dtype(model: PathModel, config: TrainConfig) -> str:
    """Always said: trainers load float32 when nobody does. Weights that are trained stay in float32."""
    import torch

    if model.dtype != "auto":
        return model.dtype
    return "auto" if torch.cuda.is_available() and isinstance(config.peft, Lora) else "float32"
