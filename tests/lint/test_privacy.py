"""What rules about personal data find is never printed, is masked where it stands, and has the right check digits."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from dsforge.lint.fix import fix
from dsforge.lint.rules.privacy.bank_card_number import is_luhn
from dsforge.lint.rules.privacy.chinese_company_code import is_credit_code
from dsforge.lint.rules.privacy.chinese_id_number import is_identity_number
from dsforge.lint.rules.privacy.iban import is_iban
from dsforge.lint.run import lint

# code, what stands in the text, what is written in its place
VALUES = [
    ("P601", "sk-proj-9fK2LmQ8xRz7TbVn4WcYd1EhGjUoPs63", "[SECRET]"),
    ("P602", "maria.huber@lamps.at", "[EMAIL]"),
    ("P603", "13912345670", "[PHONE]"),
    ("P604", "11010519491231002X", "[ID NUMBER]"),
    ("P605", "6222 0200 1234 5678 903", "[CARD NUMBER]"),
    ("P606", "DE44500105175407324931", "[IBAN]"),
    ("P607", "93.184.216.34", "[IP ADDRESS]"),
    ("P609", "536-22-8417", "[SSN]"),
    ("P610", "91350100M000100Y43", "[CREDIT CODE]"),
]
AROUND = [("", ""), ("请记下", "，谢谢"), ("写作", "就行"), ("It is ", "."), ("(", ")"), ("a\n", "\nb"), ("“", "”")]


def _row(text: str) -> str:
    return json.dumps({"instruction": "a", "output": text}, ensure_ascii=False) + "\n"


@pytest.mark.parametrize(("code", "value", "mask"), VALUES, ids=[value[0] for value in VALUES])
@pytest.mark.parametrize(("before", "after"), AROUND)
def test_a_value_is_found_hidden_and_masked(
    tmp_path: Path, code: str, value: str, mask: str, before: str, after: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(_row(before + value + after), encoding="utf-8")
    (finding,) = lint([path], select=[code]).findings
    assert value not in finding.message
    assert value[4:-4] not in finding.message
    start, length = finding.mark
    assert finding.excerpt[start : start + length] == value
    assert fix([path], select=[code], unsafe=True).fixed == {code: 1}
    assert path.read_text("utf-8") == _row(before + mask + after)


def _with_one_digit_changed(number: str) -> list[str]:
    return [
        number[:at] + str((int(digit) + 1) % 10) + number[at + 1 :]
        for at, digit in enumerate(number)
        if digit.isdigit()
    ]


def test_every_single_wrong_digit_is_noticed() -> None:
    for check, number in (
        (is_luhn, "6222020012345678903"), (is_iban, "DE44500105175407324931"), (is_credit_code, "91350100M000100Y43"),
        (is_identity_number, "11010519491231002X"),
    ):  # fmt: skip
        assert check(number)
        assert not any(check(wrong) for wrong in _with_one_digit_changed(number))


@pytest.mark.parametrize(
    "unit", ["1234-", "1 ", "sk-", "a.", "password=", "eyJa.", "@a.", "://a:", "(0) ", "::", "密码：a"]
)
def test_long_texts_take_linear_time(tmp_path: Path, unit: str) -> None:
    path = tmp_path / "rows.jsonl"
    seconds = []
    for size in (20_000, 80_000):
        path.write_text(_row(unit * (size // len(unit))), encoding="utf-8")
        start = time.process_time()
        lint([path], select=["P"])
        seconds.append(time.process_time() - start)
    assert seconds[1] < 1 + 8 * seconds[0]
    assert seconds[1] < 3
