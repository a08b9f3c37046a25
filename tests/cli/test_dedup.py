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
    assert len((tmp_path / "c.jsonl").read_text().splitlines()) == 3
    assert (result["on"], result["keep"], result["normalise"]) == ("conversation", "first", ["nfkc", "case", "space"])
    assert (result["against_duplicates"], result["contradictory"], result["contradictions"]) == (0, 0, [])


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
        (["in.jsonl", "--workers", "-1"], ["--workers"]),
        (["in.jsonl", "--engine", "spark"], ["spark", "no engine"]),
        (["in.jsonl", "--partitions", "-1"], ["--partitions"]),
        (["in.jsonl", "--shingles", "word"], ["did you mean 'words'"]),
        (["in.jsonl", "-o", "in.jsonl"], ["also an input"]),
        (["in.jsonl", "-o", "no/out.jsonl"], ["no does not exist"]),
        (["in.jsonl", "-o", "out.jsonl", "--clusters", "out.jsonl"], ["two outputs"]),
        (["in.jsonl", "-o", "out.jsonl", "--report", "in.jsonl"], ["also an input"]),
        (["in.jsonl", "-o", "out.jsonl", "--against", "other.jsonl", "--report", "other.jsonl"], ["also an input"]),
        (["in.jsonl", "-o", "out.jsonl", "--report", "out.jsonl"], ["two outputs"]),
        (["in.jsonl", "-o", "out.jsonl", "--report", "out.rejects.jsonl"], ["two outputs"]),
        (["in.jsonl", "-o", "out.jsonl", "--report", "no/page.html"], ["no does not exist"]),
        (["in.jsonl", "--report", "-"], ["--report page.html"]),
        (["in.jsonl", "other.jsonl", "--leaks", "--report", "page.html"], ["--leaks", "--report"]),
        (["in.jsonl", "--contamination", "other.jsonl", "--report", "page.html"], ["--contamination", "--report"]),
        (["in.jsonl", "--json"], ["standard output"]),
        (["in.jsonl", "--on", "prompt,pair"], ["stands alone"]),
        (["in.jsonl", "--normalise", "cases"], ["'cases'", "did you mean 'case'"]),
        (["in.jsonl", "--keep", "longst"], ["did you mean 'longest'"]),
        (["in.jsonl", "--keep", "best"], ["best:meta.score"]),
        (["in.jsonl", "--keep", "best:meta.score", "-o", "out.jsonl"], ["no row has a number in meta.score"]),
        (["-", "--keep", "fewest-findings"], ["twice"]),
        (["in.jsonl", "--against", "in.jsonl"], ["both sides"]),
        (["in.jsonl", "--against", "missing.jsonl"], ["missing.jsonl does not exist"]),
        (["in.jsonl", "--show", "-1"], ["--show"]),
        (["in.jsonl", "--leaks"], ["held-out"]),
        (["in.jsonl", "missing.jsonl", "--leaks"], ["missing.jsonl does not exist"]),
        (["in.jsonl", "in.jsonl", "--leaks"], ["both sides"]),
        (["in.jsonl", "other.jsonl", "--leaks", "--keep", "longest"], ["--leaks", "--keep"]),
        (["in.jsonl", "--contamination", "missing.jsonl"], ["missing.jsonl does not exist"]),
        (["in.jsonl", "--contamination", "other.jsonl", "--on", "prompt"], ["--contamination", "--on"]),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, arguments: list[str], parts: list[str]) -> None:
    write(tmp_path / "in.jsonl")
    write(tmp_path / "other.jsonl")
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "utf16.jsonl").write_bytes('{"instruction": "a"}'.encode("utf-16-le"))
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.iterdir())
    assert_one_line_error(dsforge("dedup", *arguments, folder=tmp_path), *parts)
    assert sorted(tmp_path.iterdir()) == before


