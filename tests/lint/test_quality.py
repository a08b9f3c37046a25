"""Rules about text: what they mend, that they look at long texts in linear time, and how their marks stand."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path

import pytest

from dsforge.lint.fix import fix
from dsforge.lint.rules.quality.repetition_loop import find_loop
from dsforge.lint.rules.quality.wrong_arithmetic import is_wrong
from dsforge.lint.run import lint


def _row(text: str) -> str:
    return json.dumps({"instruction": "a", "output": text}, ensure_ascii=False) + "\n"


# code, what stands there, what it becomes
MENDED = [
    ("Q501", "du cafÃ©, sâ€™il", "du café, s’il"),
    ("Q501", "itâ\x80\x99s", "it’s"),
    ("Q510", "Hello!<|im_end|>", "Hello!"),
    ("Q511", " Hello!\n", "Hello!"),
    ("Q512", "Hel\u200blo", "Hello"),
    ("Q513", "Hello\x00", "Hello"),
    ("Q514", "共１２年，即ＡＢ型", "共12年，即AB型"),
    ("Q522", "you\u00a0can", "you can"),
    ("Q523", "a\n\n\n\n\nb", "a\n\nb"),
]


@pytest.mark.parametrize(("code", "text", "mended"), MENDED, ids=[f"{case[0]} {case[2]!r}" for case in MENDED])
def test_a_text_is_mended(tmp_path: Path, code: str, text: str, mended: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(_row(text), encoding="utf-8")
    fix([path], select=[code], unsafe=True)
    assert path.read_text("utf-8") == _row(mended)


@pytest.mark.parametrize(
    ("code", "text"),
    [("Q501", "du cafÃ©"), ("Q510", "Yes.<|im_end|>"), ("Q511", "Yes.\n"), ("Q512", "Y\u200bes"), ("Q513", "Yes\x00")],
)
def test_what_spoils_a_bad_answer_says_so(tmp_path: Path, code: str, text: str) -> None:
    path = tmp_path / "rows.jsonl"
    rejected = {"prompt": "a", "chosen": "It rains.", "rejected": text}
    false = {"prompt": "a", "completion": text, "label": False}
    for row, said in ((rejected, "the rejected answer"), (false, "the answer labelled false")):
        path.write_text(json.dumps(row) + "\n", encoding="utf-8")
        (found,) = lint([path], select=[code]).findings
        assert said in found.message


def test_a_refusal_is_told_of_once(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    for chosen, codes in (
        ("I'm sorry, but I cannot help with that.", {"Q517": 1}),
        ("As an AI language model, I have no taste.", {"Q504": 1}),
        ("As an AI language model, I recommend Paris, Texas.", {"Q524": 1}),
    ):
        row = {"prompt": "Recommend a film", "chosen": chosen, "rejected": "Watch Paris, Texas."}
        path.write_text(json.dumps(row) + "\n", encoding="utf-8")
        assert lint([path], select=["Q504", "Q517", "Q524"]).counts == codes


def test_a_formula_gets_its_backslash_back(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(_row("half is \x0crac{1}{2}"), encoding="utf-8")
    fix([path], select=["Q513"], unsafe=True)
    assert path.read_text("utf-8") == _row("half is \\frac{1}{2}")


@pytest.mark.parametrize(
    ("left", "operator", "right", "result", "wrong"),
    [
        ("12", "*", "3", "36", False), ("12", "*", "3", "35", True), ("10", "/", "3", "3.33", False),
        ("10", "/", "3", "3.4", True), ("2", "/", "3", "0.67", False), ("2", "/", "3", "0.66", False),
        ("1,000", "-", "1", "999", False), ("5", "-", "7", "-2", False), ("0.1", "+", "0.2", "0.3", False),
        ("1", "/", "0", "0", True),
    ],
)  # fmt: skip
def test_sums(left: str, operator: str, right: str, result: str, wrong: bool) -> None:
    assert is_wrong(left, operator, right, Decimal(result)) is wrong


def test_a_loop_is_found_wherever_it_ends() -> None:
    loop = "so it goes on and on. " * 40
    for text in (loop, "Once upon a time. " + loop, loop * 2 + "The end."):
        found = find_loop(text)
        assert found is not None
        start, end, period = found
        assert period == 22
        assert end - start >= 22 * 30
    assert find_loop("Once upon a time there was a town by a river, and in it lived a smith. " * 2) is None


@pytest.mark.parametrize(
    "unit", ["a", "ab ", "1 + ", "= ", "[Your ", "{{", "# ", "\n", "Ã", "&", "<", "哈", "I'm sorry, ", "{}", "| "]
)
def test_long_texts_take_linear_time(tmp_path: Path, unit: str) -> None:
    path = tmp_path / "rows.jsonl"
    seconds = []
    for size in (20_000, 80_000):
        path.write_text(_row("x" + unit * (size // len(unit)) + "x"), encoding="utf-8")
        start = time.process_time()
        lint([path], select=["Q"])
        seconds.append(time.process_time() - start)
    assert seconds[1] < 1 + 8 * seconds[0]
    assert seconds[1] < 3
