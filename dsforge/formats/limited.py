"""A format that can hold a feature in some examples and not in others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dsforge.example import Example
from dsforge.feature import Feature
from dsforge.formats.format import Format


def _nothing(example: Example) -> set[Feature]:
    return set()


@dataclass(frozen=True, slots=True)
class LimitedFormat(Format):
    """`beyond(example)` are the features that the format holds, but not as this example uses them."""

    beyond: Callable[[Example], set[Feature]] = field(default=_nothing)

    def losses(self, example: Example) -> set[Feature]:
        """What `example` uses and this format cannot hold, or not in the way that it uses it."""
        return Format.losses(self, example) | self.beyond(example)
