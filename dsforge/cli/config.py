"""Defaults for the command line's options, from TOML.

`[tool.dsforge.lint]` in pyproject.toml, or `[lint]` in dsforge.toml, holds the options of
`dsforge lint` by their long names: `select = ["S", "T"]`, `per-file-ignores = {"raw/*" = ["Q"]}`. What is given on
the command line wins. Both files are looked for in the working folder alone, from which paths in them count too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from dsforge.cli.option import fitted, is_option, long_name, must_be
from dsforge.errors import ConfigError

FILES = ("pyproject.toml", "dsforge.toml")


@dataclass(frozen=True)
class Defaults:
    """The defaults that a file gives, by command; `prefix` is what stands before a command's name in the file."""

    path: str = ""
    prefix: str = ""
    sections: dict[str, dict[str, Any]] | None = None

    def of(self, command: str, params: Sequence[Any]) -> dict[str, Any]:
        """The defaults of the parameters of a command, by their names in Python.

        Raises:
            ConfigError: there is no such option, or it takes something else.
        """
        options = {long_name(param): param for param in params if is_option(param)}
        values: dict[str, Any] = {}
        for key, value in (self.sections or {}).get(command, {}).items():
            param = options.get(key.replace("_", "-"))
            place = f"{self.path}: [{self.prefix}{command}]"
            if param is None:
                raise ConfigError(f"{place} has no option {key!r}{_near(key, options)}")
            values[param.name] = fitted(param, value)
            if values[param.name] is None:
                raise ConfigError(f"{place} {must_be(param, key, value)}")
        return values


def _near(word: str, known: Iterable[str]) -> str:
    words = sorted(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else f": write one of {', '.join(words)}"


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


def _defaults(path: Path, commands: Collection[str]) -> Defaults:
    """What a file says of the commands; of pyproject.toml only `[tool.dsforge]` is dsforge's."""
    content = _read(path)
    prefix = "tool.dsforge." if path.name == "pyproject.toml" else ""
    tool = content.get("tool", {})
    sections = (tool.get("dsforge", {}) if isinstance(tool, dict) else {}) if prefix else content
    if not isinstance(sections, dict):
        raise ConfigError(f"{path}: tool.dsforge must be a table of commands, as [tool.dsforge.lint]")
    for name, options in sections.items():
        if name not in commands:
            raise ConfigError(f"{path}: {_no_command(prefix, name, options, commands)}")
        if not isinstance(options, dict):
            raise ConfigError(f"{path}: {prefix}{name} must be a table of options, as [{prefix}{name}]")
    return Defaults(str(path), prefix, sections)


def _no_command(prefix: str, name: str, value: object, commands: Collection[str]) -> str:
    if isinstance(value, dict):
        return f"there is no command for [{prefix}{name}]{_near(name, commands)}"
    return f"{name} belongs to no command: put it under one, as [{prefix}lint]"


def load_defaults(config: str, commands: Collection[str]) -> Defaults:
    """The defaults in `config`, else in pyproject.toml, else in dsforge.toml of the working folder.

    Raises:
        ConfigError: the file is missing, unreadable or not TOML, or has a section for what is no command.
    """
    if config:
        return _defaults(Path(config), commands)
    for name in FILES:
        if Path(name).is_file() and (found := _defaults(Path(name), commands)).sections:
            return found
    return Defaults()


def overlooked() -> str:
    """A line for the user where a folder above has defaults, up to that of the repository; "" where none has."""
    here = Path.cwd()
    repository = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
    above = [folder for folder in here.parents if folder.is_relative_to(repository)]
    for file in (folder / name for folder in above for name in FILES):
        if _may_have_defaults(file):
            path = os.path.relpath(file)
            return f"{path} is not read here: run dsforge in its folder, or dsforge --config {path} COMMAND"
    return ""


def _may_have_defaults(path: Path) -> bool:
    try:
        return path.is_file() and (
            path.name != "pyproject.toml" or "[tool.dsforge" in path.read_text("utf-8", "replace")
        )
    except OSError:
        return False
