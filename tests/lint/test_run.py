"""Findings stand where the text stands; the dataset rules see all files as one dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsforge.errors import UsageError
from dsforge.lint.facts import Settings
from dsforge.lint.linter import MAX_EXCERPTS
from dsforge.lint.run import lint
from dsforge.lint.target import for_target


def _write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


# row, pointer of the empty answer
EMPTY = [
    ('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}]}', "/messages/1/content"),
    ('{"instruction": "a", "output": ""}', "/output"),
    ('{"instruction": "a", "system": "s", "history": [["q", ""]], "output": "b"}', "/history/0/1"),
    ('{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": ""}]}', "/conversations/1/value"),
    ('{"prompt": "a", "chosen": "b", "rejected": ""}', "/rejected"),
    ('{"input": {"messages": [{"role": "user", "content": "a"}]}, '
     '"preferred_output": [{"role": "assistant", "content": ""}], '
     '"non_preferred_output": [{"role": "assistant", "content": "c"}]}', "/preferred_output/0/content"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "pointer"), EMPTY, ids=[pointer for _, pointer in EMPTY])
def test_the_pointer_leads_to_the_text(tmp_path: Path, row: str, pointer: str) -> None:
    (finding,) = lint(
        [_write(tmp_path / "rows.jsonl", '{"instruction": "x", "output": "y"}', row)], select=["S104"]
    ).findings
    assert finding.pointer == pointer
    assert (finding.row, finding.line) == (2, 2)
    assert row[finding.column - 1 :].startswith('""')


def test_duplicates_are_met_across_files_and_formats(tmp_path: Path) -> None:
    first = _write(tmp_path / "a.jsonl", '{"instruction": "Say hello", "output": "Hello"}')
    second = _write(
        tmp_path / "b.jsonl",
        '{"messages": [{"role": "user", "content": "say  hello"}, {"role": "assistant", "content": "hello"}]}',
    )
    (finding,) = lint([first, second], select=["D701"]).findings
    assert finding.path == str(second)
    assert finding.message == f"says the same as row 1 of {first}"


def test_rows_of_a_named_format(tmp_path: Path) -> None:
    path = _write(tmp_path / "rows.jsonl", '{"instruction": "a", "output": "b"}')
    assert lint([path], settings=Settings(format="chatml")).counts == {"S106": 1}
    with pytest.raises(UsageError, match="no format"):
        lint([path], settings=Settings(format="chatmll"))


def test_the_limit_of_a_target_and_what_becomes_of_the_row(tmp_path: Path) -> None:
    long = '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "%s"}]}' % ("word " * 3000)
    path = _write(tmp_path / "rows.jsonl", long)
    settings = for_target(Settings(tokenizer="approximate"), "bailian")
    (finding,) = lint([path], select=["L301"], settings=settings).findings
    assert "over the limit of 2,048: Alibaba Bailian (Beijing) drops the whole row" in finding.message
    assert "approximate, +-10%" in finding.message
    generous = for_target(Settings(tokenizer="approximate", max_tokens=5000), "bailian")
    assert lint([path], select=["L301"], settings=generous).findings == []


def test_a_target_that_trains_no_such_model() -> None:
    with pytest.raises(UsageError, match="did you mean 'glm-4-9b'"):
        for_target(Settings(), "zhipu", "glm-4-9")


EMPTY_ANSWER = '{"instruction": "a", "output": "", "_dsforge": %s}'


@pytest.mark.parametrize(
    "waiver", ['{"ignore": ["S104"]}', '{"ignore": ["empty-content", "Q"]}', '{"ignore": ["ALL"]}']
)
def test_a_row_may_ask_to_be_spared(tmp_path: Path, waiver: str) -> None:
    path = _write(tmp_path / "rows.jsonl", EMPTY_ANSWER % waiver, '{"instruction": "c", "output": ""}')
    assert [(found.code, found.row) for found in lint([path]).findings] == [("S104", 2)]


def test_a_row_is_spared_from_rules_of_the_dataset_and_of_decoding_too(tmp_path: Path) -> None:
    row = '{"instruction": "a", "output": "b"%s}'
    wrong = '{"messages": [{"role": "bot", "content": "a"}], "_dsforge": {"ignore": ["S103"]}}'
    path = _write(tmp_path / "rows.jsonl", row % "", row % ', "_dsforge": {"ignore": ["D701"]}', row % "", wrong)
    result = lint([path], select=["D701", "S103"])
    assert [(found.code, found.row) for found in result.findings] == [("D701", 3)]
    assert result.rows_rejected == 1


@pytest.mark.parametrize("waiver", ['"S104"', '{"ignore": "S104"}', '{"ignore": ["S9999"]}', '{"skip": []}', "null"])
def test_what_is_no_waiver_is_said_and_spares_nothing(tmp_path: Path, waiver: str) -> None:
    path = _write(tmp_path / "rows.jsonl", EMPTY_ANSWER % waiver)
    assert set(lint([path]).counts) == {"S104", "S112"}


def test_rules_are_ignored_by_file(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    raw = _write(tmp_path / "raw" / "rows.jsonl", '{"instruction": "a", "output": ""}')
    mended = _write(tmp_path / "rows.jsonl", '{"instruction": "a", "output": ""}')
    result = lint([raw, mended], per_file_ignores={"*/raw/*": ["S,D"]})
    assert {(found.path, found.code) for found in result.findings} == {(str(mended), "S104"), (str(mended), "D701")}


def test_workers_find_the_same(tmp_path: Path) -> None:
    rows = [
        f'{{"instruction": "{"a b " * 60}{index}", "output": "{"x" * (index % 7 > 0)}"}}' for index in range(40_000)
    ]
    path = _write(tmp_path / "rows.jsonl", *rows, rows[0])
    one, two = lint([path]), lint([path], workers=2)
    assert one == two
    assert sum(bool(found.excerpt) for found in one.findings) == MAX_EXCERPTS


def test_the_mark_is_on_the_text(tmp_path: Path) -> None:
    path = _write(tmp_path / "rows.jsonl", '{"x": "%s", "instruction": "a", "output": ""}' % ("请" * 200))
    (found,) = lint([path], select=["S104"]).findings
    start, length = found.mark
    assert found.excerpt[start : start + length] == '""'
    assert found.excerpt.startswith("...请")
    assert len(found.excerpt) < 130
