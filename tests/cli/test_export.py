"""`dsforge export` as a user meets it: what is told, what is stopped, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import dsforge as package
from tests.cli.run import as_json, assert_one_line_error, dsforge

MODEL = "model.path=Qwen/Qwen2.5-0.5B-Instruct"
ROWS = [
    {
        "messages": [
            {"role": "user", "content": "Where is the lamp?"},
            {"role": "assistant", "content": "On the table."},
        ]
    },
    {"messages": [{"role": "user", "content": "And the cat?"}, {"role": "assistant", "content": "Beneath it."}]},
]
TWICE = {"messages": [{"role": "user", "content": "One."}, {"role": "user", "content": "Two?"},
                      {"role": "assistant", "content": "Three."}]}  # fmt: skip


def _write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return _write(tmp_path / "rows.jsonl", *ROWS)


def test_a_run_is_written_and_told_of(rows: Path) -> None:
    done = dsforge("export", "--to", "llamafactory", "out", MODEL, "data.path=rows.jsonl", "trl.learning_rate=0.5",
                   "+trl.padding_free=true", folder=rows.parent)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 rows in, 2 out, 0 rejected" in done.stdout
    assert "left out  trl.padding_free=true: there it has no counterpart" in done.stdout
    assert "would learn from 2 of 2 rows" in done.stdout
    assert "cd out && llamafactory-cli train train.yaml" in done.stdout
    config = yaml.safe_load((rows.parent / "out" / "train.yaml").read_text())
    assert (config["learning_rate"], config["output_dir"]) == (0.5, "runs/llamafactory")
    assert sorted(path.name for path in rows.parent.iterdir()) == ["out", "rows.jsonl"]


def test_rejected_rows_make_it_end_with_one(rows: Path) -> None:
    _write(rows, *ROWS, {"prompt": "a", "chosen": "b", "rejected": "c"})
    done = dsforge("export", "--to", "trl", "out", MODEL, "data.path=rows.jsonl", "--json", folder=rows.parent)
    said = as_json(done)
    assert done.returncode == 1
    assert (said["rows_in"], said["rows_out"], said["rows_rejected"]) == (3, 2, 1)
    assert said["files"] == ["README.md", "data/train.jsonl", "export.json", "rejects.jsonl", "train.yaml"]
    (reject,) = map(json.loads, (rows.parent / said["rejects"]).read_text().splitlines())
    assert (reject["row"], reject["code"]) == (3, "X902")


def test_what_the_trainer_would_drop_stops_it(rows: Path) -> None:
    _write(rows, *ROWS, TWICE)
    arguments = ("export", "--to", "llamafactory", "out", MODEL, "data.path=rows.jsonl")
    done = dsforge(*arguments, folder=rows.parent)
    assert done.returncode == 1
    assert "error     data/train.jsonl:3 T203" in done.stdout
    assert "2 of 3 rows" in done.stdout
    assert "out was not written" in done.stdout
    assert not (rows.parent / "out").exists()
    done = dsforge(*arguments, "--force", "--json", folder=rows.parent)
    said = as_json(done)
    assert (done.returncode, said["written"], said["dry_run"]) == (0, True, {"kept": 2, "dropped": 1})
    assert "T203" in (rows.parent / "out" / "README.md").read_text()


@pytest.mark.parametrize(
    ("trainer", "override", "effect"),
    [
        ("axolotl", "data.too_long=cut", "cut"),
        ("axolotl", "data.too_long=reject", "dropped"),
        ("ms-swift", "data.too_long=reject", "stops"),
        ("nemo", "data.too_long=cut", "cut"),
        ("llamafactory", "+trl.packing=true", "dropped"),
    ],
)
def test_rows_over_the_limit_are_counted(rows: Path, trainer: str, override: str, effect: str) -> None:
    """By what the configuration that is written says of them, not by what the trainer does by itself."""
    long = {"messages": [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": "one two " * 40}]}
    _write(rows, *ROWS, long)
    done = dsforge("export", "--to", trainer, "out", MODEL, "data.path=rows.jsonl", "trl.max_length=30", override,
                   "--json", folder=rows.parent)  # fmt: skip
    said = as_json(done)
    assert done.returncode == 0
    assert said["dry_run"] == {"kept": 2, effect: 1}
    (outcome,) = said["outcomes"]
    assert outcome.startswith(f"row 3 {effect}: ")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--to", "lamafactory", "out", MODEL, "data.path=rows.jsonl"], ["did you mean 'llamafactory'"]),
        (["--to", "trl", MODEL, "data.path=rows.jsonl"], ["where the folder to make is named"]),
        (["--to", "trl", "out", "model=tiny", "data.path=rows.jsonl"], ["model.path"]),
        (["--to", "trl", "out", "data.path=rows.jsonl"], ["not said: model.path"]),
        (["--to", "trl", "out", MODEL, "data.path=nowhere.jsonl"], ["nowhere.jsonl"]),
        (["--to", "trl", "rows.jsonl", MODEL, "data.path=rows.jsonl"], ["is a file"]),
        (["--to", "trl", ".", MODEL, "data.path=rows.jsonl"], ["not empty", "--overwrite"]),
        (["--to", "trl", "out", MODEL, "data.path=rows.jsonl", "--froce"], ["did you mean '--force'"]),
        (["--to", "trl", "out", MODEL, "data.path=rows.jsonl", "trl.learnin_rate=1"], ["did you mean"]),
    ],
)
def test_mistakes_are_one_line(rows: Path, arguments: list[str], parts: list[str]) -> None:
    assert_one_line_error(dsforge("export", *arguments, folder=rows.parent), *parts)
    assert sorted(path.name for path in rows.parent.iterdir()) == ["rows.jsonl"]


TOY = '''
"""Toy."""
from dsforge.train.exporter import Absent, Export, MethodForm

EXPORT = Export(
    name="trl", title="Toy", written_for="toy 1", install="pip install toy", settings={},
    methods={"sft": MethodForm("conversation", "prompt-completion", "toy", settings={"trl.learning_rate": "speed"})},
    write=lambda order: {"toy.txt": repr(order.values)},
)
'''


def test_a_new_trainer_is_a_file(rows: Path, tmp_path: Path) -> None:
    """The toy takes the place, and the lint target, of a trainer that there is."""
    house = tmp_path / "house"
    root = Path(package.__file__).parent
    shutil.copytree(root, house / "dsforge", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root.parent / "conf", house / "conf")
    (house / "dsforge" / "train" / "exports" / "trl.py").rename(house / "dsforge" / "train" / "exports" / "trl_old.py")
    old = house / "dsforge" / "train" / "exports" / "trl_old.py"
    old.write_text(old.read_text().replace("EXPORT = ", "OLD = "))
    other = house / "dsforge" / "train" / "exports" / "unsloth.py"
    other.write_text(other.read_text().replace("exports.trl ", "exports.trl_old "))
    (house / "dsforge" / "train" / "exports" / "toy.py").write_text(TOY)
    done = subprocess.run(
        [sys.executable, "-m", "dsforge", "export", "--to", "trl", "out", MODEL, f"data.path={rows}"],
        cwd=house, env={**os.environ, "PYTHONPATH": str(house)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (house / "out" / "toy.txt").read_text() == "{'speed': 0.0002}"
    assert (
        json.loads((house / "out" / "data" / "train.jsonl").read_text().splitlines()[0])["completion"]
        == "On the table."
    )
