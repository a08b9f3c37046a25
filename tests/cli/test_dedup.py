"""`dsforge dedup` from the outside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.run import as_json, assert_one_line_error, dsforge

LONG = " ".join(f"word{number}" for number in range(60))
ROWS = [
    {"instruction": "q", "output": LONG},
    {"instruction": "Q", "output": LONG},
    {"instruction": "q", "output": LONG.replace("word30", "other")},
    {"instruction": "something else", "output": "short"},
]


def write(path: Path, extra: str = "") -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS) + extra)
    return path


def test_the_json_object(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl")
    done = dsforge("dedup", source, "-o", tmp_path / "out.jsonl", "--clusters", tmp_path / "c.jsonl", "--json")
    result = as_json(done)
    assert done.returncode == 0
    assert (result["command"], result["rows_in"], result["rows_out"], result["rows_rejected"]) == ("dedup", 4, 2, 0)
    assert (result["exact_duplicates"], result["near_duplicates"], result["clusters"]) == (1, 1, 1)
    assert (result["threshold"], result["output"]) == (0.8, str(tmp_path / "out.jsonl"))
    assert len((tmp_path / "c.jsonl").read_text().splitlines()) == 2


def test_what_people_read_names_both_rows_and_counts_all(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", "{broken\n")
    done = dsforge("dedup", "in.jsonl", "-o", "out.jsonl", folder=tmp_path)
    assert done.returncode == 1
    assert "5 rows in, 2 out, 1 exact duplicate and 1 near-duplicate removed, 1 rejected" in done.stdout
    assert "in.jsonl:3 is 0.9" in done.stdout
    assert "in.jsonl:1, which is kept" in done.stdout
    assert "out.rejects.jsonl" in done.stderr
    assert json.loads((tmp_path / "out.rejects.jsonl").read_text())["raw"] == "{broken"


def test_rows_that_share_a_template_get_a_word_of_caution(tmp_path: Path) -> None:
    rows = [json.dumps({"instruction": f"{LONG} number {n}", "output": "yes"}) for n in range(10)]
    (tmp_path / "in.jsonl").write_text("\n".join(rows))
    done = dsforge("dedup", "in.jsonl", "-o", "out.jsonl", folder=tmp_path)
    assert "10 rows in, 1 out" in done.stdout
    assert "template" in done.stderr
    write(tmp_path / "in.jsonl")
    assert "template" not in dsforge("dedup", "in.jsonl", "-o", "out.jsonl", folder=tmp_path).stderr


def test_standard_input_to_standard_output(tmp_path: Path) -> None:
    text = write(tmp_path / "in.jsonl").read_text()
    done = dsforge("dedup", "-", folder=tmp_path, stdin=text)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [ROWS[0], ROWS[3]]
    assert "4 rows in" in done.stderr


def test_no_cache_can_be_written(tmp_path: Path) -> None:
    """The kernel compiles where numba can keep nothing, as in a read-only container."""
    code = (
        "from numba.core import caching; caching.CacheImpl._locator_classes = [];"
        "from dsforge.similarity import sketch; sketch.BATCH = 10;"
        "from dsforge.dedup.run import dedup; import sys;"
        "print(dedup([sys.argv[1]], sys.argv[2]).rows_out)"
    )

    source = write(tmp_path / "in.jsonl")
    done = subprocess.run(
        [sys.executable, "-c", code, str(source), str(tmp_path / "out.jsonl")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == ("2", 0), done.stderr


def test_a_small_input_does_not_load_the_compiler(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl")
    code = (
        "import sys; from dsforge.dedup.run import dedup; dedup([sys.argv[1]], sys.argv[2]);"
        "print([name for name in ('numba', 'typer', 'polars', 'torch', 'datasketch') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(source), str(tmp_path / "out.jsonl")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["missing.jsonl"], ["missing.jsonl does not exist"]),
        (["in.jsonl", "missing.jsonl"], ["missing.jsonl does not exist"]),
        (["empty.jsonl"], ["empty"]),
        (["folder"], ["folder", "directory"]),
        (["binary"], ["binary"]),
        (["utf16.jsonl"], ["UTF-16"]),
        (["in.jsonl", "--on", "prompts"], ["prompts", "did you mean 'prompt'"]),
        (["in.jsonl", "--threshold", "80"], ["80", "0.3 to 1"]),
        (["in.jsonl", "--threshold", "high"], ["--threshold"]),
        (["in.jsonl", "--format", "alpacca"], ["did you mean 'alpaca'"]),
        (["in.jsonl", "--workers", "0"], ["--workers"]),
        (["in.jsonl", "-o", "in.jsonl"], ["also an input"]),
        (["in.jsonl", "-o", "no/out.jsonl"], ["no does not exist"]),
        (["in.jsonl", "-o", "out.jsonl", "--clusters", "out.jsonl"], ["two outputs"]),
        (["in.jsonl", "--json"], ["standard output"]),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, arguments: list[str], parts: list[str]) -> None:
    write(tmp_path / "in.jsonl")
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "utf16.jsonl").write_bytes('{"instruction": "a"}'.encode("utf-16-le"))
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.iterdir())
    assert_one_line_error(dsforge("dedup", *arguments, folder=tmp_path), *parts)
    assert sorted(tmp_path.iterdir()) == before
