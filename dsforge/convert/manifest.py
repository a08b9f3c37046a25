"""The manifest beside a converted file: what it was made of, by which choices, and what was lost on the way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import dsforge
from dsforge.convert.job import Job
from dsforge.convert.result import ConvertResult
from dsforge.engine.chunks import read_once
from dsforge.example import JSON
from dsforge.io.atomic import atomic_write


def manifest_path(output: str | Path) -> Path:
    """Where the manifest of `output` goes: beside it, as `NAME.manifest.json`."""
    path = Path(output)
    return path.with_name(f"{path.stem}.manifest.json")


def write_manifest(
    sources: Sequence[str], output: str | Path, rejects: str | Path, job: Job, result: ConvertResult
) -> None:
    """Write the manifest; it holds no time of its own, so that the same run writes the same bytes."""
    layout = dict(job.layout.paths) if job.layout else None
    manifest: dict[str, JSON] = {
        "dsforge": dsforge.__version__,
        "command": "convert",
        "inputs": [_file(source) for source in sources],
        "from": result.formats,
        "to": job.to,
        "output": _file(output),
        "rejects": str(rejects) if result.rows_rejected else None,
        "rows_in": result.rows_in,
        "rows_out": result.rows_out,
        "rows_rejected": result.rows_rejected,
        "rejected": [{"code": reason.code, "rows": reason.rows, "first": reason.first} for reason in result.reasons],
        "losses": result.losses,
        "first_lost": {feature: {"path": path, "line": line} for feature, (path, line) in result.first_lost.items()},
        "lost_fields": result.lost_fields,
        "options": job.choices(result.formats),
        "map": layout,
        "dataset_info": job.entry.name if job.entry else None,
        "on_loss": job.on_loss,
        "keep_extra": job.keep_extra,
        "hf_compat": job.hf_compat,
        "verified": result.verified,
    }
    with atomic_write(manifest_path(output)) as file:
        file.write(json.dumps(manifest, ensure_ascii=False, indent=2).encode() + b"\n")


def _file(path: str | Path) -> JSON:
    """A file by name and size; nothing but the name of one that gives its bytes only once."""
    if read_once(str(path)) or not Path(path).is_file():
        return {"path": str(path)}
    return {"path": str(path), "bytes": Path(path).stat().st_size}
