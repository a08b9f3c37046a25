"""Names of inputs and outputs: `FILE#PART`, and what the end of a name says."""

from __future__ import annotations

from pathlib import Path


def split_part(source: str | Path) -> tuple[str, str]:
    """`(file, part)` of `FILE#PART` (a sheet of a workbook, a member of a zip); a file of that very name wins."""
    name = str(source)
    if "#" not in name or Path(name).exists():
        return name, ""
    pieces = name.split("#")
    for count in range(1, len(pieces)):
        path, part = "#".join(pieces[:count]), "#".join(pieces[count:])
        if path and part and Path(path).exists():
            return path, part
    return name, ""


def file_of(source: str | Path) -> Path:
    """The file that `FILE` or `FILE#PART` lies in."""
    return Path(split_part(source)[0])
