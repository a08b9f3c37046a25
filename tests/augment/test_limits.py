"""Limits per minute: stated ones are kept to, told ones are adapted to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsforge.augment.limits import Pace, expected_tokens, seconds_of
from dsforge.augment.run import Asking, augment
from dsforge.augment.server import Server
from dsforge.augment.wish import Wish
from tests.augment.faulty_server import Reply, echo, serving
from tests.augment.test_run import KEY, QUICK, seeds


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def sent(pace: Pace, clock: Clock, until: float, tokens: int = 0) -> list[float]:
    """When requests go, if there is always one to send."""
    times = []
    while True:
        while (left := pace.wait(tokens)) > 0:
            clock.now += left
        if clock.now > until:
            return times
        pace.take(tokens)
        times.append(clock.now)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("6m0s", 360), ("17ms", 0.017), ("1h2m3.5s", 3723.5), ("59.5", 59.5), ("0", 0), ("", None),
     ("soon", None), ("1s?", None), ("1.2.3s", None)],
)  # fmt: skip
def test_spans_of_time(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == (None if seconds is None else pytest.approx(seconds))


@given(st.integers(1, 3000), st.integers(1, 200_000), st.integers(0, 5000))
def test_no_minute_holds_more_than_is_stated(requests: int, tokens: int, each: int) -> None:
    clock = Clock()
    times = sent(Pace(requests, tokens, clock), clock, 65, each)
    for start in times[:: max(1, len(times) // 20)]:
        within = sum(start <= time < start + 60 for time in times)
        assert within <= max(requests * 61 / 60, requests + 1) + 1
        assert (within - 1) * each <= max(tokens * 61 / 60, tokens + 1) + each


def test_without_limits_nothing_waits() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    for _ in range(100):
        assert pace.wait(10**9) == 0
        pace.take(10**9)


def test_headers_slow_down_and_free_again() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    headers = {
        "x-ratelimit-limit-requests": "100",
        "x-ratelimit-remaining-requests": "2",
        "x-ratelimit-reset-requests": "49s",
    }
    pace.heard(headers)
    assert sent(pace, clock, 2.1) == pytest.approx([0, 0, 0.5, 1, 1.5, 2])  # 98 of 100 come back in 49 s
    clock.now = 200
    assert len(sent(pace, clock, 200)) == 100


def test_the_lower_count_holds_as_a_header_does_not_know_what_is_in_flight() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    headers = {"x-ratelimit-limit-tokens": "1000", "x-ratelimit-remaining-tokens": "1000"}
    pace.heard(headers)
    for _ in range(10):
        pace.take(100)
    pace.heard(headers | {"x-ratelimit-remaining-tokens": "900"})
    assert pace.wait(100) > 0
    pace.correct(1000, 100)
    assert pace.wait(100) == 0


@pytest.mark.parametrize("value", ["", "many", "nan", "-5", "0", "inf"])
def test_headers_that_tell_nothing_change_nothing_for_ever(value: str) -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    pace.heard({"x-ratelimit-limit-requests": value, "x-ratelimit-remaining-requests": value})
    assert pace.wait(5) < 3600
    assert expected_tokens("你好", 5) == 7


def test_a_run_keeps_to_what_the_server_tells(tmp_path: Path) -> None:
    """Ten requests come back in two seconds, and none is left: they go at .2 s from each other."""
    headers = {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "2s",
    }

    def script(prompt: str, times: int) -> Reply:
        return Reply(echo(prompt, times).text, headers=headers)

    with serving(script) as server:
        augment(
            str(seeds(tmp_path, 6)), tmp_path / "out.jsonl", Wish("paraphrase", "m"), Server(server.url, KEY),
            Asking(concurrency=1, patience=QUICK),
        )  # fmt: skip
        gaps = [later - earlier for earlier, later in zip(server.log.times, server.log.times[1:], strict=False)]
    assert len(gaps) == 5
    assert min(gaps) >= 0.19
