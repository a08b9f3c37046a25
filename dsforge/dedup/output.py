"""The files that a deduplication or a check writes, all at once or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dsforge.errors import UsageError
from dsforge.io.naming import split_part
from dsforge.io.rejects import rejects_path, remove_stale
from dsforge.io.together import check_outputs, rows_together
from dsforge.similarity.collect import Collected
from dsforge.similarity.shingle import I64


def check_apart(sources: Sequence[str], others: Sequence[str]) -> None:
    """Refuse a file that is compared with itself: all of its rows would be found.

    Raises:
        UsageError
    """
    here = set(map(_identity, sources))
    for other in others:
        if _identity(other) in here:
            name = "standard input" if other == "-" else other
            raise UsageError(f"{name} is on both sides: a file compared with itself is all copies; name another")


def _identity(source: str) -> tuple[Path, str]:
    path, part = split_part(source)
    return Path(path) if path == "-" else Path(path).resolve(), part


@dataclass(frozen=True)
class Outputs:
    """Where the kept rows go, those that could not be decoded (beside them, by default), and the clusters."""

    rows: str | Path
    rejects: str | Path | None = None
    clusters: str | Path | None = None

    @property
    def rejects_file(self) -> str | Path:
        """Where the rejects go."""
        return self.rejects or rejects_path(self.rows)

    def check(self, sources: Sequence[str], others: Sequence[str | Path] = ()) -> None:
        """Refuse, before the work, what cannot be written or is an input; `others` are outputs that hold no rows."""
        rows = [self.rows, self.rejects_file, *([self.clusters] if self.clusters else [])]
        check_outputs(sources, rows, others=others)

    def write(self, rows: Collected, kept: I64, clusters: Iterable[bytes] = ()) -> list[str]:
        """Write the kept rows, which ascend, the lines of the clusters and the rejects; what the user should know."""
        rejects = self.rejects_file
        paths = [self.rows, *([self.clusters] if self.clusters else []), *([rejects] if rows.rejects else [])]
        with rows_together(paths) as files:
            for lines in rows.lines(kept):
                files[0].write_lines(lines)
            if self.clusters:
                for line in clusters:
                    files[1].write(line)
            for reject in rows.rejects:
                files[-1].write(reject.to_json())
        if not rows.rejects and "-" not in (str(rejects), str(self.rows)):
            remove_stale(rejects)
        return [notice for file in files for notice in file.notices]
