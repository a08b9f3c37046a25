"""Tab completion of the command line: commands, their options, and the groups, keys and files of Hydra's overrides."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from dsforge.errors import DsforgeError, UsageError, did_you_mean

_WITH_OVERRIDES = ("train", "export")
_FILES = ("data.path", "data.validation", "model.path", "model.template", "run.folder")

_BASH = """\
_dsforge() {
    local line="${COMP_LINE:0:$COMP_POINT}"
    local word="${line##* }"
    local IFS=$'\\n'
    COMPREPLY=($(@PROGRAM@ train --complete "$line" 2>/dev/null))
    # readline replaces only what stands behind the last of its word breaks
    if [[ "$word" == *=* && "$COMP_WORDBREAKS" == *=* ]]; then
        local before="${word%"${word##*=}"}"
        COMPREPLY=("${COMPREPLY[@]#"$before"}")
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[*]}" == *[=./] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o default -F _dsforge dsforge"""
_SCRIPTS = {
    "bash": _BASH.replace("@PROGRAM@", '"${COMP_WORDS[0]}"'),
    "zsh": "autoload -Uz bashcompinit && bashcompinit\n" + _BASH.replace("@PROGRAM@", "dsforge"),
    "fish": "complete -c dsforge -a '(dsforge train --complete (commandline -cp))'",
}


def script(shell: str) -> str:
    """The text that a shell evaluates to complete `dsforge`: `eval "$(dsforge train --completion bash)"`.

    Raises:
        UsageError: there is none for that shell.
    """
    if shell not in _SCRIPTS:
        raise UsageError(f"no completion for {shell!r}{did_you_mean(shell, _SCRIPTS)}")
    return _SCRIPTS[shell]


def candidates(line: str) -> list[str]:
    """What the last word of `line`, up to the cursor, can become; none leaves it to the shell, which knows files."""
    from dsforge.cli.main import COMMANDS

    words = line.split()[1:]
    word = "" if not words or line[-1:].isspace() else words.pop()
    if not words:
        return _beginning(word, ["--help", "--version", "--config"] if word.startswith("-") else COMMANDS)
    command = words[0]
    if command not in COMMANDS:
        return []
    if word.startswith("-"):
        return _beginning(word, [*_options(command), "--help"])
    if command not in _WITH_OVERRIDES:
        return []
    try:
        return _beginning(word, _overrides(words[1:], word))
    except DsforgeError:  # what stands before is not right yet
        return []


def _beginning(word: str, known: Iterable[str]) -> list[str]:
    return sorted({text for text in known if text.startswith(word)})


def _params(command: str) -> list[Any]:
    from importlib import import_module

    import typer

    return list(typer.main.get_command(import_module(f"dsforge.cli.{command}").app).params)


def _options(command: str) -> list[str]:
    return [name for param in _params(command) for name in param.opts if name.startswith("--") and not param.hidden]


def _overrides(words: list[str], word: str) -> list[str]:
    key, equals, value = word.partition("=")
    if equals and key in _FILES:
        return [f"{key}={path}" for path in _files(value)]
    from dsforge.train.app import Origin
    from dsforge.train.show import completions

    folder, name = _value_of(words, "--config-dir", "-cd"), _value_of(words, "--config-name", "-cn")
    return completions([text for text in words if "=" in text], word, Origin(folder, name or "train"))


def _value_of(words: list[str], *names: str) -> str:
    """What stands behind an option, "" where it was not given."""
    for option, value in pairwise(words):
        if option in names:
            return value
    return ""


def _files(begin: str) -> list[str]:
    """Files and folders whose path begins so, folders with a slash."""
    folder, last = os.path.split(begin)
    try:
        found = sorted(Path(folder or ".").iterdir())
    except OSError:
        return []
    names = [path for path in found if path.name.startswith(last) and (last or not path.name.startswith("."))]
    return [os.path.join(folder, path.name) + ("/" if path.is_dir() else "") for path in names]  # noqa: PTH118
