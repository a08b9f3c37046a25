"""Each method end to end, against a server that answers as told: well, in a fence, wrongly once, wrongly twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from dsforge.augment.answer_json import fields_in, texts_in
from dsforge.augment.ask import Patience
from dsforge.augment.balance import even
from dsforge.augment.method import Unusable, all_methods
from dsforge.augment.prompt import Prompt, prompt_path
from dsforge.augment.result import AugmentResult
from dsforge.augment.run import Asking, augment
from dsforge.augment.seeds import Find, Found
from dsforge.augment.server import Server
from dsforge.augment.wish import Wish
from dsforge.errors import UsageError
from tests.augment.faulty_server import FaultyServer, Reply, Script, serving

Row = dict[str, Any]
QUICK = Patience(attempts=2, timeout=5, first_wait=0.01)

ROW: Row = {
    "id": "a",
    "category": "lamps",
    "messages": [
        {"role": "system", "content": "You sell lamps."},
        {"role": "user", "content": "How long does the lamp take to arrive in Paris?"},
        {"role": "assistant", "content": "Four to six days."},
    ],
}
CHINESE: Row = {
    "id": "b",
    "category": "lamps",
    "messages": [
        {"role": "user", "content": "台灯寄到上海要多久？"},
        {"role": "assistant", "content": "四到六天。"},
    ],
}
SYSTEM, ASKED, ANSWERED = ROW["messages"]
WRONG = Found("Q504", "refusal", "the answer refuses")


def say(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


NEW = {"instruction": "Which bulbs fit a reading lamp with a dimmer?", "answer": "Any E27 that can be dimmed."}
CHINESE_TEXTS = ["你卖台灯。", "台灯寄到巴黎要多久？", "四到六天。"]


class Case(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a method makes of ROW: the model's `answer` gives these messages, a `wrong` one no row, for that reason.

    Where the method asks more than once, `answers` are those to all questions, in order. `row` is what else a new row
    holds, `document` the text of one in place of ROW.
    """

    answer: str
    gives: list[dict[str, str]] = []
    wrong: str
    reason: str
    wish: dict[str, Any] = {}
    answers: list[str] = []
    row: dict[str, Any] = {}
    document: str = ""


def case_of(path: Path) -> tuple[str, Case]:
    return path.stem.replace("_", "-"), msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Case)


CASES = dict(map(case_of, sorted((Path(__file__).parents[1] / "cases" / "methods").glob("*.yaml"))))
ONE_STEP = [
    name for name, method in all_methods().items() if method.write and not method.in_place and not method.of_documents
]
IN_JSON = [name for name in ONE_STEP if all_methods()[name].schema]


