"""The tokenizer and the chat template of a model, from the hub or a folder, with errors a person can act on."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from dsforge.errors import ConfigError, InputError
from dsforge.tokens.template import ChatTemplate, chatml_template, has_marks

_CHATML_START, _CHATML_END = "<|im_start|>", "<|im_end|>"
_PATIENCE = 5  # seconds


def check_path(path: str, named: str) -> None:
    """InputError where `path` is meant as a folder but holds no model."""
    folder = Path(path)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise InputError(f"{named}={path} holds no model: there is no config.json in it")
    if not folder.is_dir() and (folder.exists() or path.startswith((".", "/", "~")) or path.count("/") > 1):
        raise InputError(f"{named}={path} is neither a folder with a model nor a name on the hub (OWNER/NAME)")


@lru_cache(maxsize=1)
def hub_answers(path: str) -> bool:
    """Whether the hub can be asked for `path`: one short try, where the library would try for most of a minute."""
    import huggingface_hub

    if Path(path).is_dir() or huggingface_hub.is_offline_mode():
        return False
    try:
        huggingface_hub.get_session().head(huggingface_hub.constants.ENDPOINT, timeout=_PATIENCE)
    except Exception:  # noqa: BLE001 (of whichever client the library uses; then the cache has to do)
        return False
    return True


def unloadable(what: str, path: str, error: Exception, named: str) -> InputError:
    """Why a tokenizer or a model cannot be loaded, in words that say what to do."""
    reason = str(error).strip().partition("\n")[0]
    if not Path(path).is_dir():
        chain = f"{error!r} {error.__cause__!r} {error.__context__!r}"
        if any(word in chain for word in ("Connect", "offline", "Offline", "Timeout", "LocalEntryNotFound", "connect")):
            reason = "the hub cannot be reached and the model is not in its cache; name a local folder instead"
        elif any(word in chain for word in ("404", "401", "RepositoryNotFound", "GatedRepo")):
            reason = "the hub has no such model, or wants a login (hf auth login); check the name"
    return InputError(f"{named}={path}: the {what} cannot be loaded: {reason}")


def load_tokenizer(
    path: str, *, revision: str | None = None, trust_remote_code: bool = False, named: str = "model.path"
) -> Any:
    """A fast tokenizer of transformers, with a padding token. `named` is how the user gave the path.

    Raises:
        InputError: it cannot be had.
    """
    from transformers import AutoTokenizer

    check_path(path, named)
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            path, revision=revision, trust_remote_code=trust_remote_code, local_files_only=not hub_answers(path)
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise unloadable("tokenizer", path, error, named) from error
    if not tokenizer.is_fast:
        raise InputError(f"{named}={path} has only a slow tokenizer, which cannot say where a token stands")
    if not tokenizer.get_vocab().keys() - set(tokenizer.added_tokens_encoder):  # made up by transformers, of nothing
        raise InputError(f"{named}={path} holds no tokenizer: its files (tokenizer.json and others) are not there")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token is None:
        raise InputError(f"{named}={path}: its tokenizer has no padding and no end token to pad rows with")
    return tokenizer


def training_template(tokenizer: Any, wanted: str, *, marks: bool = True) -> ChatTemplate:
    """The template to train with: the tokenizer's own where it has marks, TRL's patched copy of it, or ours.

    Where there are marks neither in it nor in a copy of TRL's, rows are rendered up to each answer and after it, and
    those of which the one is no beginning of the other are refused.

    Without `marks` none are needed, as for answers that are trained whole, and the tokenizer's own is taken as it is.
    Where it is another than the tokenizer's own, the tokenizer takes it over, so that what is saved talks as
    it was trained. TRL's copies are made for training alone (some keep every thinking block): there the original stays.

    Raises:
        ConfigError: no template can be had.
    """
    if wanted == "chatml":
        return _chatml(tokenizer, "dsforge's ChatML")
    if wanted != "auto":
        tokenizer.chat_template = _read_template(wanted)
        return ChatTemplate(tokenizer, tokenizer.chat_template, wanted)
    own = tokenizer.chat_template
    if isinstance(own, dict):
        own = own.get("default")
    if own is None:
        if _knows_chatml(tokenizer):
            return _chatml(tokenizer, "dsforge's ChatML (the tokenizer has none)")
        raise ConfigError("the tokenizer has no chat template; name one: model.template=FILE.jinja")
    if has_marks(own) or not marks:
        return ChatTemplate(tokenizer, own, "the tokenizer's own")
    if patched := _patched(tokenizer):
        return ChatTemplate(tokenizer, patched, "the tokenizer's own, with TRL's generation marks")
    return ChatTemplate(tokenizer, own, "the tokenizer's own, without marks: what an answer adds is trained")


def _knows_chatml(tokenizer: Any) -> bool:
    return {_CHATML_START, _CHATML_END} <= set(tokenizer.added_tokens_encoder)


def _chatml(tokenizer: Any, origin: str) -> ChatTemplate:
    """Our ChatML; a turn ends with <|im_end|>, so that is where the model has to stop."""
    if not _knows_chatml(tokenizer):
        raise ConfigError(
            f"model.template=chatml needs the tokens {_CHATML_START} and {_CHATML_END}, which the tokenizer has not: "
            "name another template"
        )
    tokenizer.chat_template, tokenizer.eos_token = chatml_template(), _CHATML_END
    return ChatTemplate(tokenizer, tokenizer.chat_template, origin)


def _patched(tokenizer: Any) -> str | None:
    """TRL's copy of the tokenizer's template with marks, None where it has none."""
    from trl.chat_template_utils import get_training_chat_template

    try:
        patched: str | None = get_training_chat_template(tokenizer)
    except ValueError:
        return None
    return patched if patched is not None and has_marks(patched) else None


def _read_template(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"model.template={path} cannot be read (known words: auto, chatml): {error}") from error
