"""Rows go out to other tools and what was done there comes back; the tools' own code judges in tests/peers."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from dsforge.errors import DsforgeError, InputError, OutputError, UsageError
from dsforge.finding import Finding
from dsforge.review.decision import Accept, Categorise, Decision, Delete, Edit, Prefer, Reject
from dsforge.review.review import Review
from dsforge.review.tool import Brought, Sent, all_tools, get_tool, task_of
from tests.review.rows import BROKEN, HOSTILE, PAIR, SFT

REFUSES = {
    "messages": [
        {"role": "user", "content": "写一首诗 😀"},
        {"role": "assistant", "content": "😀😀 As an AI, I cannot."},
    ]
}
CALLS = {
    "messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "One moment.",
         "tool_calls": [{"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "18"},
    ]
}  # fmt: skip
ROWS = [SFT, PAIR, REFUSES, HOSTILE, CALLS, BROKEN]


def check(number: int, raw: bytes) -> Sequence[Finding]:
    """The refusal in the third row, as lint finds it."""
    text = raw.decode()
    at = text.find("As an AI")
    if at < 0:
        return ()
    return [Finding("Q504", "refusal", "warning", "it refuses", "rows.jsonl", number, 1, at + 1, "/messages/1/content",
                    excerpt=text, mark=(at, 8))]  # fmt: skip


@pytest.fixture
def review(tmp_path: Path) -> Any:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join((row if isinstance(row, bytes) else orjson.dumps(row)) + b"\n" for row in ROWS))
    with Review(path, check=check) as made:
        yield made


def sent(review: Review, tool: str, output: Path) -> Sent:
    result = get_tool(tool).write(review, output)
    assert result.rows + sum(result.left_out.values()) == len(review) == len(ROWS)
    assert dict(result.left_out) == {"it cannot be read: mend it in dsforge review": 1}
    assert all(path.is_file() for path in result.files)
    return result


def brought(review: Review, tool: str, source: Path, annotator: str = "") -> Brought:
    """What comes back; brought in twice it counts once."""
    result = get_tool(tool).read(review, source, annotator)
    review.add(result.decisions)
    before = [review.decisions(number) for number in range(1, len(ROWS) + 1)]
    review.add(get_tool(tool).read(review, source, annotator).decisions)
    assert [review.decisions(number) for number in range(1, len(ROWS) + 1)] == before
    return result


def did(decisions: Sequence[Decision], row: int) -> list[Any]:
    return [each.action for each in decisions if each.row == row]


def test_a_finding_is_placed_in_its_turn(review: Review) -> None:
    task = task_of(review.row(3))
    assert task is not None
    (span,) = task.spans
    assert (span.turn, span.label) == (1, "Q504 refusal")
    assert task.turns[1].text[span.start : span.end] == "As an AI"
    assert task.notes == "Q504 refusal: it refuses"


def test_which_answer_stands_first_is_told_by_the_row_and_is_not_always_the_same(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(b"".join(orjson.dumps({**PAIR, "id": str(number)}) + b"\n" for number in range(60)))
    with Review(path) as pairs:
        first = [task_of(row).chosen_first for row in pairs.rows()]  # type: ignore[union-attr]
        assert first == [task_of(row).chosen_first for row in pairs.rows()]  # type: ignore[union-attr]
    assert 15 < sum(first) < 45


# -- Label Studio


def test_label_studio_and_back(review: Review, tmp_path: Path) -> None:
    result = sent(review, "label-studio", tmp_path / "out")
    assert sorted(path.name for path in result.files) == ["chat.json", "chat.xml", "pairs.json", "pairs.xml"]
    chat = json.loads((tmp_path / "out" / "chat.json").read_text())
    (pair,) = json.loads((tmp_path / "out" / "pairs.json").read_text())
    assert [task["data"]["title"] for task in chat] == ["row 1", "row 3", "row 4", "row 5"]
    (region,) = chat[1]["predictions"][0]["result"]
    text = chat[1]["data"]["conversation"][1]["text"]
    value = region["value"]
    units = text.encode("utf-16-le")
    meant = units[2 * value["startOffset"] : 2 * value["endOffset"]].decode("utf-16-le")
    assert (meant, value["paragraphlabels"], value["start"]) == ("As an AI", ["Q504 refusal"], "1")
    config = ET.parse(tmp_path / "out" / "chat.xml").getroot()
    assert [label.get("value") for label in config.iter("Label")] == ["Q504 refusal"]
    assert chat[3]["data"]["answer_at"] == -1  # it ends with a result of a tool

    def choose(name: str, value: Any) -> Any:
        return {"from_name": name, "to_name": "conversation", "type": "x", "value": value}

    def annotated(task: Any, *results: Any, by: Any = 7, **more: Any) -> Any:
        annotation = {"completed_by": by, "updated_at": "2026-11-01T10:00:00.5Z", "result": list(results), **more}
        return {**task, "annotations": [annotation]}

    side = "left" if not pair["data"]["chosen_first"] else "right"
    (tmp_path / "export.json").write_text(json.dumps([
        annotated(chat[0], choose("answer", {"text": ["4."]}), choose("category", {"text": "sums"}),
                  choose("verdict", {"choices": ["accept"]})),
        annotated(chat[1], choose("verdict", {"choices": ["reject"]}), choose("reason", {"text": ["refuses"]}),
                  by={"id": 3, "email": "ana@x"}),
        annotated(chat[2], choose("verdict", {"choices": ["accept"]}), was_cancelled=True),
        annotated(chat[3]),
        annotated(pair, choose("better", {"selected": side})),
        {"data": {"text": "another project"}},
        annotated({"data": {"key": "no such row"}}, choose("verdict", {"choices": ["accept"]})),
    ]))  # fmt: skip
    back = brought(review, "label-studio", tmp_path / "export.json")
    assert did(back.decisions, 1) == [Edit(2, "4."), Categorise("sums"), Accept()]
    assert did(back.decisions, 3) == [Reject("refuses")]
    assert did(back.decisions, 2) == [Prefer("rejected")]
    assert {each.annotator for each in back.decisions} == {"user-7", "ana@x"}
    assert back.decisions[0].time == 1793527200.5
    assert sum(back.passed_over.values()) == 4
    assert review.row(1).state.status == "accepted"
    written = review.row(1).state.written()
    assert written is not None
    assert orjson.loads(written)["messages"][2]["content"] == "4."
    assert review.row(2).state.outcome.chosen[0].text == "12"  # type: ignore[union-attr, index]


# -- Argilla


def test_argilla_and_back(review: Review, tmp_path: Path) -> None:
    sent(review, "argilla", tmp_path / "out")
    settings = json.loads((tmp_path / "out" / ".argilla" / "settings.json").read_text())
    assert [question["name"] for question in settings["questions"]] == [
        "preference", "answer", "verdict", "reason", "category",
    ]  # fmt: skip
    records = json.loads((tmp_path / "out" / "records.json").read_text())
    assert [record["metadata"]["row"] for record in records] == [1, 2, 3, 4, 5]
    first_is_chosen = records[1]["metadata"]["chosen_first"] == "true"
    assert records[1]["fields"]["first"] == ("11" if first_is_chosen else "12")
    records[0]["responses"] = {
        "answer": [{"value": "4.", "user_id": "u1"}, {"value": "It is 4.", "user_id": "u2"}],
        "verdict": [{"value": "accept", "user_id": "u1"}, {"value": "reject", "user_id": "u2"}],
        "reason": [{"value": "wrong", "user_id": "u2"}],
    }
    records[1]["responses"] = {"preference": [{"value": "first is better", "user_id": "u1"}]}
    records[2]["responses"] = {"category": [{"value": "poems", "user_id": "u1"}]}
    (tmp_path / "out" / "records.json").write_text(json.dumps([*records, {"fields": {}}]))
    back = brought(review, "argilla", tmp_path / "out")
    by = [(each.annotator, each.action) for each in back.decisions if each.row == 1]
    assert by == [("argilla-u1", Edit(2, "4.")), ("argilla-u1", Accept()), ("argilla-u2", Reject("wrong"))]
    assert did(back.decisions, 2) == [Prefer("chosen" if first_is_chosen else "rejected")]
    assert did(back.decisions, 3) == [Categorise("poems")]
    assert sum(back.passed_over.values()) == 1
    assert review.row(1).state.status == "disputed"


# -- Excel


def test_excel_and_back(review: Review, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    sent(review, "excel", tmp_path / "out.xlsx")
    untouched = brought(review, "excel", tmp_path / "out.xlsx")
    assert untouched.decisions == []
    assert dict(untouched.passed_over) == {"a line that was left as it is": 5}
    workbook = openpyxl.load_workbook(tmp_path / "out.xlsx")
    sheet = workbook["review"]
    at = {cell.value: cell.column for cell in sheet[1]}
    assert sheet.column_dimensions[openpyxl.utils.get_column_letter(at["key"])].hidden
    assert [str(each.sqref) for each in sheet.data_validations.dataValidation]
    assert sheet.cell(2, at["roles"]).value == "system, user, assistant"
    sheet.cell(2, at["message 3"]).value = "4."
    sheet.cell(2, at["verdict"]).value = "accept"
    sheet.cell(2, at["category"]).value = None
    sheet.cell(3, at["better"]).value = "tie"
    sheet.cell(4, at["verdict"]).value = "Reject "
    sheet.cell(4, at["reason"]).value = "refuses"
    sheet.cell(6, at["message 2"]).value = "changed beside a call of a tool"
    workbook.save(tmp_path / "back.xlsx")
    back = brought(review, "excel", tmp_path / "back.xlsx", "ana")
    assert did(back.decisions, 1) == [Edit(2, "4."), Categorise(""), Accept()]
    assert did(back.decisions, 2) == [Prefer("tie")]
    assert did(back.decisions, 3) == [Reject("refuses")]
    assert did(back.decisions, 5) == []
    assert {each.annotator for each in back.decisions} == {"ana"}
    assert [review.row(number).state.status for number in (1, 2, 3, 4)] == ["accepted", "removed", "rejected", "new"]


def test_no_cell_is_a_formula_and_none_is_cut(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    path = tmp_path / "rows.jsonl"
    texts = ["=1+1", "@SUM(1)", "https://x.example", "x" * 40_000, "a\r\nb\x00c"]
    rows = [{"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": text}]} for text in texts]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    with Review(path) as odd:
        get_tool("excel").write(odd, tmp_path / "out.xlsx")
        sheet = openpyxl.load_workbook(tmp_path / "out.xlsx")["review"]
        at = {cell.value: cell.column for cell in sheet[1]}["message 2"]
        assert [sheet.cell(line, at).data_type for line in (2, 3, 4, 5)] == ["s"] * 4
        assert sheet.cell(2, at).value == "=1+1"
        assert sheet.cell(5, at).value.startswith("(too long")
        assert get_tool("excel").read(odd, tmp_path / "out.xlsx", "").decisions == []


# -- all of them


@pytest.mark.parametrize("name", all_tools())
def test_what_cannot_be_read_or_written_is_told(review: Review, name: str, tmp_path: Path) -> None:
    tool = get_tool(name)
    for content in (b"", b"{}", b"no such thing", b"[1, 2"):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(InputError):
            tool.read(review, tmp_path / "bad", "")
    with pytest.raises(DsforgeError):
        tool.read(review, tmp_path / "missing", "")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises((OutputError, UsageError)):
        tool.write(review, tmp_path / "full")


def test_no_such_tool() -> None:
    with pytest.raises(UsageError, match="no tool 'exel'; did you mean 'excel'"):
        get_tool("exel")


def studio(review: Review, folder: Path, *annotations: Any) -> Path:
    """An export of Label Studio with these annotations of the first row."""
    if not (folder / "out").exists():
        get_tool("label-studio").write(review, folder / "out")
    (task, *_) = json.loads((folder / "out" / "chat.json").read_text())
    (folder / "export.json").write_text(json.dumps([{**task, "annotations": list(annotations)}]))
    return folder / "export.json"


def said(verdict: str, answer: str = "It is 4.", hour: int = 10) -> Any:
    results = [
        {"from_name": "verdict", "value": {"choices": [verdict]}},
        {"from_name": "answer", "value": {"text": [answer]}},
    ]
    return {"completed_by": 1, "updated_at": f"2026-11-01T{hour}:00:00Z", "result": results}


def test_the_last_word_counts_and_what_is_taken_back_is(review: Review, tmp_path: Path) -> None:
    for at, (verdict, answer) in enumerate(
        [("accept", "4."), ("reject", "4."), ("accept", "It is 4."), ("accept", "5")]
    ):
        brought(review, "label-studio", studio(review, tmp_path, said(verdict, answer, 10 + at)))
        state = review.row(1).state
        assert state.status == f"{verdict}ed"
        assert state.example is not None
        assert state.example.messages[2].text == answer
    early, late = said("reject", hour=11), said("accept", hour=12)
    brought(review, "label-studio", studio(review, tmp_path, late, early))
    assert review.row(1).state.status == "accepted"


def test_an_edit_is_not_laid_on_another_message(review: Review, tmp_path: Path) -> None:
    source = review.source
    review.add([Decision(1, source.key(1), "user-1", 1.0, Delete(0), "d1")])
    back = brought(review, "label-studio", studio(review, tmp_path, said("accept", "4.")))
    assert back.decisions == []
    assert dict(back.passed_over) == {"its messages were moved in dsforge review: edit it there": 1}


@pytest.mark.parametrize("annotation", [1, {"result": [5]}, {"result": [{"from_name": "verdict", "value": "x"}]}, None])
def test_annotations_of_another_form_are_passed_over(review: Review, tmp_path: Path, annotation: Any) -> None:
    back = brought(review, "label-studio", studio(review, tmp_path, annotation))
    assert (back.decisions, sum(back.passed_over.values())) == ([], 1)


def test_excel_loses_nothing(review: Review, tmp_path: Path) -> None:
    """Columns taken out, cells emptied, words misspelt, files that are there."""
    openpyxl = pytest.importorskip("openpyxl")
    sent(review, "excel", tmp_path / "out.xlsx")
    with pytest.raises(OutputError, match="there already"):
        get_tool("excel").write(review, tmp_path / "out.xlsx")

    def changed(change: Any) -> Path:
        workbook = openpyxl.load_workbook(tmp_path / "out.xlsx")
        sheet = workbook["review"]
        change(sheet, {cell.value: cell.column for cell in sheet[1]})
        workbook.save(tmp_path / "back.xlsx")
        return tmp_path / "back.xlsx"

    assert brought(review, "excel", changed(lambda sheet, at: sheet.delete_cols(at["message 2"]))).decisions == []
    emptied = brought(
        review, "excel", changed(lambda sheet, at: setattr(sheet.cell(2, at["message 3"]), "value", None))
    )
    assert emptied.decisions == []
    assert emptied.passed_over["a message that was emptied: delete it in dsforge review"] == 1
    for column, word in (("verdict", "acept"), ("better", "first")):
        back = brought(
            review, "excel", changed(lambda sheet, at, c=column, w=word: setattr(sheet.cell(2, at[c]), "value", w))
        )
        assert back.decisions == []
        assert any("none of accept" in reason for reason in back.passed_over)
    with pytest.raises(InputError, match="lacks the column 'verdict'"):
        get_tool("excel").read(review, changed(lambda sheet, at: sheet.delete_cols(at["verdict"])), "")


def test_a_workbook_that_is_reviewed_is_not_written_over(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    from dsforge.convert import convert

    (tmp_path / "rows.jsonl").write_bytes(orjson.dumps({"instruction": "a", "output": "b"}) + b"\n")
    convert([str(tmp_path / "rows.jsonl")], str(tmp_path / "rows.xlsx"), "alpaca")
    with Review(tmp_path / "rows.xlsx") as table, pytest.raises(UsageError, match="also an input"):
        get_tool("excel").write(table, tmp_path / "rows.xlsx")
