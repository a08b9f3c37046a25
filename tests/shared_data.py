"""Public datasets beside the checkout, used where they are present; every test also has data of its own."""

from __future__ import annotations

import os
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
SHARED = Path(os.environ.get("DSFORGE_SHARED_DATA", _BESIDE))


def _files(folder: str) -> list[Path]:
    return sorted(path for path in (SHARED / folder).glob("*.json*") if path.is_file())


def real_files() -> list[Path]:
    """Public instruction, preference, KTO, tool and image datasets."""
    return _files("real")


def seed_files() -> list[Path]:
    """The platforms' own published examples, one of them broken as published."""
    return _files("seed_examples")
