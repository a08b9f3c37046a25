"""What a method is: what its prompt may see of an example, and the new example made from an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from dsforge.errors import UsageError, did_you_mean
from dsforge.example import Example
from dsforge.registry import values

NUMBER = "number"
"""The name under which every prompt sees which of the wanted rows (from 1) it asks for."""


UNFIT = "A901"
"""The code of a reject that is no flaw of the row: the method has no use for it."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to make a row from a row; its prompt is `conf/augment/NAME.jinja`.

    `variables` are the names its prompt may use, beside `number`; `show(example)` gives their values, and raises
    RowError where the example is nothing the method can work on. `text(example)` is what the method writes anew,
    and `replace(example, text)` the example with `text` in its place; neither changes the example.
    """

    name: str
    summary: str
    variables: frozenset[str]
    show: Callable[[Example], Mapping[str, object]]
    text: Callable[[Example], str]
    replace: Callable[[Example, str], Example]


@lru_cache(maxsize=1)
def all_methods() -> dict[str, Method]:
    """Every method by name, found by a walk over methods/."""
    return {method.name: method for method in values("dsforge.augment.methods", "METHOD", Method)}


def get_method(name: str) -> Method:
    """The method called `name`; UsageError where there is none."""
    try:
        return all_methods()[name]
    except KeyError:
        raise UsageError(f"no method {name!r}{did_you_mean(name, all_methods())}") from None