def rows_of(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(
    server: FaultyServer, folder: Path, method: str, *rows: Row, with_seeds: bool = False, **wish: Any
) -> AugmentResult:
    source = folder / "seeds.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run_on(server, source, folder / "out.jsonl", method, with_seeds=with_seeds, **wish)


def run_on(
    server: FaultyServer,
    source: Path,
    output: Path,
    method: str,
    *,
    with_seeds: bool = False,
    find: Find | None = None,
    **wish: Any,
) -> AugmentResult:
    """One request at a time, so that answers come in the order of the questions."""
    settings = {**CASES[method].wish, **wish}
    return augment(
        str(source), output, Wish(method, "m", **settings), Server(server.url, "k"),
        Asking(concurrency=1, patience=QUICK), with_seeds=with_seeds, find=find,
    )  # fmt: skip


def always(text: str) -> Script:
    return lambda prompt, times: Reply(text)


def in_turn(*texts: str) -> Callable[[str, int], Reply]:
    """Answers the first request with the first text, and so on."""
    left = list(texts)
    return lambda prompt, times: Reply(left.pop(0))


def test_every_method_has_a_case_and_a_prompt_that_knows_its_names() -> None:
    assert set(CASES) == set(all_methods())
    for method in all_methods().values():
        Prompt(prompt_path(method.name), method.names)


@pytest.mark.parametrize("method", CASES)
def test_the_answers_of_a_case_make_its_row(tmp_path: Path, method: str) -> None:
    case = CASES[method]
    source = tmp_path / ("manual.md" if case.document else "seeds.jsonl")
    source.write_text(case.document or json.dumps(ROW) + "\n", encoding="utf-8")
    with serving(in_turn(*(case.answers or [case.answer]))) as server:
        result = run_on(server, source, tmp_path / "out.jsonl", method, find=lambda *seed: [WRONG])
        assert len(server.log.bodies) == len(case.answers or [case.answer])
    assert (result.rows_kept, result.dropped, result.failures) == (1, {}, [])
    (row,) = rows_of(tmp_path / "out.jsonl")
    if case.gives:
        assert row["messages"] == case.gives
    assert {key: {**row[key], **value} if isinstance(value, dict) else value for key, value in case.row.items()} == {
        key: row[key] for key in case.row
    }


@pytest.mark.parametrize("method", IN_JSON)
@pytest.mark.parametrize(
    "form",
    ["JSON", "```json\nJSON\n```", "<think>[x] {y}</think>\nHere it is [1] {}:\n\nJSON\n\nBye {[.", "```\nJSON```"],
    ids=["alone", "fence", "talk", "bare fence"],
)  # fmt: skip
def test_the_json_of_an_answer_is_found(tmp_path: Path, method: str, form: str) -> None:
    case = CASES[method]
    with serving(always(form.replace("JSON", case.answer))) as server:
        result = run(server, tmp_path, method, ROW)
        assert len(server.log.bodies) == 1
    assert (result.rows_kept, result.dropped, result.failures) == (1, {}, [])
    (row,) = rows_of(tmp_path / "out.jsonl")
    assert row["messages"] == case.gives
    assert (row["id"], row["category"]) == (f"a-{method}-1", "lamps")


@pytest.mark.parametrize("method", IN_JSON)
def test_what_cannot_be_read_is_asked_once_more_with_what_is_wrong(tmp_path: Path, method: str) -> None:
    case = CASES[method]
    with serving(in_turn(case.wrong, case.answer)) as server:
        result = run(server, tmp_path, method, ROW)
        first, second = (body["messages"] for body in server.log.bodies)
    assert second[:-1] == [*first, say("assistant", case.wrong)]
    assert case.reason in second[-1]["content"]
    assert (result.rows_kept, result.requests, result.dropped) == (1, 2, {})
    assert rows_of(tmp_path / "out.jsonl")[0]["messages"] == case.gives
    assert not (tmp_path / "out.rejects.jsonl").exists()


@pytest.mark.parametrize("method", ONE_STEP)
def test_what_is_wrong_twice_is_rejected_with_its_reason(tmp_path: Path, method: str) -> None:
    case = CASES[method]
    requests = 2 if method in IN_JSON else 1  # an empty text is not mended by telling that it is empty
    with serving(always(case.wrong)) as server:
        result = run(server, tmp_path, method, ROW)
        again = run(server, tmp_path, method, ROW)
        assert len(server.log.bodies) == requests
    assert (result.rows_generated, result.rows_kept, result.dropped) == (1, 0, {case.reason: 1})
    assert (again.requests, again.from_journal, again.dropped) == (0, requests, {case.reason: 1})
    (reject,) = rows_of(tmp_path / "out.rejects.jsonl")
    assert (reject["row"], reject["line"], reject["code"], reject["reason"]) == (1, 1, "A902", case.reason)
    assert reject["raw"] == case.wrong


@pytest.mark.parametrize("method", IN_JSON)
def test_a_server_that_takes_no_schema_is_asked_without(tmp_path: Path, method: str) -> None:
    case = CASES[method]

    def picky(prompt: str, times: int) -> Reply:
        if "response_format" in server.log.bodies[-1]:
            return Reply(status=400, body=b'{"error": {"message": "Unexpected keys: {\'response_format\'}"}}')
        return Reply(case.answer)

    with serving(picky) as server:
        result = run(server, tmp_path, method, ROW)
        with_schema, *without = ["response_format" in body for body in server.log.bodies]
    assert with_schema
    assert without
    assert not any(without)
    assert (result.failures, result.rows_kept) == ([], 1)


@pytest.mark.parametrize("method", IN_JSON)
def test_a_server_is_told_the_schema(tmp_path: Path, method: str) -> None:
    case = CASES[method]
    answer = case.answer
    if method == "translate":
        answer = json.dumps({"texts": CHINESE_TEXTS})
    with serving(in_turn("no", answer)) as server:
        result = run(server, tmp_path, method, ROW)
        first, second = (body["response_format"] for body in server.log.bodies)
        assert first == second
        assert first["json_schema"]["schema"]["required"] == list(json.loads(answer))
        run(server, tmp_path, method, ROW)
        assert len(server.log.bodies) == 2
    assert result.rows_kept == 1
    assert rows_of(tmp_path / "out.jsonl")[0]["messages"] == case.gives


@pytest.mark.parametrize("method", sorted(set(ONE_STEP) - set(IN_JSON)))
def test_an_answer_in_plain_text_is_taken_as_it_is(tmp_path: Path, method: str) -> None:
    case = CASES[method]
    with serving(always(f"<think>hm</think>\n{case.answer}\n")) as server:
        run(server, tmp_path, method, ROW)
    assert rows_of(tmp_path / "out.jsonl")[0]["messages"] == case.gives


def test_answer_replaces_the_last_answer_and_its_thinking(tmp_path: Path) -> None:
    thought = {**ANSWERED, "reasoning_content": "Paris is far."}
    open_end = {"messages": [SYSTEM, ASKED]}
    with serving(always("<think>hm</think>\nFive days, as a rule.")) as server:
        result = run(server, tmp_path, "answer", {**ROW, "messages": [SYSTEM, ASKED, thought]}, open_end)
        prompt = server.log.bodies[0]["messages"][-1]["content"]
    assert result.rows_kept == 1  # the second row is the first once answered
    assert result.dropped == {"identical to an earlier row": 1}
    assert rows_of(tmp_path / "out.jsonl")[0]["messages"] == [SYSTEM, ASKED, say("assistant", "Five days, as a rule.")]
    assert "How long does the lamp take" in prompt
    assert "Four to six days" not in prompt


def test_the_prompt_is_in_the_language_of_the_row_and_so_is_the_reask(tmp_path: Path) -> None:
    new = json.dumps({"instruction": "落地灯可以调光吗？", "answer": "可以。"}, ensure_ascii=False)
    with serving(in_turn("不行", new)) as server:
        result = run(server, tmp_path, "evolve", CHINESE)
        system, *_ = server.log.bodies[0]["messages"]
        reask = server.log.bodies[1]["messages"][-1]["content"]
    assert result.rows_kept == 1
    assert system["content"].startswith("你负责")
    assert reask.startswith("这个答复无法使用")


@pytest.mark.parametrize(("method", "answer"), [("evolve", json.dumps(NEW)), ("extend", CASES["extend"].answer)])
def test_another_language_than_that_of_the_row_is_no_answer(tmp_path: Path, method: str, answer: str) -> None:
    with serving(always(answer)) as server:
        result = run(server, tmp_path, method, CHINESE)
        assert len(server.log.bodies) == 2
    assert result.dropped == {"not in the language of its seed": 1}


def test_translations_are_in_the_language_wanted(tmp_path: Path) -> None:
    english = json.dumps(["How long does a lamp take to Shanghai?", "Four to six days."])
    with serving(always(english)) as server:
        kept = run(server, tmp_path, "translate", CHINESE, to_language="en")
        assert kept.rows_kept == 1
        assert "English" in server.log.bodies[0]["messages"][0]["content"]
        already = run(server, tmp_path, "translate", CHINESE, to_language="zh")
    assert (already.rows_rejected, already.requests) == (1, 0)
    assert "already" in already.first_reject
    with serving(always(json.dumps(["x", "y", "z"]))) as server:
        untranslated = run(server, tmp_path, "translate", ROW)
    assert untranslated.dropped == {"not in the language wanted": 1}


def test_translate_takes_input_pairs_and_parts_and_leaves_tools(tmp_path: Path) -> None:
    alpaca = {"instruction": "Sort", "input": "b, a", "output": "a, b"}
    pair = {"prompt": "Hello", "chosen": "Hi there", "rejected": "Go"}
    image = {"type": "image_url", "image_url": {"url": "a.png"}}
    call = {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"what": "lamp"}'}}
    tools = {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "See"}, image]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": '{"found": 1}'},
            {"role": "assistant", "content": "One."},
        ]
    }  # fmt: skip

    def translate(prompt: str, times: int) -> Reply:
        texts = json.loads(prompt.partition("\n")[2].rpartition("\n")[0])
        return Reply(json.dumps([f"中{text}" for text in texts]))

    with serving(translate) as server:
        result = run(server, tmp_path, "translate", alpaca, pair, tools)
    assert result.dropped == {}
    first, second, third = rows_of(tmp_path / "out.jsonl")
    assert (first["instruction"], first["input"], first["output"]) == ("中Sort", "中b, a", "中a, b")
    assert "中Hi there" in json.dumps(second["chosen"], ensure_ascii=False)
    assert "中Go" in json.dumps(second["rejected"], ensure_ascii=False)
    assert third["messages"][0]["content"][0]["text"] == "中See"
    assert third["messages"][1:3] == tools["messages"][1:3]
    assert third["messages"][3]["content"] == "中One."


