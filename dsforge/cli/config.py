"""Defaults for the command line's options, from TOML.

`[tool.dsforge.lint]` in pyproject.toml, or `[lint]` in dsforge.toml, holds the options of
`dsforge lint` by their long names: `select = ["S", "T"]`, `per-file-ignores = {"raw/*" = ["Q"]}`. What is given on
the command line wins.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from dsforge.errors import ConfigError


def _read(path: Path) -> dict[str, Any]:
    parser: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        content: dict[str, Any] = parser.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: check --config") from None
    except (parser.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    return content


def _section(path: Path) -> dict[str, Any]:
    content = _read(path)
    tool = content.get("tool", {})
    section = tool.get("dsforge", {}) if path.name == "pyproject.toml" else content
    return {
        command: {key.replace("-", "_"): _as_option(value) for key, value in options.items()}
        for command, options in section.items()
        if isinstance(options, dict)
    }


def _as_option(value: Any) -> Any:
    """A table as the words the command line takes for it: `{"raw/*" = ["Q", "P"]}` is `raw/*:Q,P`."""
    if not isinstance(value, dict):
        return value
    return [f"{key}:{','.join(each) if isinstance(each, list) else each}" for key, each in value.items()]


def load_defaults(config: str) -> dict[str, Any]:
    """`{command: {option: value}}` from `config`, else from pyproject.toml, else from dsforge.toml.

    Raises:
        ConfigError: the file is missing, unreadable or not TOML.
    """
    if config:
        return _section(Path(config))
    for name in ("pyproject.toml", "dsforge.toml"):
        path = Path(name)
        if path.is_file() and (found := _section(path)):
            return found
    return {}
