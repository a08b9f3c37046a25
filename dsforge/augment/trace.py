"""Where a generated row comes from, written into its metadata."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from dsforge.example import JSON, Example


class Provenance(msgspec.Struct, frozen=True):
    """The origin of a generated row.

    `source_row` counts the rows of the seed file from 1; `source_id` is that row's `id`, as text. `number` is which of
    the rows made from it this is, `prompt` the digest of the prompt's text.
    """

    method: str
    model: str
    source_row: int
    source_id: str | None
    number: int
    prompt: str


def traced(example: Example, provenance: Provenance) -> Example:
    """`example` with its provenance, and an `id` of its own where its seed has one.

    A seed that was itself generated leaves its provenance under `provenance.parent`. An id that is no text is left
    out, as one of another type would not load beside it.
    """
    meta = dict(example.meta)
    origin: dict[str, JSON] = msgspec.to_builtins(provenance)
    if "provenance" in meta:
        origin["parent"] = meta["provenance"]
    identity = meta.pop("id", None)
    if isinstance(identity, str):
        meta["id"] = f"{identity}-{provenance.method}-{provenance.number}"
    meta["provenance"] = origin
    return replace(example, meta=meta)