def test_self_instruct_shows_the_instructions_of_seeds_before(tmp_path: Path) -> None:
    rows = [{"instruction": f"Question {n}?", "output": "Yes."} for n in range(7)]
    with serving(always(json.dumps(NEW))) as server:
        result = run(server, tmp_path, "self-instruct", *rows)
        prompts = sorted((body["messages"][-1]["content"] for body in server.log.bodies), key=lambda text: text[-40:])
    shown = [[n for n in range(7) if f"- Question {n}?" in prompt] for prompt in prompts]
    assert sorted(shown) == sorted([list(range(max(0, n - 4), n + 1)) for n in range(7)])
    assert result.dropped == {"identical to an earlier row": 6}


def test_a_prompt_that_a_row_had_before_is_not_new_whatever_its_answer(tmp_path: Path) -> None:
    answers = iter("12")
    with serving(lambda prompt, times: Reply(json.dumps({**NEW, "answer": next(answers)}))) as server:
        result = run(server, tmp_path, "evolve", ROW, {"instruction": "And what of bulbs?", "output": "None."})
    assert (result.rows_kept, result.dropped) == (1, {"identical to an earlier row": 1})


def test_directions_and_siblings(tmp_path: Path) -> None:
    near = {**NEW, "instruction": NEW["instruction"] + "!"}
    with serving(in_turn(json.dumps(NEW), json.dumps(near))) as server:
        result = augment_one_at_a_time(server, tmp_path, per_row=2)
        prompts = [body["messages"][-1]["content"] for body in server.log.bodies]
    assert result.dropped == {"too close to another row of its seed": 1}
    assert "deeper" in prompts[0]
    assert "broader" in prompts[1]
    near = {"instruction": ASKED["content"][:-1], "answer": "Six days."}
    with serving(always(json.dumps(near))) as server:
        result = augment_one_at_a_time(server, tmp_path)
    assert result.dropped == {"too close to the seed": 1}