def test_the_row_with_the_fewest_findings_is_kept(tmp_path: Path) -> None:
    email = {"instruction": "q", "output": f"{LONG} write to jane.miller@gmail.com"}
    rows = [email, {"instruction": "q", "output": f"{LONG} write to us"}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for keep, kept in (("first", rows[0]), ("fewest-findings", rows[1])):
        done = dsforge("dedup", "in.jsonl", "--keep", keep, "-o", "out.jsonl", folder=tmp_path)
        assert "1 near-duplicate removed" in done.stdout, done
        assert json.loads((tmp_path / "out.jsonl").read_text()) == kept


def test_clusters_side_by_side_in_ascii(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl")
    done = dsforge("dedup", "in.jsonl", "--show", "2", "-o", "out.jsonl", folder=tmp_path)
    assert done.returncode == 0
    assert "[-word30-]" in done.stdout
    assert "{+other+}" in done.stdout
    assert "kept in.jsonl:1" in done.stdout
    assert "removed in.jsonl:3" in done.stdout
    assert done.stdout.isascii()
    assert max(map(len, done.stdout.splitlines())) <= 120
    assert "word5 " not in done.stdout


def test_a_page_shows_clusters_that_the_terminal_does_not(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl")
    for name in ("one", "two"):  # the second run's glob matches the first one's output, not its own
        asked = ["dedup", "*.jsonl", "-o", f"{name}.jsonl", "--report", f"{name}.html"]
        done = dsforge(*asked, folder=tmp_path)
        assert done.returncode == 0, done
        assert f"wrote {name}.html" in done.stderr
        assert "word30" not in done.stdout
    page = (tmp_path / "one.html").read_text()
    assert '<mark class="left">word30</mark>' in page
    assert "<title>dsforge dedup: in.jsonl</title>" in page
    assert "<title>dsforge dedup: in.jsonl and 1 more</title>" in (tmp_path / "two.html").read_text()
    done = dsforge("dedup", "in.jsonl", "-o", "out.jsonl", "--show", "1", "--report", "out.html", "--json",
                   folder=tmp_path)  # fmt: skip
    assert as_json(done)["report"] == "out.html"
    assert done.stderr.count("[-word30-]") == 1
    done = dsforge("dedup", "in.jsonl", "-o", "out.jsonl", "--json", folder=tmp_path)
    assert as_json(done)["report"] is None


def test_what_is_shown_cannot_drive_the_terminal(tmp_path: Path) -> None:
    rows = [{"instruction": "q", "output": f"{LONG} {end}"} for end in ("\x1b[31mred", "\x1b]0;title\x07")]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = dsforge("dedup", "in.jsonl", "--show", "1", "-o", "out.jsonl", folder=tmp_path)
    assert "\\x1b" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout


def test_on_a_terminal_the_differences_are_coloured() -> None:
    from dsforge.cli.side_by_side import side_by_side
    from dsforge.dedup.difference import compare
    from dsforge.dedup.result import Place, Shown

    pair = Shown("0.90 alike", Place("a", 1, 1), Place("b", 2, 2), compare("the red house", "the blue house"), rows=4)
    title, *lines = side_by_side(pair, 7, "kept", "removed", coloured=True)
    assert title == "7. 0.90 alike, 4 rows in all"
    text = "\n".join(lines)
    assert "\x1b[31mred" in text
    assert "\x1b[32mblue" in text
    assert "[-" not in text


def test_contradictions_are_told_and_listed(tmp_path: Path) -> None:
    pairs = [("good", "bad"), ("bad", "good")]
    rows = [{"prompt": "q", "chosen": chosen, "rejected": rejected} for chosen, rejected in pairs]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = dsforge("dedup", "in.jsonl", "-o", "out.jsonl", "--show", "1", folder=tmp_path)
    assert "1 contradiction: 1 where one prefers what the other rejects" in done.stdout
    assert "--drop-contradictions removes" in done.stdout
    assert "chosen: {+bad" in done.stdout
    result = as_json(
        dsforge("dedup", "in.jsonl", "-o", "out.jsonl", "--drop-contradictions", "--json", folder=tmp_path)
    )
    assert (result["rows_in"], result["rows_out"], result["contradictory"]) == (2, 0, 2)
    assert result["contradiction_counts"] == {"swapped": 1, "labels": 0, "answers": 0}
    assert result["contradictions"] == [
        {"kind": "swapped", "rows": [{"path": "in.jsonl", "row": n, "line": n} for n in (1, 2)], "dropped": 2}
    ]


def test_what_is_there_already_is_counted_apart(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl")
    (tmp_path / "old.jsonl").write_text(json.dumps(ROWS[2]) + "\n")
    done = dsforge("dedup", "in.jsonl", "--against", "old.jsonl", "-o", "out.jsonl", "--json", folder=tmp_path)
    result = as_json(done)
    assert (result["rows_in"], result["rows_out"], result["against_duplicates"]) == (4, 1, 3)
    assert (result["exact_duplicates"], result["near_duplicates"]) == (0, 0)
    assert "3 already in old.jsonl" in done.stderr
    assert json.loads((tmp_path / "out.jsonl").read_text()) == ROWS[3]


def test_leaks_are_told_by_row_and_taken_out(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl")
    (tmp_path / "val.jsonl").write_text(json.dumps({"instruction": "Q ", "output": "other"}) + "\n")
    done = dsforge("dedup", "--leaks", "train.jsonl", "val.jsonl", folder=tmp_path)
    assert done.returncode == 1
    assert "4 rows checked, 3 leak" in done.stdout
    assert "train.jsonl:2 has the same prompt as val.jsonl:1" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.jsonl", "val.jsonl"]
    done = dsforge("dedup", "--leaks", "train.jsonl", "val.jsonl", "-o", "clean.jsonl", "--json", folder=tmp_path)
    result = as_json(done)
    assert done.returncode == 1
    assert (result["rows_in"], result["rows_out"], result["exact_duplicates"]) == (4, 1, 3)
    assert result["leaks"][0] == {
        "path": "train.jsonl", "row": 1, "line": 1, "held_out_path": "val.jsonl", "held_out_row": 1,
        "held_out_line": 1, "similarity": 1.0, "exact": True,
    }  # fmt: skip
    done = dsforge("dedup", "--leaks", "clean.jsonl", "val.jsonl", folder=tmp_path)
    assert (done.returncode, "none leaks" in done.stdout) == (0, True)


def test_near_leaks_side_by_side(tmp_path: Path) -> None:
    for name, text in (("train", LONG), ("val", LONG.replace("word30", "other"))):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"instruction": text, "output": "a"}) + "\n")
    done = dsforge("dedup", "--leaks", "train.jsonl", "val.jsonl", "--show", "1", folder=tmp_path)
    assert done.returncode == 1
    assert "held out val.jsonl:1" in done.stdout
    assert "{+word30+}" in done.stdout


def test_a_row_that_cannot_be_checked_is_not_clean(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"instruction": "a", "output": "b"}\n')
    (tmp_path / "val.jsonl").write_text('{"instruction": "c", "output": "d"}\n{broken\n')
    done = dsforge("dedup", "--leaks", "train.jsonl", "val.jsonl", folder=tmp_path)
    assert done.returncode == 1
    assert "could not be read" in done.stderr
    done = dsforge("dedup", "--leaks", "val.jsonl", "train.jsonl", folder=tmp_path)
    assert done.returncode == 1
    assert "nor checked" in done.stderr


def test_items_of_a_benchmark_are_told_with_their_span(tmp_path: Path) -> None:
    question = "Natalia sold clips to 48 of her friends in April, and half as many in May. How many in all?"
    rows = [{"instruction": "hello", "output": "hi"}, {"instruction": f"Please solve: {question}", "output": "72"}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "gsm.jsonl").write_text(json.dumps({"question": question}) + "\n")
    done = dsforge("dedup", "in.jsonl", "--contamination", "gsm.jsonl", folder=tmp_path)
    assert done.returncode == 1
    assert "in.jsonl:2 holds 100% of gsm.jsonl row 1: 'Natalia sold clips" in done.stdout
    done = dsforge("dedup", "in.jsonl", "--contamination", "gsm.jsonl", "-o", "out.jsonl", "--json", folder=tmp_path)
    result = as_json(done)
    assert (done.returncode, result["rows_in"], result["rows_out"]) == (1, 2, 1)
    assert result["contaminated"][0]["stretch"] == question[:-1]
    assert json.loads((tmp_path / "out.jsonl").read_text()) == rows[0]
    done = dsforge("dedup", "out.jsonl", "--contamination", "gsm.jsonl", folder=tmp_path)
    assert done.returncode == 0
