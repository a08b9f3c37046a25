"""Where the data that ships with dsforge lies, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(*parts: str) -> Path:
    """Path of a shipped file or folder, for example `resource("conf", "facts", "price")`.

    A wheel carries `conf/` and `schemas/` inside the package; a checkout has them beside it.
    """
    inside = _PACKAGE.joinpath(*parts)
    return inside if inside.exists() else _PACKAGE.parent.joinpath(*parts)