def augment_one_at_a_time(server: FaultyServer, folder: Path, **wish: Any) -> AugmentResult:
    source = folder / "seeds.jsonl"
    source.write_text(json.dumps(ROW) + "\n")
    return augment(
        str(source), folder / "out.jsonl", Wish("evolve", "m", **wish), Server(server.url, "k"),
        Asking(concurrency=1, patience=QUICK),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "wanted", "new"),
    [
        ({"a": 10, "b": 2, "c": 5}, None, {"a": 0, "b": 8, "c": 5}),
        ({"a": 10, "b": 2, "c": 5}, 5, {"a": 0, "b": 4, "c": 1}),
        ({"a": 10, "b": 2, "c": 5}, 16, {"a": 1, "b": 9, "c": 6}),
        ({"a": 1}, 3, {"a": 3}),
        ({}, 3, {}),
    ],
)
def test_new_rows_make_categories_as_even_as_they_can(
    counts: dict[str, int], wanted: int | None, new: dict[str, int]
) -> None:
    assert even(counts, wanted) == new


@pytest.mark.parametrize("by", ["topic", "meta.topic"])
def test_fill_brings_categories_to_balance(tmp_path: Path, by: str) -> None:
    def row(number: int, topic: str) -> Row:
        turns = [say("user", f"Question {number}?"), say("assistant", "Yes.")]
        return {"messages": turns, **({"topic": topic} if by == "topic" else {"meta": {"topic": topic}})}

    def new(prompt: str, times: int) -> Reply:
        about = f"{prompt.partition('Question ')[2].partition('?')[0]} {prompt.rpartition('Number ')[2][:1]}"
        return Reply(json.dumps({"instruction": f"{about} of another kind, with more to it?", "answer": "No."}))

    rows = [row(n, topic) for n, topic in enumerate(["large"] * 7 + ["small"] * 3 + ["tiny"])]
    rows.append({"messages": [say("user", "No topic?"), say("assistant", "None.")]})
    with serving(new) as server:
        result = run(server, tmp_path, "fill", *rows, by=by, rows=None, with_seeds=True)
        prompts = [body["messages"][-1]["content"] for body in server.log.bodies]
        few = run(server, tmp_path, "fill", *rows, by=by, rows=3)
    assert {prompt.split("\n")[1] for prompt in prompts} == {"small", "tiny"}
    assert result.requests == 4 + 6
    assert result.rows_generated == 10
    assert few.rows_generated == 3
    if by == "topic":
        written = rows_of(tmp_path / "out.jsonl")
        assert Counter(each["topic"] for each in written) <= Counter({"tiny": 3, "small": 1})


