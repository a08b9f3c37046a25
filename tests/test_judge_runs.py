"""A judge compares the answers of a run with those of its base, against a server that answers as told."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from dsforge.augment.ask import Patience
from dsforge.augment.prices import Funds, stated_prices
from dsforge.augment.run import Asking
from dsforge.augment.server import Server
from dsforge.errors import ServiceError
from dsforge.judge_runs import Judged, judge
from dsforge.train.evaluate import Sample
from tests.augment.faulty_server import FaultyServer, Reply, serving

QUICK = Patience(attempts=2, timeout=10, first_wait=0.01, longest_wait=0.02)


def _samples(count: int, after: str = "good") -> list[Sample]:
    return [Sample(row, f"user\nQuestion {row}?", None, f"bad {row}", f"{after} {row}") for row in range(1, count + 1)]


def _ask(server: FaultyServer, samples: list[Sample], folder: Path, funds: Funds | None = None) -> Judged:
    asking = Asking(4, QUICK, funds or Funds())
    return judge(samples, "judge-model", Server(server.url, "key"), folder / "judged.sqlite", asking)


def _shown(prompt: str) -> tuple[str, str]:
    first, second = (prompt.split(f"<{name}>\n")[1].split(f"\n</{name}>")[0] for name in "AB")
    return first, second


def _says(better: str) -> Reply:
    return Reply(json.dumps({"reason": "so", "better": better}))


def _prefers_good(prompt: str, times: int) -> Reply:
    return _says("A" if "good" in _shown(prompt)[0] else "B")


def test_both_orders_are_asked_and_the_better_answer_wins(tmp_path: Path) -> None:
    with serving(_prefers_good) as server:
        judged = _ask(server, _samples(12), tmp_path)
        shown = [_shown(prompt) for prompt in server.log.asked]
    assert len(shown) == 24
    assert {(second, first) for first, second in shown} == set(shown)
    assert judged.counts == (12, 0, 0)
    assert judged.contradicted == 0
    assert judged.win_rate is not None
    assert judged.win_rate.value == 1
    assert judged.win_rate.low == pytest.approx(0.757, abs=0.01)


def test_a_judge_that_prefers_a_place_decides_nothing(tmp_path: Path) -> None:
    with serving(lambda prompt, times: _says("A")) as server:
        judged = _ask(server, _samples(5), tmp_path)
    assert judged.counts == (0, 5, 0)
    assert judged.contradicted == 5
    assert judged.win_rate is not None
    assert judged.win_rate.value == 0.5


def test_the_base_can_win_and_a_tie_in_one_order_counts_half(tmp_path: Path) -> None:
    def answer(prompt: str, times: int) -> Reply:
        first, _ = _shown(prompt)
        if "Question 1?" in prompt:
            return _says("A" if "bad" in first else "B")
        return _says("tie" if "bad" in first else "A")

    with serving(answer) as server:
        judged = _ask(server, _samples(2), tmp_path)
    assert [verdict.score for verdict in judged.verdicts] == [0.0, 0.75]
    assert judged.counts == (1, 0, 1)


def test_the_same_answers_are_a_tie_that_is_not_paid_for(tmp_path: Path) -> None:
    with serving(_prefers_good) as server:
        judged = _ask(server, [Sample(1, "user\nx", None, "Same", " same ")], tmp_path)
        assert not server.log.bodies
    assert judged.counts == (0, 1, 0)


def test_a_second_run_pays_nothing(tmp_path: Path) -> None:
    with serving(_prefers_good) as server:
        first = _ask(server, _samples(3), tmp_path)
        again = _ask(server, _samples(3), tmp_path)
        assert len(server.log.bodies) == 6
    assert (again.verdicts, again.usage.requests) == (first.verdicts, 0)


def test_verdicts_that_cannot_be_read_are_asked_for_once_more_then_told(tmp_path: Path) -> None:
    def answer(prompt: str, times: int) -> Reply:
        if "Question 2?" in prompt or times == 1:
            return Reply("I like both.")
        return _prefers_good(prompt, times)

    with serving(answer) as server:
        judged = _ask(server, _samples(2), tmp_path)
    assert judged.counts == (1, 0, 0)
    assert (judged.unread, judged.problem.startswith("row 2: ")) == (1, True)


def test_a_budget_that_is_spent_leaves_rows_without_a_verdict(tmp_path: Path) -> None:
    funds = Funds(stated_prices(Decimal(1), Decimal(1), "USD"), Decimal("0.0001"))
    with serving(_prefers_good) as server:
        judged = _ask(server, _samples(2), tmp_path, funds)
        assert not server.log.bodies
    assert (judged.unread, judged.win_rate) == (2, None)
    assert "budget" in judged.problem


def test_a_server_that_refuses_the_key_is_an_error(tmp_path: Path) -> None:
    with serving(lambda prompt, times: Reply(status=401)) as server, pytest.raises(ServiceError, match="key"):
        _ask(server, _samples(2), tmp_path)
