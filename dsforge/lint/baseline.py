"""A file of findings that are accepted: only what is new since then is told.

A finding is known by its code, its place in the row, and what the row says, so that rows may be added, removed, moved
and written in another way (white space, the order of keys, an array or a line each); a row that says something else
has to be looked at anew. Of equal rows as many findings are accepted as there were.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path, PurePath

import orjson

from dsforge.errors import ConfigError, UsageError
from dsforge.finding import Finding
from dsforge.formats.format import get_format
from dsforge.formats.read import array_is_row
from dsforge.io.atomic import atomic_write, is_special
from dsforge.io.naming import file_of
from dsforge.io.rows import RowReader, parse

VERSION = 2
"""1 knew rows by their bytes."""


def check_readable_twice(sources: Sequence[str]) -> None:
    """Raise UsageError where a source is gone once it is read: rows with findings are read again for a baseline."""
    for source in sources:
        if source == "-" or is_special(file_of(source)):
            name = "standard input" if source == "-" else source
            raise UsageError(f"a baseline reads rows twice, and {name} can be read once: save it to a file, name that")


def _said(raw: bytes) -> bytes:
    """What a row says, however it is written; the bytes of one that is not valid JSON."""
    value, problems = parse(raw, strict=True)
    if problems:
        return raw
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digests(path: str, rows: frozenset[int], format_name: str) -> dict[int, str]:
    """What tells each of the rows apart, by number."""
    fmt = None if format_name == "auto" else get_format(format_name)
    reader = RowReader(path, strict=True, array_is_row=partial(array_is_row, path=path, fmt=fmt))
    digests: dict[int, str] = {}
    for number, _, _, _, raw in reader.raw_rows():
        if number in rows:
            digests[number] = blake2b(_said(raw), digest_size=12).hexdigest()
            if len(digests) == len(rows):
                break
    return digests


def _keys(findings: Sequence[Finding], format_name: str) -> list[str]:
    """What each finding is known by."""
    rows: dict[str, set[int]] = {}
    for finding in findings:
        if finding.row:
            rows.setdefault(finding.path, set()).add(finding.row)
    digests = {path: _digests(path, frozenset(numbers), format_name) for path, numbers in rows.items()}

    def place(found: Finding) -> str:
        return digests[found.path].get(found.row, "") if found.row else PurePath(found.path).as_posix()

    return [f"{found.code} {place(found)} {found.pointer}".strip() for found in findings]


def write_baseline(path: str | Path, findings: Sequence[Finding], format_name: str = "auto") -> int:
    """Accept the findings from now on; how many they are. The rows were read as `format_name`.

    Raises:
        OutputError: the file cannot be written.
    """
    counts = Counter(_keys(findings, format_name))
    accepted = {key: counts[key] for key in sorted(counts)}
    with atomic_write(path) as file:
        file.write(
            json.dumps({"version": VERSION, "accepted": accepted}, indent=1, ensure_ascii=False).encode() + b"\n"
        )
    return len(findings)


def read_baseline(path: str | Path) -> dict[str, int]:
    """How many findings are accepted, by what they are known by.

    Raises:
        ConfigError: the file is missing, of another version, or none that `write_baseline` wrote.
    """
    anew = f"write it anew with --write-baseline {path}"
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: write it with --write-baseline {path}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is no baseline: {error}; {anew}") from error
    version = content.get("version") if isinstance(content, dict) else None
    if isinstance(version, int) and version != VERSION:
        age = "an older" if version < VERSION else "a newer"
        raise ConfigError(f"{path} was written by {age} dsforge, which knew rows by other marks: {anew}")
    accepted = content.get("accepted") if version == VERSION else None
    if not isinstance(accepted, dict) or not all(isinstance(count, int) for count in accepted.values()):
        raise ConfigError(f"{path} is no baseline: {anew}")
    return accepted


def without_accepted(findings: Sequence[Finding], accepted: dict[str, int], format_name: str = "auto") -> list[Finding]:
    """The findings that the baseline does not accept, in their order. The rows were read as `format_name`."""
    left = Counter(accepted)
    new: list[Finding] = []
    for finding, key in zip(findings, _keys(findings, format_name), strict=True):
        if left[key] > 0:
            left[key] -= 1
        else:
            new.append(finding)
    return new