@pytest.mark.parametrize(
    ("method", "wish", "said"),
    [
        ("fill", {"by": "meta.topik"}, "--by meta.topik: no row has this field"),
        ("fill", {"per_row": 2}, "--per-row"),
        ("translate", {"to_language": ""}, "--to-language is missing: give one of zh, en"),
        ("translate", {"to_language": "xx"}, "'xx' is no language"),
        ("evolve", {"to_language": "zh"}, "--to-language is nothing that evolve takes"),
        ("extend", {"by": "topic"}, "--by is nothing that extend takes"),
    ],
)
def test_settings_that_do_not_fit_are_told_before_anything_is_asked(
    tmp_path: Path, method: str, wish: Row, said: str
) -> None:
    with serving(always("x")) as server:
        with pytest.raises(UsageError, match=said):
            run(server, tmp_path, method, ROW, **wish)
        assert not server.log.bodies


@pytest.mark.parametrize("method", ["evolve", "extend", "answer"])
def test_rows_that_a_method_has_no_use_for_are_rejected(tmp_path: Path, method: str) -> None:
    turns = ROW["messages"]
    unfit: list[Row] = [
        {"messages": turns, "label": True},
        {"prompt": "Hello", "chosen": "Hi there", "rejected": "Go"},
        {"messages": [SYSTEM, {"role": "assistant", "content": "Alone."}]},
    ]
    with serving(always("x")) as server:
        result = run(server, tmp_path, method, *unfit)
        assert not server.log.bodies
    assert result.rows_rejected == 3
    assert {reject["code"] for reject in rows_of(tmp_path / "out.rejects.jsonl")} <= {"A901", "S101"}


def test_rows_say_where_they_come_from_unless_it_is_stripped(tmp_path: Path) -> None:
    with serving(always(CASES["evolve"].answer)) as server:
        run(server, tmp_path, "evolve", ROW)
        origin = rows_of(tmp_path / "out.jsonl")[0]["provenance"]
        run(server, tmp_path, "evolve", ROW, strip_meta=True)
    assert (origin["method"], origin["model"], origin["source_id"], origin["request"]) == ("evolve", "m", "a", "x")
    assert origin["time"].startswith("20")
    assert origin["time"].endswith("Z")
    assert len(origin["prompt"]) == 16
    (row,) = rows_of(tmp_path / "out.jsonl")
    assert "provenance" not in row
    assert row["category"] == "lamps"


def test_rows_and_answers_are_data(tmp_path: Path) -> None:
    hostile = {"messages": [say("user", "What is {{ 7 * 7 }} {% raw %}?"), say("assistant", "{{ self }}")]}
    answer = json.dumps({"instruction": "{{ config }} and {% include 'x' %}?", "answer": "{{ 7 * 7 }}"})
    with serving(in_turn("{{ 6 * 6 }}", answer)) as server:
        result = run(server, tmp_path, "evolve", hostile)
        told = [message["content"] for message in server.log.bodies[1]["messages"]]
    assert result.rows_kept == 1
    assert "{{ 7 * 7 }} {% raw %}" in told[1]
    assert told[2] == "{{ 6 * 6 }}"
    assert rows_of(tmp_path / "out.jsonl")[0]["messages"][-1]["content"] == "{{ 7 * 7 }}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "no JSON object"),
        ("{" * 100_000, "no JSON object"),
        ('{"c": "x"}', "no JSON object"),
        ('{"a": 1}', "the field a is no text"),
        ('{"a": "x", "b": "  "}', "the field b is empty"),
        ('{"a": "x", "b": "\\ud800"}', "half a character"),
        ('{"a": "x", "b": null}', "the field b is missing"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(text: str, said: str) -> None:
    with pytest.raises(Unusable, match=said):
        fields_in(text, ("a", "b"))


def test_line_breaks_within_json_strings_are_taken() -> None:
    assert fields_in('Sure: {"a": "1\n2", "b": "3"}', ("a", "b")) == ["1\n2", "3"]
    assert texts_in('["1\n2"]', 1) == ["1\n2"]
