"""Finds the frozen values (formats, rules, methods, recipes) that live one to a file.

A module that defines the named constant is a member; nothing else has to know it exists. Adding
one is adding a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def _walk(package: ModuleType) -> Iterator[ModuleType]:
    for found in sorted(iter_modules(package.__path__), key=lambda entry: entry.name):
        module = import_module(f"{package.__name__}.{found.name}")
        if found.ispkg:
            yield from _walk(module)
        else:
            yield module


@cache
def discover(package: str, constant: str) -> tuple[tuple[ModuleType, object], ...]:
    """Every `(module, value)` under `package` whose module defines `constant`, ordered by module path."""
    return tuple(
        (module, getattr(module, constant)) for module in _walk(import_module(package)) if hasattr(module, constant)
    )


def values(package: str, constant: str, kind: type[T]) -> tuple[T, ...]:
    """The values of `discover`, checked to be of type `kind` (TypeError names the module that is not)."""
    result = []
    for module, value in discover(package, constant):
        if not isinstance(value, kind):
            raise TypeError(f"{module.__name__}.{constant} is not a {kind.__name__}")
        result.append(value)
    return tuple(result)
