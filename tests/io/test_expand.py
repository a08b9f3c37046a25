"""Globs and dataset folders become files; nothing is left out without a word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsforge.errors import InputError, UsageError
from dsforge.io.expand import expand_sources
from dsforge.io.rows import Row, RowReader


def files(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"a": 1}\n')


def names(folder: Path, *inputs: str) -> list[str]:
    found = expand_sources([str(folder / name) for name in inputs])
    return [Path(path).relative_to(folder).as_posix() for path in found]


def test_globs_are_sorted_and_pass_over_what_lies_beside_outputs(tmp_path: Path) -> None:
    files(tmp_path, "b.jsonl", "a.jsonl", "a.rejects.jsonl", "a.manifest.json", "deep/er/c.jsonl", ".hidden.jsonl")
    assert names(tmp_path, "*.jsonl") == ["a.jsonl", "b.jsonl"]
    assert names(tmp_path, "**/*.jsonl") == ["a.jsonl", "b.jsonl", "deep/er/c.jsonl"]
    assert names(tmp_path, "[ab].jsonl", "a.*") == ["a.jsonl", "b.jsonl"]
    assert names(tmp_path, "b.jsonl", "*.jsonl") == ["b.jsonl", "a.jsonl"]
    assert names(tmp_path, "a.rejects.jsonl", "none.jsonl") == ["a.rejects.jsonl", "none.jsonl"]
    assert expand_sources(["-"]) == ["-"]
    for pattern, said in (("*.csv", "no file matches"), ("*.rejects.jsonl", "but rejects"), ("dee[p]", "no file")):
        with pytest.raises(UsageError, match=said):
            names(tmp_path, pattern)


def test_a_file_of_that_very_name_wins(tmp_path: Path) -> None:
    files(tmp_path, "a[1].jsonl", "a1.jsonl", "a#train", "a/train.jsonl")
    assert names(tmp_path, "a[1].jsonl", "a#train") == ["a[1].jsonl", "a#train"]
    assert [row.raw for row in RowReader(tmp_path / "a#train") if isinstance(row, Row)] == [b'{"a": 1}']


def test_what_save_to_disk_wrote(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [{"a": index} for index in range(10)]
    train = datasets.Dataset.from_list(rows)
    train.save_to_disk(str(tmp_path / "one"), num_shards=3)
    found = expand_sources([str(tmp_path / "one")])
    assert [Path(path).name for path in found] == [f"data-{index:05}-of-00003.arrow" for index in range(3)]
    assert [row.value for path in found for row in RowReader(path) if isinstance(row, Row)] == rows
    datasets.DatasetDict(train=train, test=train.select(range(2))).save_to_disk(str(tmp_path / "two"))
    assert names(tmp_path, "two#test") == ["two/test/data-00000-of-00001.arrow"]
    with pytest.raises(UsageError, match=r"several splits: train, test; name one, as .*two#train"):
        names(tmp_path, "two")
    with pytest.raises(UsageError, match="no split 'dev': it has train, test"):
        names(tmp_path, "two#dev")


CARD = """---
license: mit
configs:
- config_name: default
  data_files:
  - split: train
    path: sft/train-*.jsonl
  - split: test
    path: [sft/test.jsonl]
---
# Data
"""


def test_what_the_hub_has(tmp_path: Path) -> None:
    files(tmp_path, "sft/train-2.jsonl", "sft/train-1.jsonl", "sft/test.jsonl", "other.jsonl")
    (tmp_path / "README.md").write_text(CARD)
    assert names(tmp_path.parent, f"{tmp_path.name}#train") == [
        f"{tmp_path.name}/sft/train-1.jsonl", f"{tmp_path.name}/sft/train-2.jsonl",
    ]  # fmt: skip
    assert names(tmp_path.parent, f"{tmp_path.name}#test") == [f"{tmp_path.name}/sft/test.jsonl"]
    (tmp_path / "README.md").write_text(
        CARD.replace("---\n# Data", "- config_name: more\n  data_files: other.jsonl\n---")
    )
    with pytest.raises(UsageError, match="default/train, default/test, more/train"):
        expand_sources([str(tmp_path)])
    assert expand_sources([f"{tmp_path}#more"]) == [str(tmp_path / "other.jsonl")]
    assert expand_sources([f"{tmp_path}#default/test"]) == [str(tmp_path / "sft/test.jsonl")]


LAYOUTS: list[tuple[list[str], dict[str, list[str]]]] = [
    (["data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet", "top.jsonl"],
     {"train": ["data/train-00000-of-00001.parquet"], "test": ["data/test-00000-of-00001.parquet"]}),
    (["train.jsonl", "dev.jsonl", "dev.rejects.jsonl"], {"train": ["train.jsonl"], "validation": ["dev.jsonl"]}),
    (["train/1.jsonl.gz", "train/2.jsonl.gz"], {"": ["train/1.jsonl.gz", "train/2.jsonl.gz"]}),
    (["b.csv", "a.csv", "README.md"], {"": ["a.csv", "b.csv"]}),
    (["my_train_v2.json", "rest.json"], {"train": ["my_train_v2.json"], "other files": ["rest.json"]}),
    (["constrained.jsonl", "latest.jsonl"], {"": ["constrained.jsonl", "latest.jsonl"]}),
]  # fmt: skip


@pytest.mark.parametrize(("there", "splits"), LAYOUTS, ids=[there[0] for there, _ in LAYOUTS])
def test_splits_are_told_by_name(tmp_path: Path, there: list[str], splits: dict[str, list[str]]) -> None:
    folder = tmp_path / "dataset"
    files(folder, *there)
    for split, expected in splits.items():
        found = names(tmp_path, f"dataset#{split}" if split else "dataset")
        assert found == [f"dataset/{name}" for name in expected]
    if len(splits) > 1:
        with pytest.raises(UsageError, match="several splits"):
            names(tmp_path, "dataset")


def test_folders_that_are_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert names(tmp_path, "empty") == ["empty"]
    with pytest.raises(InputError, match="directory"):
        RowReader(tmp_path / "empty")
    files(tmp_path, "both/a.jsonl", "both/a.parquet")
    with pytest.raises(UsageError, match=r"several kinds \(\.jsonl, \.parquet\)"):
        names(tmp_path, "both")


BROKEN: list[tuple[str, Any, str]] = [
    ("state.json", "{", "saved in full"),
    ("state.json", {"_data_files": None}, "saved in full"),
    ("state.json", {"_data_files": [{"filename": "../../secret.arrow"}]}, "outside"),
    ("dataset_dict.json", {"splits": ["train"]}, "saved in full"),
    ("README.md", "---\nconfigs: [{data_files: none.jsonl}]\n---\n", "no such file"),
    ("README.md", "---\nconfigs: [{data_files: ../*}]\n---\n", "outside"),
    ("README.md", "---\nconfigs: [\n---\n", "no YAML"),
]


@pytest.mark.parametrize(("name", "content", "said"), BROKEN)
def test_descriptions_that_are_broken(tmp_path: Path, name: str, content: Any, said: str) -> None:
    folder = tmp_path / "dataset"
    folder.mkdir()
    files(tmp_path, "beside.jsonl")
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(InputError, match=said):
        expand_sources([str(folder)])
