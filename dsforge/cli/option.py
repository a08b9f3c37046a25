"""What an option takes, in words: for what is wrong on the command line, and in the defaults of a TOML file."""

from __future__ import annotations

from enum import Enum
from typing import Any

from dsforge.errors import did_you_mean

_SHOWN = 60  # characters of a wrong value
_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def long_name(param: Any) -> str:
    """`--fail-on`, without its dashes."""
    return next((str(name)[2:] for name in param.opts if name.startswith("--")), str(param.name))


def is_option(param: Any) -> bool:
    """Whether it is an option, which a file may give a default, and no argument."""
    return any(name.startswith("--") for name in param.opts)


def _type_of(param: Any) -> Any:
    return param.type_descriptor.annotation


def choices(param: Any) -> list[str]:
    """The words that an option is one of; none where it is no choice."""
    kind = _type_of(param)
    return [each.value for each in kind] if isinstance(kind, type) and issubclass(kind, Enum) else []


def wanted(param: Any) -> str:
    """What an option takes: `one of error, warning, info, never`, `a whole number from 1 on`."""
    if words := choices(param):
        return f"one of {', '.join(words)}"
    if param.multiple:
        return "a list of texts"
    named = _NAMES.get(_type_of(param), "a text")
    if param.min is not None and param.max is not None:
        return f"{named} from {param.min} to {param.max}"
    return f"{named} from {param.min} on" if param.min is not None else named


def must_be(param: Any, name: str, value: object = None) -> str:
    """`--fail-on must be one of error, warning, not 'warn'; did you mean 'warning'?`"""
    given = "" if value is None else f", not {_shown(value)}"
    near = did_you_mean(value, choices(param)) if isinstance(value, str) and choices(param) else ""
    return f"{name} must be {wanted(param)}{given}{near if 'did you mean' in near else ''}"


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def fitted(param: Any, value: object) -> Any:
    """A value of a TOML file as the option takes it; None where it is of another type.

    An option that may be given several times takes a text for a list of one, and a table for a list of its pairs:
    `{"raw/*" = ["Q", "P"]}` is `["raw/*:Q,P"]`.
    """
    if param.multiple:
        texts = [value] if isinstance(value, str) else _pairs(value) if isinstance(value, dict) else value
        return texts if isinstance(texts, list) and all(isinstance(text, str) for text in texts) else None
    if words := choices(param):
        return value if value in words else None
    kind = _type_of(param)
    if kind is bool or isinstance(value, bool):
        return value if kind is bool and isinstance(value, bool) else None
    if kind in (int, float):
        fits = isinstance(value, (int, kind)) and _is_within(param, value)
        return value if fits else None
    return value if isinstance(value, str) else None


def _is_within(param: Any, value: float) -> bool:
    return (param.min is None or value >= param.min) and (param.max is None or value <= param.max)


def _pairs(table: dict[str, object]) -> list[str] | None:
    pairs = []
    for key, value in table.items():
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            return None
        pairs.append(f"{key}:{','.join(words)}")
    return pairs


def complaint(error: Any) -> str:
    """What is wrong on a command line, in one line; typer and pydantic say it in words for programmers."""
    param, reason = getattr(error, "param", None), error.__cause__
    if param is None or not hasattr(reason, "errors"):
        return " ".join(error.format_message().split())
    value = reason.errors()[0].get("input")
    name = f"--{long_name(param)}" if is_option(param) else param.metavar or str(param.name).upper()
    return must_be(param, name, value if isinstance(value, str) else None)
