"""Arguments of the classes of TRL and PEFT, by name and by declared type: neither of them looks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_type_hints

from dsforge.errors import ConfigError, did_you_mean


def check_names(given: set[str], known: set[str], section: str, what: str) -> None:
    """ConfigError for a name that is no argument, with the nearest one that is."""
    for name in sorted(given - known):
        raise ConfigError(f"{section}.{name} is no argument of {what}{_near(name, known)}")


def _near(name: str, known: set[str]) -> str:
    hint = did_you_mean(name, known)
    return hint if "did you mean" in hint else f" (its documentation lists all {len(known)})"


def make(section: str, kind: Any, values: dict[str, Any], fixed: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """`kind` of these values, each of the type that is declared there, and of `fixed` ones, which are ours.

    Raises:
        ConfigError: a value is of another type, or they do not go together.
    """
    from pydantic import TypeAdapter, ValidationError

    hints = get_type_hints(kind)
    values = {name: [value] if _is_one_of(hints[name], value) else value for name, value in values.items()}
    for name, value in values.items():
        try:
            TypeAdapter(hints[name]).validate_python(value)
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"]
            raise ConfigError(f"{section}.{name}={value}: {reason[:1].lower()}{reason[1:]}") from error
    try:
        return kind(**{**values, **fixed})
    except (TypeError, ValueError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(f"{section}: the values do not fit: {reason}") from error


def _is_one_of(hint: Any, value: Any) -> bool:
    """Whether a single text stands where a list of texts is declared, as TRL allows it."""
    return hint == list[str] and isinstance(value, str)
