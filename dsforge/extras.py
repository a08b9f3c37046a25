"""Optional dependencies: imported when needed, and a sentence where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dsforge.errors import MissingExtraError


def require(module: str, extra: str, purpose: str) -> Any:
    """Import `module`, or raise MissingExtraError saying which extra brings it and what it is for."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{purpose} needs {error.name}, which is not installed: pip install 'dsforge[{extra}]'"
        ) from error
