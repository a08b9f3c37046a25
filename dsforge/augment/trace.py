"""Where a generated row comes from, written into its metadata."""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec
from msgspec.structs import replace

from dsforge.augment.judging import Score
from dsforge.example import JSON, Example


class Provenance(msgspec.Struct, frozen=True, omit_defaults=True):
    """The origin of a generated row.

    `source_row` counts the rows of the seed file from 1; `source_id` is that row's `id`, as text. `number` is which of
    the rows made from it this is, `prompt` the digest of the prompt's text. `request` is the server's id of the answer
    ("" where it gave none), `time` when it came, in UTC; a row made of several answers names the last. `score` is what
    a model thinks of the row, where it was asked, `mended` the codes of what was wrong with the row that this mends.
    """

    method: str
    model: str
    source_row: int
    source_id: str | None
    number: int
    prompt: str
    request: str
    time: str
    score: Score | None = None
    mended: list[str] = []


def utc(seconds: float) -> str:
    """Seconds since 1970 as `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def traced(example: Example, provenance: Provenance, *, strip: bool = False, same_row: bool = False) -> Example:
    """`example` with its provenance (without any where it is stripped), and an `id` of its own where its seed has one;
    the same `id` where it is the `same_row`, changed.

    A seed that was itself generated leaves its provenance under `provenance.parent`. An id that is no text is left
    out, as one of another type would not load beside it.
    """
    meta = dict(example.meta)
    origin: dict[str, JSON] = msgspec.to_builtins(provenance)
    if "provenance" in meta:
        origin["parent"] = meta["provenance"]
    identity = None if same_row else meta.pop("id", None)
    if isinstance(identity, str):
        meta["id"] = f"{identity}-{provenance.method}-{provenance.number}"
    if strip:
        meta.pop("provenance", None)
    else:
        meta["provenance"] = origin
    return replace(example, meta=meta)


def noted(example: Example, provenance: Provenance, field: str) -> Example:
    """`example` with whose opinion it is that stands under `field` of its metadata: model, prompt, request and time."""
    whose = {name: getattr(provenance, name) for name in ("model", "prompt", "request", "time")}
    return replace(example, meta={**example.meta, field: {**example.meta[field], **whose}})
