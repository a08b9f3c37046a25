"""Fill: new instructions with answers for the categories that have few, made from seeds of the same category."""

from __future__ import annotations

from dataclasses import replace

from dsforge.augment.methods.evolve import METHOD as EVOLVE

METHOD = replace(
    EVOLVE,
    name="fill",
    summary="new instructions with answers for the categories that have few",
    options=frozenset({"by"}),
)
