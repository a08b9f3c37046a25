"""`dsforge split` from the outside."""

import json
from pathlib import Path

import pytest

from tests.cli.run import as_json, assert_one_line_error, dsforge

WORDS = ["refund", "invoice", "parcel", "password", "address", "coupon", "voucher", "courier", "warranty", "exchange"]


def write(path: Path, rows: int = 50, extra: str = "") -> Path:
    lines = [
        json.dumps(
            {"instruction": f"{WORDS[n % 10]} {WORDS[n // 10]} {n * 7919}", "output": "x", "category": "ab"[n % 2]}
        )
        for n in range(rows)
    ]
    path.write_text("\n".join(lines) + "\n" + extra)
    return path


def test_into_a_folder(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl")
    done = dsforge("split", source, "-o", tmp_path / "out", "--json")
    result = as_json(done)
    assert done.returncode == 0
    assert (result["rows_in"], result["rows_out"], result["rows_rejected"]) == (50, 50, 0)
    assert (result["train_rows"], result["validation_rows"], result["ratio"], result["seed"]) == (40, 10, 0.8, 42)
    assert result["categories"] == {"a": {"train": 20, "validation": 5}, "b": {"train": 20, "validation": 5}}
    lines = [(tmp_path / "out" / name).read_text().splitlines() for name in ("train.jsonl", "validation.jsonl")]
    assert sorted(lines[0] + lines[1]) == sorted(source.read_text().splitlines())
    assert [len(side) for side in lines] == [40, 10]


def test_what_people_read(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", extra="{broken\n" + '{"instruction": "twice", "output": "x"}\n' * 2)
    done = dsforge(
        "split", "in.jsonl", "--train", "t.json", "--validation", "v.jsonl", "--ratio", "0.5", folder=tmp_path
    )
    assert done.returncode == 1
    assert "53 rows in, 26 to t.json, 26 to v.jsonl, 1 rejected" in done.stdout
    assert "true ratio 50.0%" in done.stdout
    assert "1 group of near-duplicate prompts kept together (2 rows, the largest 2)" in done.stdout
    assert "category" in done.stdout
    assert "t.rejects.jsonl" in done.stderr
    assert len(json.loads((tmp_path / "t.json").read_text())) == 26


def test_standard_input(tmp_path: Path) -> None:
    text = write(tmp_path / "in.jsonl").read_text()
    done = dsforge("split", "-", "-o", "out", folder=tmp_path, stdin=text)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "out" / "train.jsonl").read_text().splitlines()) == 40


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["in.jsonl"], ["-o FOLDER"]),
        (["in.jsonl", "--train", "t"], ["--validation"]),
        (["in.jsonl", "-o", "out", "--train", "t"], ["-o FOLDER"]),
        (["in.jsonl", "-o", "out", "--ratio", "80"], ["--ratio 80"]),
        (["in.jsonl", "-o", "out", "--seed", "x"], ["--seed"]),
        (["missing.jsonl", "-o", "out"], ["does not exist"]),
        (["in.jsonl", "-o", "in.jsonl"], ["in.jsonl cannot be made a folder"]),
        (["in.jsonl", "-o", "no/out"], ["no does not exist", "mkdir -p no"]),
        (["in.jsonl", "--train", "in.jsonl", "--validation", "v"], ["also an input"]),
        (["in.jsonl", "--train", "t", "--validation", "t"], ["two outputs"]),
        (["in.jsonl", "--train", "-", "--validation", "t"], ["two files"]),
        (["one.jsonl", "--train", "t", "--validation", "v"], ["one row"]),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, arguments: list[str], parts: list[str]) -> None:
    write(tmp_path / "in.jsonl")
    write(tmp_path / "one.jsonl", rows=1)
    assert_one_line_error(dsforge("split", *arguments, folder=tmp_path), *parts)
    assert {path.name for path in tmp_path.iterdir()} <= {"in.jsonl", "one.jsonl", "out"}
