"""Self-instruct: a new instruction of the kind that several seeds show, with an answer of its own."""

from __future__ import annotations

from dataclasses import replace

from dsforge.augment.methods.evolve import METHOD as EVOLVE

METHOD = replace(
    EVOLVE,
    name="self-instruct",
    summary="a new instruction of the kind that several seeds show, with its answer",
    neighbours=4,
)
