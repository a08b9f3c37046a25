"""Rows held out for the validation loss, without leaks."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson

from dsforge.errors import OutputError
from dsforge.io.naming import file_of
from dsforge.io.rows import RowReader
from dsforge.io.write import row_writer
from dsforge.split import split
from dsforge.train.config import DataConfig, TrainConfig
from dsforge.train.workspace import HELD_OUT, check_folder, give_up, locked, run_folder, unfinished_folder


@contextmanager
def training_files(config: TrainConfig, *, check: bool, workers: int = 1) -> Iterator[TrainConfig]:
    """The configuration with files in place of a share, for as long as the block runs.

    They stand in the folder in which the run is made, and so in the run's own once it is done; of a `check` nothing is
    left. Where the run fails and there is nothing to go on from, they are gone as well.

    Raises:
        InputError: the rows cannot be parted.
        OutputError: the run's folder is taken, or another process is making it.
    """
    if not isinstance(config.data.validation, float):
        yield config
        return
    check_folder(config)
    if check:
        with tempfile.TemporaryDirectory(prefix="dsforge-rows-") as folder:
            yield hold_out(config, Path(folder), workers)
        return
    partial = unfinished_folder(run_folder(config))
    with locked(partial):  # not while another process trains on them
        try:
            files = hold_out(config, partial / HELD_OUT, workers)
        except BaseException:
            give_up(partial)
            raise
    try:
        yield files
    except BaseException:
        with suppress(OutputError), locked(partial):
            give_up(partial)
        raise


def hold_out(config: TrainConfig, folder: Path, workers: int = 1) -> TrainConfig:
    """The configuration with files in place of a share: `data.validation` parted from each file of `data.path`.

    The files are written to `folder`: rows keep their bytes, near-duplicates stay on one side, categories are spread,
    and the same rows and `run.seed` give the same files. Each file is split by itself, so weights stay by file; what is
    held out of all stands in one file. Rows that cannot be decoded go, after the others, to the file for training,
    whose rejects then name them: so no row is lost. `data.limit` is applied before.

    Raises:
        InputError: the rows cannot be parted, all being alike or too few.
    """
    data = config.data
    if not isinstance(data.validation, float):
        return config
    folder.mkdir(parents=True, exist_ok=True)
    train, held = [], []
    for index, path in enumerate(data.paths, 1):
        name = f"{file_of(path).name.partition('.')[0]}-{index}"
        source = path if data.limit is None else _first_rows(path, data.limit, folder / f"{name}.limited.jsonl")
        sides = folder / f"{name}.train.jsonl", folder / f"{name}.validation.jsonl"
        rejects = folder / f"{name}.rejects.jsonl"
        split(
            [source], *sides, ratio=1 - data.validation, seed=config.run.seed, rejects=rejects,
            format_name=data.format, workers=workers,
        )  # fmt: skip
        _give_back(rejects, sides[0])
        train.append(str(sides[0]))
        held.append(sides[1])
    validation = folder / "validation.jsonl"
    with validation.open("wb") as file:
        for side in held:
            file.write(side.read_bytes())
            side.unlink()
    return config.model_copy(update={"data": _with_files(data, train, str(validation))})


def _with_files(data: DataConfig, train: list[str], validation: str) -> DataConfig:
    path = train[0] if isinstance(data.path, str) else train
    return data.model_copy(update={"path": path, "validation": validation, "limit": None})


def _first_rows(path: str, limit: int, output: Path) -> str:
    """The first `limit` rows of a file, readable or not, as lines of their own."""
    with row_writer(output) as write:
        for row in RowReader(path):
            if row.number > limit:
                break
            write(_as_line(row.raw))
    return str(output)


def _as_line(raw: bytes) -> bytes:
    """A row as one line: what JSON has between its parts may be a space as well."""
    return raw.replace(b"\r", b" ").replace(b"\n", b" ") or b" "


def _give_back(rejects: Path, train: Path) -> None:
    """Add the rows that could not be decoded to the file for training."""
    if not rejects.exists():
        return
    with train.open("ab") as file:
        for line in rejects.read_bytes().splitlines():
            entry = orjson.loads(line)
            file.write(_as_line(_raw_of(entry)) + b"\n")
    rejects.unlink()


def _raw_of(entry: dict[str, str]) -> bytes:
    return entry["raw"].encode() if "raw" in entry else base64.b64decode(entry["raw_base64"])
