"""A baseline accepts what is there, and nothing that comes after."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsforge.errors import ConfigError
from dsforge.lint.baseline import read_baseline, without_accepted, write_baseline
from dsforge.lint.run import lint

EMPTY = '{"instruction": "%s", "output": ""}'


def _new(path: Path, baseline: Path) -> list[int]:
    return [found.row for found in without_accepted(lint([path]).findings, read_baseline(baseline))]


def test_only_what_is_new_is_told(tmp_path: Path) -> None:
    path, baseline = tmp_path / "rows.jsonl", tmp_path / "baseline.json"
    path.write_text("\n".join([EMPTY % "a", EMPTY % "a", EMPTY % "b", '{"instruction": "c",}']))
    findings = lint([path]).findings
    assert write_baseline(baseline, findings) == len(findings)
    assert _new(path, baseline) == []
    # rows may move and others come before them; one that changed and a third copy are new
    path.write_text(
        "\n".join([EMPTY % "new", '{"instruction": "c",}', EMPTY % "b", EMPTY % "a", EMPTY % "a", EMPTY % "a"])
    )
    assert set(_new(path, baseline)) == {1, 6}


def test_findings_of_the_whole_dataset(tmp_path: Path) -> None:
    path, baseline = tmp_path / "rows.jsonl", tmp_path / "baseline.json"
    path.write_text('{"instruction": "a", "output": "b"}\n\n')
    write_baseline(baseline, lint([path]).findings)
    assert _new(path, baseline) == []


def test_the_same_rows_give_the_same_file(tmp_path: Path) -> None:
    path, baseline = tmp_path / "rows.jsonl", tmp_path / "baseline.json"
    path.write_text("\n".join(EMPTY % word for word in "abc"))
    write_baseline(baseline, lint([path]).findings)
    before = baseline.read_bytes()
    path.write_text("\n".join(EMPTY % word for word in "cba"))
    write_baseline(baseline, lint([path]).findings)
    assert baseline.read_bytes() == before


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"version": 2, "accepted": {}}', '{"version": 1, "accepted": {"a": "b"}}']
)
def test_what_is_no_baseline_is_said(tmp_path: Path, content: str) -> None:
    path = tmp_path / "baseline.json"
    with pytest.raises(ConfigError, match="does not exist"):
        read_baseline(path)
    path.write_text(content)
    with pytest.raises(ConfigError, match="write it anew"):
        read_baseline(path)


def test_an_array_that_is_one_row_is_known_by_all_of_it(tmp_path: Path) -> None:
    rows, accepted = tmp_path / "rows.jsonl", tmp_path / "accepted.json"
    turns = '[{"prompt": "Hi", "response": "mail bob.smith@acme.com"}, {"prompt": "And?", "response": "b"}]\n'
    rows.write_text(turns)
    write_baseline(accepted, lint([rows], select=["P602"]).findings)
    rows.write_text(turns.replace("And?", "Or?"))
    findings = lint([rows], select=["P602"]).findings
    assert len(findings) == 1
    assert without_accepted(findings, read_baseline(accepted)) == findings
