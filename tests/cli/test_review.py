"""`dsforge review` from the outside; the page itself is tested in tests/review."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from dsforge.review.decision import Accept, Decision, Reject
from dsforge.review.review import Review
from tests.cli.run import as_json, assert_one_line_error, dsforge

ROWS = [{"messages": [{"role": "user", "content": f"Q{at}"}, {"role": "assistant", "content": "A"}]} for at in range(4)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, ROWS)) + b"\n{broken\n")
    return path


def decide(file: Path) -> None:
    with Review(file) as review:
        for row, action in ((1, Accept()), (2, Reject("wrong"))):
            review.add([Decision(row, review.source.key(row), "ana", 1.0, action, f"d{row}")])


def test_an_export_counts_every_row(file: Path) -> None:
    decide(file)
    done = dsforge("review", file, "--export", file.with_name("out.jsonl"), "--json")
    result = as_json(done)
    assert done.returncode == 0
    assert (result["rows_in"], result["rows_out"], result["rows_rejected"]) == (5, 3, 2)
    assert result["statuses"] == {"accepted": 1, "rejected": 1, "new": 3}
    assert len(file.with_name("out.jsonl").read_bytes().splitlines()) == 3
    assert len(file.with_name("out.rejects.jsonl").read_bytes().splitlines()) == 2


def test_what_people_read(file: Path) -> None:
    decide(file)
    done = dsforge("review", file, "--export", "-", "--only-reviewed", folder=file.parent)
    assert [orjson.loads(line)["messages"] for line in done.stdout.splitlines()] == [ROWS[0]["messages"]]
    assert "5 rows in, 1 out, 1 rejected, 3 removed" in done.stderr
    assert "rejected wrong: 1" in done.stderr


def test_a_review_that_was_not_begun_cannot_be_exported(file: Path) -> None:
    assert_one_line_error(dsforge("review", file, "--export", file.with_name("o.jsonl")), "no review of", "to export")
    assert not list(file.parent.glob(".*.sqlite"))


def test_a_changed_file_is_refused_with_the_way_out(file: Path) -> None:
    decide(file)
    file.write_bytes(file.read_bytes() + b"{}\n")
    done = dsforge("review", file, "--export", file.with_name("o.jsonl"))
    assert_one_line_error(done, "its rows have changed", "--match-rows")
    done = dsforge("review", file, "--export", file.with_name("o.jsonl"), "--match-rows")
    assert done.returncode == 0
    assert "2 decisions matched" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "give a --password too"),
        (["--only-reviewed"], "give --export OUT too"),
        (["--overlap", "much"], "--overlap much is no share"),
        (["--overlap", "140%"], "out of range"),
        (["--annotators", "ana,ana"], "names somebody twice"),
        (["--format", "chatmll"], "no format 'chatmll'"),
    ],
)
def test_odd_wishes_are_refused(file: Path, options: list[str], said: str) -> None:
    assert_one_line_error(dsforge("review", file, *options), said)


def test_standard_input_is_no_file(file: Path) -> None:
    assert_one_line_error(dsforge("review", "-", stdin="{}"), "standard input is none")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(file: Path) -> None:
    file.parent.chmod(0o500)
    assert_one_line_error(dsforge("review", file), "name another place with --journal")


def test_rows_go_to_another_tool_and_come_back(file: Path) -> None:
    out = file.with_name("studio")
    done = dsforge("review", file, "--to", f"label-studio:{out}", "--json")
    result = as_json(done)
    assert (done.returncode, result["rows_in"], result["rows_out"]) == (1, 5, 4)  # one cannot be read
    assert sum(result["left_out"].values()) == 1
    tasks = orjson.loads((out / "chat.json").read_bytes())
    verdict = {"from_name": "verdict", "to_name": "conversation", "type": "choices", "value": {"choices": ["accept"]}}
    tasks[0]["annotations"] = [{"completed_by": 1, "result": [verdict]}]
    export = file.with_name("export.json")
    export.write_bytes(orjson.dumps(tasks))
    for new, known in ((1, 0), (0, 1)):
        result = as_json(dsforge("review", file, "--from", f"label-studio:{export}", "--annotators", "bo", "--json"))
        assert (result["decisions"], result["known"]) == (new, known)
    done = dsforge("review", file, "--export", file.with_name("out.jsonl"), "--json")
    assert as_json(done)["statuses"] == {"accepted": 1, "new": 4}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--to", "label-studio"], "write TOOL:PATH"),
        (["--to", "doccano:x"], "no tool 'doccano'"),
        (["--from", "excel:none.xlsx"], "cannot be read"),
        (["--to", "excel:x.csv"], "ends in .xlsx"),
        (["--to", "excel:x.xlsx", "--export", "y.jsonl"], "give one of them"),
    ],
)
def test_what_no_tool_can_do_is_told(file: Path, options: list[str], said: str) -> None:
    assert_one_line_error(dsforge("review", file, *options, folder=file.parent), said)
