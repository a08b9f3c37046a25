"""A baseline accepts what is there, and nothing that comes after."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dsforge.errors import ConfigError, UsageError
from dsforge.lint import baseline
from dsforge.lint.baseline import check_readable_twice, read_baseline, without_accepted, write_baseline
from dsforge.lint.facts import Settings
from dsforge.lint.run import lint

EMPTY = '{"instruction": "%s", "output": ""}'


def _new(path: Path, accepted: Path) -> list[int]:
    return [found.row for found in without_accepted(lint([path]).findings, read_baseline(accepted))]


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
    "content", ["", "[]", "{}", '{"version": 1, "accepted": {}}', '{"version": 2, "accepted": {"a": "b"}}']
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


def test_a_baseline_of_another_version_says_so(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    for version, said in ((1, "an older dsforge"), (99, "a newer dsforge")):
        path.write_text(f'{{"version": {version}, "accepted": {{}}}}')
        with pytest.raises(ConfigError, match=said):
            read_baseline(path)


ROW = {"instruction": "mail bob.smith@acme.com", "output": "caf\u00e9", "score": 1.5}
HUGE = {**ROW, "id": 184467440737095516199}
WAYS = {
    "spaces": lambda row: json.dumps(row, separators=(" ,  ", " : ")),
    "order": lambda row: json.dumps(dict(reversed(row.items()))),
    "escapes": lambda row: json.dumps(row, ensure_ascii=False),
    "array": lambda row: f"[{json.dumps(row)}]",
    "several lines": lambda row: json.dumps(row, indent=2),
}


@pytest.mark.parametrize("row", [ROW, HUGE], ids=["plain", "an integer beyond 64 bits"])
@pytest.mark.parametrize("way", WAYS)
def test_a_row_is_known_by_what_it_says(tmp_path: Path, way: str, row: dict[str, object]) -> None:
    path, accepted = tmp_path / "rows.json", tmp_path / "accepted.json"
    path.write_text(json.dumps(row) + "\n")
    assert write_baseline(accepted, lint([path], select=["P602"]).findings) == 1
    path.write_text(WAYS[way](row), encoding="utf-8")
    findings = lint([path], select=["P602"]).findings
    assert len(findings) == 1
    assert without_accepted(findings, read_baseline(accepted)) == []
    path.write_text(WAYS[way](row).replace("mail", "Mail"), encoding="utf-8")
    findings = lint([path], select=["P602"]).findings
    assert without_accepted(findings, read_baseline(accepted)) == findings


def test_a_row_that_does_not_parse_is_known_by_its_bytes(tmp_path: Path) -> None:
    path, accepted = tmp_path / "rows.jsonl", tmp_path / "accepted.json"
    path.write_text('{"a": 1, "a": 2}\n{"instruction": "c",}\n')
    findings = lint([path], select=["J001", "J002"]).findings
    assert write_baseline(accepted, findings) == 2
    assert without_accepted(findings, read_baseline(accepted)) == []
    path.write_text('{"a": 3, "a": 2}\n{"instruction":  "c",}\n')
    findings = lint([path], select=["J001", "J002"]).findings
    assert without_accepted(findings, read_baseline(accepted)) == findings


def test_rows_are_counted_as_the_format_reads_them(tmp_path: Path) -> None:
    """An array alone in a file is one row or several, by its format: a number leads to another row then."""
    path, accepted = tmp_path / "rows.json", tmp_path / "accepted.json"
    turns = '[{"prompt": "Hi", "response": "mail bob.smith@acme.com"}, {"prompt": "And?", "response": "b"}]\n'
    path.write_text(turns)
    read_as = Settings(format="qianfan")
    findings = lint([path], select=["P602"], settings=read_as).findings
    assert write_baseline(accepted, findings, "qianfan") == 1
    path.write_text(turns.replace("And?", "Or?"))
    findings = lint([path], select=["P602"], settings=read_as).findings
    assert len(findings) == 1
    assert without_accepted(findings, read_baseline(accepted), "qianfan") == findings


def test_only_rows_with_findings_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join([EMPTY % "a", *(EMPTY.replace('""', '"b"') % word for word in "bcd")]))
    findings = lint([path], select=["S104"]).findings
    parsed: list[bytes] = []
    monkeypatch.setattr(baseline, "_said", lambda raw: parsed.append(raw) or raw)
    write_baseline(tmp_path / "accepted.json", findings)
    assert parsed == [(EMPTY % "a").encode()]


def test_what_is_gone_once_read_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name in ("-", str(pipe)):
        with pytest.raises(UsageError, match="can be read once"):
            check_readable_twice([str(tmp_path / "rows.jsonl"), name])
