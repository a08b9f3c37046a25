"""Rules of the balance family: what it takes for them to speak, and the statistics by which they judge."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from dsforge.finding import Finding
from dsforge.lint.facts import Settings
from dsforge.lint.rules.balance.scripts import SCRIPTS, script_number
from dsforge.lint.rules.balance.statistics import (
    binomial_p,
    chi_square_p,
    kolmogorov_smirnov,
    median,
    median_of_counted,
    total_variation,
)
from dsforge.lint.rules.balance.topics import topics_of
from dsforge.lint.run import lint
from dsforge.report.evenness import effective_number

Rows = Sequence[dict[str, Any]]


def _found(folder: Path, code: str, rows: Rows, settings: Settings | None = None, **splits: Rows) -> list[Finding]:
    paths = []
    for name, part in {"rows": rows, **splits}.items():
        if part:
            paths.append(folder / f"{name}.jsonl")
            paths[-1].write_text("".join(json.dumps(row) + "\n" for row in part), encoding="utf-8")
    return lint(paths, select=[code], settings=settings).findings


def _ask(number: int, answer: str = "", **fields: Any) -> dict[str, Any]:
    return {"instruction": f"Question {number:04}", "output": answer or f"Answer {number:04}", **fields}


def test_a_category_is_the_field_that_the_settings_name(tmp_path: Path) -> None:
    rows = [_ask(number, meta={"topic": "a" if number else "b"}) for number in range(30)]
    assert _found(tmp_path, "B401", rows) == []
    (found,) = _found(tmp_path, "B401", rows, Settings(category_field="meta.topic"))
    assert found.message == (
        "category 'a' has 29 rows, 'b' 1: 29 times as many; the 2 categories are as even as 1.2 of the same size"
    )
    levels = [_ask(number, level=int(number > 0)) for number in range(30)]
    (found,) = _found(tmp_path, "B401", levels, Settings(category_field="level"))
    assert "category '1' has 29 rows" in found.message


@pytest.mark.parametrize(
    ("row", "fewest", "kind"),
    [
        ({"instruction": "a", "output": "b"}, 50, "SFT"),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, 200, "preference"),
        ({"prompt": "a", "completion": "b", "label": False}, 200, "KTO"),
    ],
)
def test_how_many_rows_are_enough(row: dict[str, Any], fewest: int, kind: str, tmp_path: Path) -> None:
    assert _found(tmp_path, "B402", [row] * fewest) == []
    (found,) = _found(tmp_path, "B402", [row] * (fewest - 1))
    assert found.message == f"{fewest - 1} rows of {kind} data; {fewest} are wanted at least"
    assert len(_found(tmp_path, "B402", [row] * fewest, Settings(min_rows=fewest + 1))) == 1


def test_a_stray_script(tmp_path: Path) -> None:
    chinese = [{"instruction": f"问题{number}", "output": "好"} for number in range(30)]
    (found,) = _found(tmp_path, "B404", [*chinese, _ask(1), _ask(2)])
    assert found.row == 31
    assert found.message == "2 of 32 questions are in Latin, 93.8% in Han: row 31, row 32"
    (found,) = _found(tmp_path, "B404", [*chinese * 3, *[_ask(number) for number in range(8)]])
    assert found.message.endswith("in Han: row 91, row 92, row 93, row 94, row 95 and others")
    assert _found(tmp_path, "B404", [*chinese, *[_ask(1)] * 10]) == []  # two languages
    assert _found(tmp_path, "B404", [*chinese, {"instruction": "1 + 1 = ?", "output": "2"}][:15]) == []


@pytest.mark.parametrize(
    ("question", "script"),
    [
        ("请为这段代码添加注释：\ndef add(one, other):\n    return one + other\n\nprint(add(1, 2))", "Han"),
        ("def add(one, other):\n    return one + other\n\n请添加注释", "mixed"),
        ("分类单词的词性：They have already started their new business", "mixed"),
        ("Who wrote “Café”?", "Latin"),
        (
            "Translate this text to English:\n乌尔姆大教堂的塔是世界上最高的教堂塔，每年都有许多游客前来登塔参观。",
            "mixed",
        ),
        ("Сколько будет 2 + 2?", "Cyrillic"),
    ],
)
def test_a_question_is_judged_by_itself(question: str, script: str) -> None:
    assert SCRIPTS[script_number(question)] == script


def test_one_system_prompt(tmp_path: Path) -> None:
    assert len(_found(tmp_path, "B405", [_ask(number, system="Be kind.") for number in range(20)])) == 1
    assert _found(tmp_path, "B405", [_ask(number) for number in range(20)]) == []


def test_system_prompts_that_are_nearly_the_same(tmp_path: Path) -> None:
    prompts = ["Be kind.", "Be kind.", "be  kind", "Be kind 2.", "", "请友好。", "请友好!"]
    found = _found(tmp_path, "B406", [_ask(number, system=prompt) for number, prompt in enumerate(prompts)])
    assert [(one.row, one.message.partition(" but")[0]) for one in found] == [
        (3, "the system prompt is that of row 1"),
        (7, "the system prompt is that of row 6"),
    ]


def test_openings(tmp_path: Path) -> None:
    sure = [_ask(number, f"Sure! Here is your answer: {number}") for number in range(25)]
    others = [_ask(number, f"{number} is what you asked for here") for number in range(25)]
    (found,) = _found(tmp_path, "B407", others + sure)
    assert (found.row, "25 of 50 answers (50%) begin with 'Sure! Here is your'" in found.message) == (26, True)
    assert _found(tmp_path, "B407", others * 10 + sure) == []
    assert _found(tmp_path, "B407", [_ask(number, "Sure! Here is your answer: 4") for number in range(25)]) == []
    assert _found(tmp_path, "B407", [_ask(n, f"import numpy as np\nx = {n}") for n in range(25)]) == []
    polite = [_ask(number, f"You're welcome! If you have more of them, ask {number}") for number in range(25)]
    assert _found(tmp_path, "B407", others + polite) == []
    chinese = [_ask(number, f"当然可以！以下是您要的答案：{number}") for number in range(25)]
    assert "'当然可以！以下是'" in _found(tmp_path, "B407", chinese)[0].message


def test_one_answer_to_many_questions(tmp_path: Path) -> None:
    refusal = "I am sorry, but I cannot help you with that question."
    assert len(_found(tmp_path, "B408", [_ask(number, refusal) for number in range(5)])) == 1
    assert _found(tmp_path, "B408", [_ask(number, refusal) for number in range(4)]) == []
    assert _found(tmp_path, "B408", [_ask(1, refusal)] * 9) == []  # one question
    assert _found(tmp_path, "B408", [_ask(number, "positive") for number in range(50)]) == []
    welcome = "You're welcome! If you have any more questions, feel free to ask."
    assert _found(tmp_path, "B408", [_ask(number, welcome) for number in range(9)]) == []
    bad = [{"prompt": f"{number}", "completion": refusal, "label": False} for number in range(9)]
    assert _found(tmp_path, "B408", bad) == []


def _pairs(*differences: int) -> list[dict[str, Any]]:
    return [
        {"prompt": f"{number}", "chosen": "x" * (50 + more), "rejected": "y" * 50}
        for number, more in enumerate(differences)
    ]


def test_length_bias(tmp_path: Path) -> None:
    (found,) = _found(tmp_path, "B409", _pairs(*[9] * 80, *[-9] * 20))
    assert found.message == (
        "the chosen answer is the longer one in 80% of 100 pairs (p < 1e-6; median 59 characters against 50)"
    )
    (found,) = _found(tmp_path, "B409", _pairs(*[9] * 10, *[-9] * 60, *[0] * 500))
    assert "the shorter one in 86% of 70 pairs" in found.message
    assert _found(tmp_path, "B409", _pairs(*[9] * 64, *[-9] * 36)) == []
    assert _found(tmp_path, "B409", _pairs(*[9] * 49)) == []
    assert _found(tmp_path, "B409", _pairs(*[0] * 100)) == []


def _labelled(good: int, bad: int) -> list[dict[str, Any]]:
    return [{"prompt": f"{n}", "completion": f"{n}", "label": n < good} for n in range(good + bad)]


@pytest.mark.parametrize(
    ("good", "bad", "code", "said"),
    [
        (8, 0, "B410", "all 8 labels are true"),
        (0, 9, "B410", "all 9 labels are false"),
        (40, 10, "B411", "40 answers are labelled true, 10 false"),
        (10, 40, "B411", "10 answers are labelled true, 40 false"),
        (7, 0, "B410", ""),
        (7, 1, "B410", ""),
        (30, 20, "B411", ""),
        (8, 2, "B411", ""),
        (40, 0, "B411", ""),
    ],
)
def test_labels(good: int, bad: int, code: str, said: str, tmp_path: Path) -> None:
    assert [found.message for found in _found(tmp_path, code, _labelled(good, bad))] == ([said] if said else [])


def test_the_weight_that_balances_the_labels(tmp_path: Path) -> None:
    (found,) = _found(tmp_path, "B411", _labelled(40, 10))
    assert "undesirable_weight between 3.00 and 4.00" in found.help
    (found,) = _found(tmp_path, "B411", _labelled(10, 40))
    assert "set desirable_weight between 4.00 and 5.33" in found.help


@pytest.mark.parametrize(
    ("trained", "held", "said"),
    [
        (600, 10, "10 rows are for validation and 600 for training (1.6%): too few"),
        (9950, 50, "50 rows are for validation and 9,950 for training (0.5%): too few"),
        (40, 30, "30 rows are for validation and 40 for training (42.9%): more than a third"),
        (600, 60, ""),
        (20_000, 150, ""),
        (40, 19, ""),
        (100, 2, ""),
    ],
)
def test_the_size_of_the_validation(trained: int, held: int, said: str, tmp_path: Path) -> None:
    rows = [_ask(number) for number in range(trained + held)]
    found = _found(tmp_path, "B412", [], train=rows[:trained], dev=rows[trained:])
    assert [(one.path, one.message.startswith(said)) for one in found] == (
        [(str(tmp_path / "dev.jsonl"), True)] if said else []
    )


def test_a_split_that_drifted(tmp_path: Path) -> None:
    chance = random.Random(1)
    rows = [_ask(number, "x" * chance.randrange(50, 150), category=chance.choice("ab")) for number in range(400)]
    assert _found(tmp_path, "B413", [], train=rows[:300], test=rows[300:]) == []
    longer = [_ask(number, "x" * chance.randrange(100, 250), category="a") for number in range(100)]
    length, category = _found(tmp_path, "B413", [], train=rows[:300], test=longer)
    assert "the completions for test have a median of" in length.message
    assert "Kolmogorov-Smirnov D = 0." in length.message
    assert "'a' has 100% of them, and" in category.message or "'b' has 0% of them, and" in category.message
    assert _found(tmp_path, "B413", [], train=rows[:300], test=longer[:3]) == []  # chance does that


def test_reasoning_here_and_there(tmp_path: Path) -> None:
    def rows(thinking: int, plain: int) -> list[dict[str, Any]]:
        return [_ask(n, "<think>\nHm.\n</think>\n\nYes") for n in range(thinking)] + [_ask(n) for n in range(plain)]

    (found,) = _found(tmp_path, "T217", rows(58, 2))
    assert (found.row, found.message.startswith("2 of 60 answers have no reasoning, the others do")) == (59, True)
    assert _found(tmp_path, "T217", rows(2, 58))[0].message.startswith(
        "2 of 60 answers have reasoning, the others none"
    )
    assert _found(tmp_path, "T217", rows(30, 30)) == []
    assert _found(tmp_path, "T217", rows(60, 0)) == []
    assert _found(tmp_path, "T217", rows(0, 60)) == []
    assert _found(tmp_path, "T217", rows(10, 1)) == []


def test_facts_are_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    chance = random.Random(2)
    rows = [
        {"prompt": f"{number}", "chosen": "x" * chance.randrange(90, 900), "rejected": "y" * chance.randrange(20, 200)}
        for number in range(12_000)
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    one, two = (lint([path], select=["B", "L3", "T2"], workers=workers) for workers in (1, 2))
    assert one.counts["B409"] == 1
    assert one == two


def test_topics_are_told_apart_and_named() -> None:
    kinds = {"bake bread with flour": 40, "sort a list in python": 20, "translate a french poem": 10}
    texts = [f"Please {kind}, number {number}" for kind, count in kinds.items() for number in range(count)]
    topics = topics_of(texts, 3)
    assert [len(topic.members) for topic in topics] == [40, 20, 10]
    assert {"bread", "flour"} <= set(topics[0].words)
    assert topics == topics_of(texts, 3)
    assert len(topics_of(["", ""], 3)) == 1
    assert {"面包"} <= set(topics_of(["烤面包"] * 5 + ["写诗歌"] * 4, 2)[0].words)


COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(5, 200), min_size=2)


@given(st.integers(1, 2000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_binomial(case: tuple[int, int]) -> None:
    assert binomial_p(*case) == pytest.approx(stats.binomtest(*case).pvalue, rel=1e-6, abs=1e-290)


def test_binomial_of_many() -> None:
    assert binomial_p(50_400, 100_000) == pytest.approx(stats.binomtest(50_400, 100_000).pvalue, rel=0.01)


@given(st.lists(st.integers(0, 50), min_size=20, max_size=200), st.lists(st.integers(0, 60), min_size=20, max_size=200))
def test_two_samples(first: list[int], second: list[int]) -> None:
    distance, p = kolmogorov_smirnov(first, second)
    right = stats.ks_2samp(first, second, method="asymp")
    assert distance == pytest.approx(right.statistic)
    assert p == pytest.approx(right.pvalue, abs=0.05)
    assert median(first) == median_of_counted(Counter(first).items()) == np.median(first)


@given(COUNTS, COUNTS)
@example({"a": 33, "c": 5}, {"b": 33, "d": 6})
def test_counts(first: dict[str, int], second: dict[str, int]) -> None:
    names = sorted({*first, *second})
    table = [[counts.get(name, 0) for name in names] for counts in (first, second)]
    assert chi_square_p(first, second) == pytest.approx(
        stats.chi2_contingency(table, correction=False).pvalue, abs=0.06
    )
    assert 0 <= total_variation(first, second) <= 1
    assert total_variation(first, first) == 0
    assert effective_number(first.values()) == pytest.approx(np.exp(stats.entropy(list(first.values()))))
