"""`dsforge lint` and `dsforge rule` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsforge.lint.rule import all_rules
from tests.cli.run import as_json, assert_one_line_error, dsforge
from tests.shared_data import seed_files


def _lint(path: Path, *options: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = as_json(dsforge("lint", path, *options, "--json"))["findings"]
    return found


def test_a_finding_says_everything(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(
        '[\n  {"messages": [{"role": "user", "content": "你好"},\n    {"role": "assistant", "content": ""}]}\n]'
    )
    (finding,) = _lint(path)
    assert finding == {
        "code": "S104", "name": "empty-content", "severity": "error", "message": "the assistant message says nothing",
        "path": str(path), "row": 1, "line": 3, "column": 38, "pointer": "/messages/1/content",
        "help": "write the text or remove the row", "fixable": False,
    }  # fmt: skip


def test_text_for_people_and_for_grep(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"instruction": "a", "output": "b",}\n' * 7)
    full = dsforge("lint", path)
    assert full.returncode == 1
    assert f"{path}:1:35 J001 invalid-json row 1: trailing comma before `}}`" in full.stdout
    assert "remove this comma" in full.stdout
    assert "7  J001 invalid-json [error]  (2 not shown; --show 0 prints all)" in full.stdout
    concise = dsforge("lint", path, "--output-format", "concise", "--show", "0").stdout
    assert concise.count(": J001 trailing comma") == 7


def test_severity_decides_the_exit_code(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"instruction": "a", "output": "b"}\n\n')
    assert dsforge("lint", path).returncode == 1
    assert dsforge("lint", path, "--fail-on", "error").returncode == 0
    assert dsforge("lint", path, "--ignore", "blank-line").returncode == 0
    assert dsforge("lint", path, "--select", "S,T").returncode == 0


def test_unknown_rule_suggests_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"instruction": "a", "output": "b"}\n')
    assert_one_line_error(dsforge("lint", path, "--select", "unknown-rol"), "did you mean 'unknown-role'")
    assert_one_line_error(dsforge("rule", "S999"), "S999")


def test_rules_are_explained_and_listed() -> None:
    shown = dsforge("rule", "S103").stdout
    assert "S103 unknown-role" in shown
    assert "Why is this bad?" in shown
    listed = dsforge("rule", "--all", "--json")
    assert [rule["code"] for rule in json.loads(listed.stdout)["rules"]] == sorted(all_rules())
    assert set("JSTLBQPDX") == {code[0] for code in all_rules()}


BROKEN = """{
  "messages": [
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "w", "arguments": ""},}]},
    {"role": "tool", "content": "{\\"temperature\\": 23}", "tool_call_id": "1",},
    {"role": "assistant", "content": "23 degrees"}
  ]
  "tools": []
}
"""


def test_every_mistake_of_a_broken_document_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text(BROKEN)
    lines = BROKEN.splitlines()
    found = [(item["line"], item["column"], item["help"]) for item in _lint(path, "--select", "J001")]
    assert found == [
        (4, lines[3].index("},}") + 2, "remove this comma"),
        (5, lines[4].index(",}") + 1, "remove this comma"),
        (7, 4, "write `,` after this `]`"),
    ]


@pytest.mark.parametrize("path", [path for path in seed_files() if "as_published" in path.name], ids=str)
def test_the_published_example_that_is_broken(path: Path) -> None:
    places = [(item["line"], item["column"], item["help"]) for item in _lint(path, "--select", "J001")]
    assert places == [(5, 147, "remove this comma"), (9, 93, "remove this comma"), (28, 10, "write `,` after this `}`")]
