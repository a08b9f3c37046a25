"""What a user names as input, as files: globs, and folders that are Hugging Face datasets."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from dsforge.errors import InputError, UsageError
from dsforge.io.compression import PACKINGS
from dsforge.io.naming import split_part

_NOT_DATA = (".rejects.jsonl", ".manifest.json")  # what dsforge writes beside its outputs
_NO_ROWS = {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}
_KINDS = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".arrow")
_SPLITS = (
    ("train", r"train|training"),
    ("validation", r"validation|valid|val|dev"),
    ("test", r"test|testing|eval|evaluation"),
)
"""The words by which datasets tells the split of a file from its name."""


def expand_sources(inputs: Iterable[str]) -> list[str]:
    """The files that `inputs` name, in their order; those of a glob sorted, and each only once.

    A glob passes over the rejects and manifests that lie beside outputs. A folder is a dataset as `save_to_disk`
    or the Hub has it; `FOLDER#train` picks a split. A file of that very name always wins. What does not exist is
    left as it is, for the reader to say so.

    Raises:
        UsageError: a glob matches nothing, a folder holds several splits and none is picked, or not the one picked.
        InputError: a folder's description cannot be read.
    """
    files: list[str] = []
    for name in inputs:
        path, part = split_part(name)
        if Path(path).is_dir():
            files += _dataset(path, part)
        elif Path(path).exists() or name == "-" or not glob.has_magic(name):
            files.append(name)
        else:
            files += [found for found in _glob(name) if found not in files]
    return files


def _glob_names(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern


def _glob(pattern: str) -> list[str]:
    found = [name for name in sorted(_glob_names(pattern)) if Path(name).is_file()]
    kept = [name for name in found if not name.endswith(_NOT_DATA)]
    if not kept:
        only = " but rejects and manifests" if found else ""
        raise UsageError(f"no file matches {pattern}{only}: check the pattern (working folder: {Path.cwd()})")
    return kept


def _dataset(folder: str, part: str) -> list[str]:
    """The files of a dataset in a folder; the folder itself where it is none."""
    splits = _splits(Path(folder))
    if not splits:
        return [f"{folder}#{part}" if part else folder]
    names = ", ".join(splits)
    if part:
        chosen = [split for split in splits if part in (split, split.partition("/")[0])]
        if len(chosen) != 1:
            raise UsageError(f"{folder} has no split {part!r}: it has {names}")
        return splits[chosen[0]]
    if len(splits) > 1:
        raise UsageError(f"{folder} holds several splits: {names}; name one, as {folder}#{next(iter(splits))}")
    return next(iter(splits.values()))


def _splits(folder: Path) -> dict[str, list[str]]:
    """The files of each split, `CONFIG/SPLIT` where there are several configurations."""
    if (folder / "dataset_dict.json").is_file():
        names = _json(folder / "dataset_dict.json").get("splits")
        return {name: _saved(folder / name)[1] for name in names} if isinstance(names, list) else {}
    if (folder / "state.json").is_file():
        return dict([_saved(folder)])
    return _configured(folder) or _by_name(folder)


def _json(path: Path) -> dict[str, object]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}; was the dataset saved in full?") from error
    if not isinstance(value, dict):
        raise InputError(f"{path} is no JSON object: was the dataset saved in full?")
    return value


def _saved(folder: Path) -> tuple[str, list[str]]:
    """`(split, files)` of a dataset that `save_to_disk` wrote, the files in their order."""
    state = _json(folder / "state.json")
    data = state.get("_data_files")
    if not isinstance(data, list) or not all(isinstance(file, dict) and "filename" in file for file in data):
        raise InputError(f"{folder / 'state.json'} names no data files: was the dataset saved in full?")
    return str(state.get("_split") or "train"), [str(_within(folder, str(file["filename"]))) for file in data]


def _within(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{folder}: its description names {name}, which lies outside the folder; it is not read")
    return path


def _configured(folder: Path) -> dict[str, list[str]]:
    """The splits that the head of README.md names, as the Hub reads it."""
    readme = folder / "README.md"
    if not readme.is_file():
        return {}
    head = re.match(r"\ufeff?---\r?\n(.*?)\r?\n---", readme.read_text("utf-8", errors="replace"), re.DOTALL)
    if not head or "configs" not in head[1]:
        return {}
    import yaml

    try:
        card = yaml.safe_load(head[1])
    except yaml.YAMLError as error:
        raise InputError(f"{readme}: its head is no YAML: {error}".replace("\n", " ")) from error
    configs = [config for config in card.get("configs") or [] if isinstance(config, dict)]
    splits: dict[str, list[str]] = {}
    for config in configs:
        for split, patterns in _data_files(config.get("data_files")):
            label = f"{config.get('config_name', 'default')}/{split}" if len(configs) > 1 else split
            splits[label] = _matching(folder, patterns, readme)
    return splits


def _data_files(value: object) -> Iterator[tuple[str, list[str]]]:
    """`(split, patterns)` in the ways in which `data_files` may be written."""
    if isinstance(value, str):
        yield "train", [value]
    elif isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        yield "train", value
    elif isinstance(value, list):
        for entry in value:
            path = entry.get("path")
            yield str(entry.get("split", "train")), path if isinstance(path, list) else [str(path)]


def _matching(folder: Path, patterns: list[str], readme: Path) -> list[str]:
    files = [
        str(_within(folder, str(path.relative_to(folder))))
        for pattern in patterns
        for path in sorted(map(Path, _glob_names(str(folder / pattern))))
        if path.is_file()
    ]
    if not files:
        raise InputError(f"{readme} names {', '.join(patterns)}, but no such file is there")
    return files


def _by_name(folder: Path) -> dict[str, list[str]]:
    """The splits that the names of the files say, those of `data/` where there is one."""
    base = folder / "data" if (folder / "data").is_dir() else folder
    files = sorted(path for path in base.rglob("*") if _kind(path) and path.is_file())
    kinds = sorted({_kind(path) for path in files})
    if len(kinds) > 1:
        raise UsageError(
            f"{folder} holds files of several kinds ({', '.join(kinds)}): name them, as {base}/*{kinds[0]}"
        )
    splits: dict[str, list[str]] = {}
    for name, words in _SPLITS:
        word = re.compile(rf"(?:^|[-._ /0-9])(?:{words})(?:$|[-._ /0-9])")
        found = [path for path in files if word.search(path.relative_to(folder).as_posix())]
        files = [path for path in files if path not in found]
        if found:
            splits[name] = list(map(str, found))
    if files:
        splits["other files" if splits else "train"] = list(map(str, files))
    return splits


def _kind(path: Path) -> str:
    """What kind of rows a file holds by its name; nothing where it holds none."""
    name = path.name.lower()
    if name.startswith(".") or name in _NO_ROWS or name.endswith(_NOT_DATA):
        return ""
    bare = next((name.removesuffix(packing) for packing in PACKINGS if name.endswith(packing)), name)
    return next((kind for kind in _KINDS if bare.endswith(kind)), "")
