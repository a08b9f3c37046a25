"""A file of findings that are accepted: only what is new since then is told.

A finding is known by its code, its place in the row, and the row itself, so that rows may be added, removed and
moved; a row that changes has to be looked at anew. Of equal rows as many findings are accepted as there were.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path

from dsforge.errors import ConfigError
from dsforge.finding import Finding
from dsforge.formats.read import array_is_row
from dsforge.io.atomic import atomic_write
from dsforge.io.rows import RowReader

VERSION = 1


def _digests(path: str, rows: frozenset[int]) -> dict[int, str]:
    """What tells each of the rows apart, by number."""
    digests: dict[int, str] = {}
    for number, _, _, _, raw in RowReader(path, strict=True, array_is_row=partial(array_is_row, path=path)).raw_rows():
        if number in rows:
            digests[number] = blake2b(raw, digest_size=12).hexdigest()
            if len(digests) == len(rows):
                break
    return digests


def _keys(findings: Sequence[Finding]) -> list[str]:
    """What each finding is known by."""
    rows: dict[str, set[int]] = {}
    for finding in findings:
        if finding.row:
            rows.setdefault(finding.path, set()).add(finding.row)
    digests = {path: _digests(path, frozenset(numbers)) for path, numbers in rows.items()}
    return [
        f"{found.code} {digests[found.path].get(found.row, '') if found.row else found.path} {found.pointer}".strip()
        for found in findings
    ]


def write_baseline(path: str | Path, findings: Sequence[Finding]) -> int:
    """Accept the findings from now on; how many they are.

    Raises:
        OutputError: the file cannot be written.
    """
    counts = Counter(_keys(findings))
    accepted = {key: counts[key] for key in sorted(counts)}
    with atomic_write(path) as file:
        file.write(
            json.dumps({"version": VERSION, "accepted": accepted}, indent=1, ensure_ascii=False).encode() + b"\n"
        )
    return len(findings)


def read_baseline(path: str | Path) -> dict[str, int]:
    """How many findings are accepted, by what they are known by.

    Raises:
        ConfigError: the file is missing, or is none that `write_baseline` wrote.
    """
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: write it with --write-baseline {path}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no baseline: {error}; write it anew with --write-baseline {path}") from error
    accepted = content.get("accepted") if isinstance(content, dict) and content.get("version") == VERSION else None
    if not isinstance(accepted, dict) or not all(isinstance(count, int) for count in accepted.values()):
        raise ConfigError(f"{path} is no baseline of this version: write it anew with --write-baseline {path}")
    return accepted


def without_accepted(findings: Sequence[Finding], accepted: dict[str, int]) -> list[Finding]:
    """The findings that the baseline does not accept, in their order."""
    left = Counter(accepted)
    new: list[Finding] = []
    for finding, key in zip(findings, _keys(findings), strict=True):
        if left[key] > 0:
            left[key] -= 1
        else:
            new.append(finding)
    return new
