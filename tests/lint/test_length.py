"""Rules of the length family: what their case files cannot say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsforge.lint.facts import Settings
from dsforge.lint.rules.length.endings import BROKEN, CLOSED, OPEN, UNTOLD, ending_of
from dsforge.lint.run import lint


def _write(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


WORDS = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"instruction": "Count", "output": WORDS}, "5 of the 10 trained tokens"),
        ({"instruction": WORDS, "output": "Eleven"}, "; the prompt alone has 10, so nothing of the answer is left"),
        ({"prompt": "Count", "chosen": WORDS, "rejected": "No"}, "trained tokens"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": WORDS}] * 2}, ", up to "),
    ],
)
def test_what_is_lost_beyond_the_limit(row: dict[str, Any], said: str, tmp_path: Path) -> None:
    settings = Settings(max_tokens=6, tokenizer="approximate")
    (found,) = lint([_write(tmp_path, [row])], select=["L301"], settings=settings).findings
    assert "over the limit of 6: what lies beyond is cut off" in found.message
    assert said in found.message


SENTENCE = "The weather was fine on that day, and everybody went out to see the lake in the hills."


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        (SENTENCE, CLOSED),
        (f"{SENTENCE} \n", CLOSED),
        (f"{SENTENCE} They swam across it", OPEN),
        (f"{SENTENCE} They swam across the", BROKEN),
        (f"{SENTENCE} In 1990", UNTOLD),
        (f"{SENTENCE}\n- eggs and milk and bread from the", UNTOLD),
        (f"{SENTENCE}\nreturn the", UNTOLD),
        ("Short and the", UNTOLD),
        ("", UNTOLD),
        ("天气很好，大家都出去看湖。" * 8, CLOSED),
        ("天气很好，大家都出去看湖。" * 8 + "他们在湖里游泳并且唱歌", OPEN),
        ("天气很好，大家都出去看湖。" * 8 + "他们在湖里游泳并且唱歌，", BROKEN),
        ("天气很好，大家都出去看湖。" * 8 + "好", UNTOLD),
    ],
)
def test_how_a_text_ends(text: str, ending: int) -> None:
    assert ending_of(text) == ending


def test_a_missing_full_stop_is_told_of_where_nearly_all_have_one(tmp_path: Path) -> None:
    cut = {"instruction": "a", "output": f"{SENTENCE} They swam across it"}
    usual = [{"instruction": f"{number}", "output": f"{SENTENCE} Number {number}."} for number in range(120)]
    assert lint([_write(tmp_path, [*usual[:60], cut])], select=["L305"]).findings == []
    assert [found.row for found in lint([_write(tmp_path, [*usual, cut])], select=["L305"]).findings] == [121]
    assert lint([_write(tmp_path, [*usual, *[cut] * 20])], select=["L305"]).findings == []


@pytest.mark.parametrize(
    ("answer", "code", "marked"),
    [
        ("One:\n```\na\n```\nTwo:\n```python\nb", "L302", "```python\nb"),
        ("One:\n```python\na\nTwo:\n```python\nb\n```", "L302", "```python\na\nTwo"),
        ('{"a": [1, 2], "b": [3, 4', "L303", "[3, 4"),
        ('{"a": "b", "c": "so it g', "L303", '"so it g'),
        ("<think>a</think>\n<think>b", "L304", "<think>b"),
    ],
)
def test_the_place_is_where_the_last_one_opens(tmp_path: Path, answer: str, code: str, marked: str) -> None:
    (found,) = lint([_write(tmp_path, [{"instruction": "a", "output": answer}])], select=[code]).findings
    shown = json.loads(f'"{found.excerpt[found.mark[0] :].split(chr(34) + "}")[0]}"')
    assert shown.startswith(marked)


def _answers(*sizes: int) -> list[dict[str, Any]]:
    return [{"instruction": f"{number}", "output": "x" * size} for number, size in enumerate(sizes)]


def test_a_length_is_out_of_line_where_the_others_are_alike(tmp_path: Path) -> None:
    def rows(*sizes: int) -> list[int]:
        return [found.row for found in lint([_write(tmp_path, _answers(*sizes))], select=["L306"]).findings]

    assert rows(*[100] * 40, 5000) == [41]
    assert rows(*[100] * 40, 900) == []  # ten times as long and no long text
    assert rows(*[100] * 40, *[5000] * 5) == []  # a kind of its own
    assert rows(*[4**size for size in range(8)] * 5) == []  # all lengths there are
    assert rows(*[100] * 10, 5000) == []  # too few to tell


def test_a_short_answer_is_told_of_where_all_are_long(tmp_path: Path) -> None:
    def rows(*sizes: int) -> list[int]:
        return [found.row for found in lint([_write(tmp_path, _answers(*sizes))], select=["L307"]).findings]

    assert rows(*[500] * 30, 1) == [31]
    assert rows(*[500] * 30, 3) == []
    assert rows(*[500] * 30, *[60] * 5, 1) == []
    assert rows(*[1] * 30) == []
    assert rows(*[500] * 10, 1) == []
    bad = {"prompt": "a", "completion": "x", "label": False}
    good = [{"prompt": f"{number}", "completion": "x" * 500, "label": True} for number in range(30)]
    assert lint([_write(tmp_path, [*good, bad])], select=["L307"]).findings == []
