"""An adapter merged into its base model, so that what serves a model needs to know nothing of adapters."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from dsforge.errors import OutputError
from dsforge.train.saved import Saved, load_saved
from dsforge.train.workspace import writing


def merge(saved: Saved, folder: Path) -> None:
    """Write the model that an adapter and its base make together to `folder`, with the tokenizer and its template.

    The base is loaded unquantised, in the dtype of its checkpoint unless the run names one.

    Raises:
        InputError: the base cannot be loaded.
        OutputError: a merged weight is no number, or the folder cannot be written.
    """
    named = saved.base.dtype if saved.base is not None else "auto"
    model, tokenizer = load_saved(saved, dtype=named)
    if saved.is_adapter and model.active_peft_config.is_prompt_learning:
        raise OutputError(f"{saved.path} cannot be merged: it puts tokens before a row, which no weights can hold")
    try:
        merged = model.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise OutputError(f"{saved.path} cannot be merged: {' '.join(str(error).split())}") from error
    with writing(folder):
        merged.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def merge_into(saved: Saved, folder: Path) -> None:
    """As `merge`, into a new folder that appears whole or not at all.

    Raises:
        InputError, OutputError: as `merge`.
    """
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        merge(saved, partial)
        partial.rename(folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
