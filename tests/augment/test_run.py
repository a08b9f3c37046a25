"""Asking, retrying, keeping and dropping, against a server that misbehaves on purpose."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsforge.augment.ask import Patience
from dsforge.augment.result import AugmentResult
from dsforge.augment.run import Asking, augment, journal_path
from dsforge.augment.server import Server
from dsforge.augment.wish import Wish
from dsforge.errors import ServiceError
from tests.augment.faulty_server import FaultyServer, Reply, Script, echo, serving

QUICK = Patience(attempts=4, timeout=0.5, first_wait=0.01, longest_wait=0.05, longest_asked=5)
KEY = "sk-canary-1234567890"


def seeds(folder: Path, count: int = 3) -> Path:
    path = folder / "seeds.jsonl"
    rows = [
        {"instruction": f"Question {n}?", "input": "", "output": f"Answer {n}.", "id": f"r{n}"} for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(server: FaultyServer, source: Path, output: Path, *, concurrency: int = 8, patience: Patience = QUICK,
        with_seeds: bool = False, **wish: Any) -> AugmentResult:  # fmt: skip
    return augment(
        str(source), output, Wish("paraphrase", "m", **wish), Server(server.url, KEY),
        Asking(concurrency=concurrency, patience=patience), with_seeds=with_seeds,
    )  # fmt: skip


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def once(fault: Reply) -> Script:
    return lambda prompt, times: fault if times == 1 else echo(prompt, times)


def test_rows_keep_format_answer_and_order_and_say_where_they_come_from(tmp_path: Path) -> None:
    def slow_first(prompt: str, times: int) -> Reply:
        reply = echo(prompt, times)
        reply.wait = 0.2 if "Question 0" in prompt else 0
        return reply

    with serving(slow_first) as server:
        result = run(server, seeds(tmp_path), tmp_path / "out.jsonl", per_row=2)
    rows = rows_of(tmp_path / "out.jsonl")
    assert [row["instruction"] for row in rows] == [f"Question {n}? ({k})" for n in range(3) for k in (1, 2)]
    assert [row["output"] for row in rows] == [f"Answer {n}." for n in range(3) for _ in (1, 2)]
    assert rows[3]["id"] == "r1-paraphrase-2"
    origin = rows[3]["provenance"]
    assert (origin["method"], origin["model"], origin["source_row"], origin["source_id"], origin["number"]) == (
        "paraphrase", "m", 2, "r1", 2,
    )  # fmt: skip
    assert (result.rows_in, result.rows_out, result.rows_kept, result.rows_generated, result.requests) == (
        3,
        6,
        6,
        6,
        6,
    )
    assert (result.prompt_tokens, result.completion_tokens) == (60, 18)


def test_concurrency_is_a_bound_that_is_reached(tmp_path: Path) -> None:
    def slow(prompt: str, times: int) -> Reply:
        return Reply(echo(prompt, times).text, wait=0.05)

    with serving(slow) as server:
        run(server, seeds(tmp_path, 20), tmp_path / "out.jsonl", concurrency=4)
        assert server.log.most_at_once == 4


@pytest.mark.parametrize(
    "fault",
    [
        Reply(status=429),
        Reply(status=500, body=b"<html>oops</html>"),
        Reply(status=503, body=b'{"error": {"message": "busy"}}'),
        Reply(wait=2),
        Reply("half", cut=True),
        Reply(body=b"{garbage"),
        Reply(body=b""),
        Reply(body=b"[]"),
        Reply(body=b'{"choices": []}'),
        Reply(body=b'{"choices": null}'),
    ],
    ids=["429", "500", "503", "hang", "cut", "garbage", "nothing", "array", "no choices", "null choices"],
)
def test_a_fault_is_tried_again(tmp_path: Path, fault: Reply) -> None:
    with serving(once(fault)) as server:
        result = run(server, seeds(tmp_path), tmp_path / "out.jsonl")
        assert set(server.log.asked.values()) == {2}
    assert (result.rows_kept, result.retries, result.failures) == (3, 3, [])
    assert len(rows_of(tmp_path / "out.jsonl")) == 3


@pytest.mark.parametrize("header", ["retry-after", "retry-after-ms"])
def test_retry_after_is_waited_for_by_all(tmp_path: Path, header: str) -> None:
    asked = {"retry-after": "1", "retry-after-ms": "1000"}[header]
    fault = Reply(status=429, headers={header: asked})
    with serving(
        lambda prompt, times: fault if times == 1 and "Question 0" in prompt else echo(prompt, times)
    ) as server:
        run(server, seeds(tmp_path, 4), tmp_path / "out.jsonl", concurrency=1)
        gaps = [later - earlier for earlier, later in zip(server.log.times, server.log.times[1:], strict=False)]
    assert gaps[0] >= 0.99
    assert max(gaps[1:]) < 0.5


def test_what_never_succeeds_is_counted_named_and_asked_again_by_the_next_run(tmp_path: Path) -> None:
    broken = lambda prompt, times: Reply(status=500) if "Question 1" in prompt else echo(prompt, times)  # noqa: E731
    output = tmp_path / "out.jsonl"
    with serving(broken) as server:
        result = run(server, seeds(tmp_path), output)
        assert sorted(server.log.asked.values()) == [1, 1, QUICK.attempts]
        server.script = echo
        again = run(server, seeds(tmp_path), output)
    assert [(failure.row, failure.line, failure.number) for failure in result.failures] == [(2, 2, 1)]
    assert "4 attempts" in result.failures[0].reason
    assert "500" in result.failures[0].reason
    assert (result.rows_generated, result.rows_kept) == (2, 2)
    assert (again.requests, again.from_journal, again.rows_kept, again.failures) == (1, 2, 3, [])


def test_one_refused_row_does_not_end_the_run(tmp_path: Path) -> None:
    def refuses(prompt: str, times: int) -> Reply:
        return (
            Reply(status=400, body=b'{"error": {"message": "too long"}}') if "Question 1" in prompt else echo(prompt, 1)
        )

    with serving(refuses) as server:
        result = run(server, seeds(tmp_path), tmp_path / "out.jsonl")
        assert sum(server.log.asked.values()) == 3
    assert [failure.reason for failure in result.failures] == ["400: too long"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Reply(status=401, body=b'{"error": {"message": "bad key sk-canary-1234567890"}}'), "key"),
        (Reply(status=404, body=b'{"error": {"message": "no model m"}}'), "no model m"),
        (Reply(status=403), "403"),
        (Reply(status=429, body=b'{"error": {"code": "insufficient_quota", "message": "pay"}}'), "spent"),
        (Reply(status=400, body=b'{"error": {"message": "bad temperature"}}'), "bad temperature"),
    ],
    ids=["401", "404", "403", "no money", "400 to all"],
)
def test_what_will_not_mend_stops_the_run_at_once(tmp_path: Path, fault: Reply, said: str) -> None:
    with serving(lambda prompt, times: fault) as server:
        began = time.monotonic()
        with pytest.raises(ServiceError, match=said) as caught:
            run(server, seeds(tmp_path, 100), tmp_path / "out.jsonl", concurrency=4)
        assert sum(server.log.asked.values()) <= 12
    assert time.monotonic() - began < 3
    assert KEY not in str(caught.value)
    assert not (tmp_path / "out.jsonl").exists()


def test_a_server_that_dies_is_not_asked_for_every_row(tmp_path: Path) -> None:
    patience = Patience(attempts=2, timeout=1, first_wait=0.001, longest_wait=0.001)
    with serving(lambda prompt, times: Reply(status=500)) as server, pytest.raises(ServiceError, match="in a row"):
        run(server, seeds(tmp_path, 500), tmp_path / "out.jsonl", patience=patience)
    assert len(server.log.asked) < 70


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with serving() as server:
        pass
    with pytest.raises(ServiceError, match="cannot be reached"):
        run(server, seeds(tmp_path), tmp_path / "out.jsonl")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(""), "empty"),
        (Reply("  \n"), "empty"),
        (Reply("<think>\nhm\n</think>\n"), "empty"),
        (Reply("QUESTION  0?"), "identical to the seed"),
        (Reply("How come", finish="length"), "cut off at the token limit"),
        (Reply("", finish="content_filter"), "stopped by the server's content filter"),
    ],
)
def test_answers_that_make_no_row_are_dropped_by_reason(tmp_path: Path, reply: Reply, reason: str) -> None:
    with serving(lambda prompt, times: reply) as server:
        result = run(server, seeds(tmp_path, 1), tmp_path / "out.jsonl")
    assert result.dropped == {reason: 1}
    assert (result.rows_generated, result.rows_kept) == (1, 0)
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_the_second_of_equal_paraphrases_is_dropped(tmp_path: Path) -> None:
    with serving(lambda prompt, times: Reply("Same?")) as server:
        result = run(server, seeds(tmp_path, 2), tmp_path / "out.jsonl", per_row=3)
    # the answer to the first seed's question is not that to the second's: a prompt with both would contradict itself
    assert result.dropped == {"identical to an earlier row": 5}
    assert [row["provenance"]["source_row"] for row in rows_of(tmp_path / "out.jsonl")] == [1]


def many_words(count: int) -> str:
    return " ".join(f"word{number}" for number in range(count))


@pytest.mark.parametrize("at", [0, 1], ids=["earlier", "later"])
def test_what_is_much_like_another_seed_is_dropped_wherever_that_stands(tmp_path: Path, at: int) -> None:
    rows = [{"instruction": f"Question {number}?", "output": "Yes."} for number in range(2)]
    rows[at] = {"instruction": many_words(40), "output": "No."}
    source = tmp_path / "seeds.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def near(prompt: str, times: int) -> Reply:
        return Reply(f"{many_words(40)} more" if "Question" in prompt else "Quite another text, in words of its own")

    with serving(near) as server:
        result = run(server, source, tmp_path / "out.jsonl")
    assert result.dropped == {"too close to a seed": 1}
    assert result.rows_kept == 1


def test_what_is_much_like_a_row_made_of_another_seed_is_dropped(tmp_path: Path) -> None:
    with serving(lambda prompt, times: Reply(f"{many_words(40)} {'0' if '0?' in prompt else '1'}")) as server:
        result = run(server, seeds(tmp_path, 2), tmp_path / "out.jsonl")
    assert result.dropped == {"too close to an earlier row": 1}


def test_a_text_that_does_not_stand_alone_may_be_like_another(tmp_path: Path) -> None:
    rows = [
        {"instruction": "Sum it up.", "input": f"Text {number}, {many_words(9)}", "output": "x"} for number in (1, 2)
    ]
    source = tmp_path / "seeds.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving(lambda prompt, times: Reply("Write a summary.")) as server:
        result = run(server, source, tmp_path / "out.jsonl")
    assert (result.rows_kept, result.dropped) == (2, {})


def test_quotation_marks_and_thinking_around_an_answer_go(tmp_path: Path) -> None:
    with serving(lambda prompt, times: Reply('<think>\nhm\n</think>\n\n"What is it?"\n')) as server:
        run(server, seeds(tmp_path, 1), tmp_path / "out.jsonl")
    assert rows_of(tmp_path / "out.jsonl")[0]["instruction"] == "What is it?"


def test_a_rerun_asks_nothing_and_gives_the_same_bytes(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    with serving() as server:
        run(server, seeds(tmp_path, 5), output, per_row=2)
        first = output.read_bytes()
        again = run(
            server,
            seeds(tmp_path, 5),
            output,
            per_row=2,
        )
        more = run(server, seeds(tmp_path, 5), output, per_row=3)
        assert set(server.log.asked.values()) == {1}
    assert (again.requests, again.from_journal, again.prompt_tokens) == (0, 10, 0)
    assert (more.requests, more.from_journal) == (5, 10)
    assert first == b"".join(line for line in output.read_bytes().splitlines(True) if b'"number":3' not in line)


def test_another_model_server_or_parameter_is_asked_anew(tmp_path: Path) -> None:
    source, output = seeds(tmp_path, 1), tmp_path / "out.jsonl"
    with serving() as server:
        results = [run(server, source, output, **wish) for wish in ({}, {"temperature": 0.5}, {"max_tokens": 9}, {})]
        assert [result.requests for result in results] == [1, 1, 1, 0]
        assert server.log.bodies[1]["temperature"] == 0.5
        assert server.log.bodies[2]["max_tokens"] == 9
        assert {"temperature", "max_tokens", "seed"}.isdisjoint(server.log.bodies[0])


def test_equal_rows_are_asked_once(tmp_path: Path) -> None:
    path = tmp_path / "seeds.jsonl"
    path.write_text('{"instruction": "Hi", "output": "a"}\n' * 4)
    with serving() as server:
        result = run(server, path, tmp_path / "out.jsonl")
        assert sum(server.log.asked.values()) == 1
    assert (result.requests, result.from_journal) == (1, 3)
    assert (result.rows_kept, result.dropped) == (1, {"identical to an earlier row": 3})


def test_with_seeds_and_a_limit_every_row_is_accounted_for(tmp_path: Path) -> None:
    source = seeds(tmp_path, 4)
    broken = ['{"messages": [{"role": "assistant", "content": "alone"}]}', "{broken", '{"who": "knows"}']
    source.write_text(source.read_text() + "\n".join(broken) + "\n")
    with serving() as server:
        result = run(server, source, tmp_path / "out.jsonl", per_row=2, rows=3, with_seeds=True)
    rows = rows_of(tmp_path / "out.jsonl")
    assert [row["instruction"] for row in rows] == [
        "Question 0?", "Question 0? (1)", "Question 0? (2)", "Question 1?", "Question 1? (1)",
        "Question 2?", "Question 3?",
    ]  # fmt: skip
    assert (result.rows_in, result.rows_out, result.rows_rejected, result.rows_kept) == (7, 7, 3, 3)
    rejects = rows_of(tmp_path / "out.rejects.jsonl")
    assert [reject["raw"] for reject in rejects] == broken
    assert "no message of the user" in rejects[0]["reason"]


def test_the_key_is_sent_and_written_nowhere(tmp_path: Path) -> None:
    with serving() as server:
        run(server, seeds(tmp_path), tmp_path / "out.jsonl")
        assert server.log.keys == {f"Bearer {KEY}"}
    for path in tmp_path.iterdir():
        assert KEY.encode() not in path.read_bytes()
    assert journal_path(tmp_path / "out.jsonl").is_file()
    assert KEY not in repr(Server("http://x", KEY))


def test_a_storm_of_all_faults_ends_with_every_row_kept(tmp_path: Path) -> None:
    faults: list[Callable[[], Reply]] = [
        lambda: Reply(status=429, headers={"retry-after": "0.02"}),
        lambda: Reply(status=502),
        lambda: Reply("x", cut=True),
        lambda: Reply(body=b"{"),
        lambda: Reply(wait=1, body=b"late"),
    ]

    def stormy(prompt: str, times: int) -> Reply:
        draw = sum(map(ord, prompt)) + times
        return faults[draw % 5]() if draw % 3 == 0 and times < 3 else echo(prompt, times)

    with serving(stormy) as server:
        result = run(server, seeds(tmp_path, 150), tmp_path / "out.jsonl", concurrency=32)
        assert set(server.log.answered.values()) == {1}
    assert (result.rows_kept, result.failures) == (150, [])
    assert result.retries > 20
