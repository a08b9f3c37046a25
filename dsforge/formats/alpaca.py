"""Alpaca: instruction, input and output, with an optional system prompt and history.

How instruction and input become one text is an option: trainers do not agree. Pairs are `chosen` and
`rejected` in place of `output`, KTO is `kto_tag`. Reasoning stands in the output as `<think>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated

from msgspec import Meta, Struct

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message, Role
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.expect import (
    as_text,
    need,
    optional_bool,
    optional_text,
    question_answer_pairs,
    split_known,
    with_rest,
)
from dsforge.formats.format import Format, Option, RowValue
from dsforge.formats.marks import MEDIA_COLUMNS, mark_media, place_media
from dsforge.formats.plain import Plain, Turns
from dsforge.formats.thinking import join_thinking, split_thinking

_JOIN = "\n"
_JOINS = {"line": "\n", "blank-line": "\n\n", "none": ""}
_STANFORD = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request."
    "\n\n### Instruction:\n{instruction}\n\n### Response:"
)
_STANFORD_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request."
    "\n\n### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:"
)
_FROM_STANFORD = re.compile(
    re.escape(_STANFORD_INPUT).replace(r"\{instruction\}", "(.*?)").replace(r"\{input\}", "(.*)")
    + "|"
    + re.escape(_STANFORD).replace(r"\{instruction\}", "(.*)"),
    re.DOTALL,
)
_OPTIONS = (
    Option(
        "join",
        "how instruction and input become one text",
        {
            "line": "a line break: LLaMA-Factory, ms-swift",
            "blank-line": "a blank line: unsloth",
            "none": "nothing between them: LLaMA-Factory v1",
            "stanford": "in the prompt text of Stanford Alpaca: axolotl's `type: alpaca`, torchtune",
        },
        read=True,
        write=True,
        loses={"stanford": frozenset({Feature.INPUT_SPLIT})},
        plain=True,
    ),
)
_ONE_TURN: tuple[Role, ...] = ("user", "assistant")
_KEYS = (
    frozenset({"instruction", "input", "output", "system", "history", "chosen", "rejected", "kto_tag", "label"})
    | MEDIA_COLUMNS
)


def _detect(row: RowValue) -> int:
    if "instruction" not in row:
        return 0
    return 70 if "output" in row or "chosen" in row else 20


def _assistant(value: JSON, pointer: str) -> Message:
    reasoning, text = split_thinking(as_text(value, pointer))
    return Message("assistant", text, reasoning)


def _user(row: RowValue, join: str) -> Message:
    instruction = as_text(need(row, "instruction"), "/instruction")
    extra_input = optional_text(row, "input") or ""
    if join == "stanford":
        text = _STANFORD_INPUT if extra_input else _STANFORD
        return Message("user", text.format(instruction=instruction, input=extra_input))
    if not extra_input:
        return Message("user", instruction)
    if not instruction:
        return Message("user", extra_input, input_at=0)
    between = _JOINS[join]
    return Message("user", instruction + between + extra_input, input_at=len(instruction) + len(between))


def _history(row: RowValue) -> list[Message]:
    messages: list[Message] = []
    for asked, answered in question_answer_pairs(row.get("history") or [], "/history"):
        messages += [Message("user", asked), _assistant(answered, "/history")]
    return messages


def _decode(row: RowValue, join: str = "line") -> Example:
    messages = [*_history(row), _user(row, join)]
    if system := optional_text(row, "system"):
        messages.insert(0, Message("system", system))
    label = optional_bool(row, ["kto_tag", "label"])
    unread = ["label"] if row.get("kto_tag") is not None else []
    is_pair = row.get("chosen") is not None or row.get("rejected") is not None
    if is_pair and row.get("output"):
        unread.append("output")
    meta, extra = split_known(row, _KEYS, unread)
    example = Example(messages, label=label, meta=meta, extra=extra)
    if is_pair:
        example.chosen = [_assistant(need(row, "chosen"), "/chosen")]
        example.rejected = [_assistant(need(row, "rejected"), "/rejected")]
    else:
        messages.append(_assistant(need(row, "output"), "/output"))
    place_media([*messages, *(example.chosen or []), *(example.rejected or [])], row)
    return example


def _split_input(message: Message, text: str, join: str) -> tuple[str, str]:
    """`(instruction, input)` of what is asked; all of it is instruction where it was not joined in this way."""
    if join == "stanford":
        found = _FROM_STANFORD.fullmatch(text)
        if found is None:
            raise RowError("what is asked is not in Stanford's prompt text, which join=stanford reads", code="S902")
        return (found[1], found[2]) if found[3] is None else (found[3], "")
    at, between = message.input_at, _JOINS[join]
    if at is None or not isinstance(message.content, str):
        return text, ""
    if at == 0:
        return "", text
    return (text[: at - len(between)], text[at:]) if text[:at].endswith(between) else (text, "")


def _encode(example: Example, join: str = "line") -> RowValue:
    answers = (example.chosen or []) + (example.rejected or [])
    messages = example.messages + answers
    marked, media = mark_media(messages)
    texts = [join_thinking(message.reasoning, text) for message, text in zip(messages, marked, strict=True)]
    row: RowValue = {}
    first = 0
    if messages and messages[0].role in ("system", "developer"):
        row["system"], first = texts[0], 1
    last = len(messages) - (len(answers) or 1)  # where the answers begin
    if last <= first:
        raise RowError("alpaca needs a question and an answer", code="S902")
    instruction, extra_input = _split_input(messages[last - 1], texts[last - 1], join)
    row = {"instruction": instruction, "input": extra_input, **row}
    if answers:
        row["chosen"], row["rejected"] = texts[last:]
    else:
        row["output"] = texts[last]
    if last - 1 > first:
        row["history"] = [[texts[at], texts[at + 1]] for at in range(first, last - 1, 2)]
    if example.label is not None:
        row["kto_tag"] = example.label
    return with_rest({**row, **media}, example.meta, example.extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    places = ["/system"] if row.get("system") else []
    history = row.get("history") or []
    if isinstance(history, str):  # JSON text, as in a cell of a table
        places += ["/history"] * (len(example.all_messages()) - len(places) - 2 - example.is_preference)
    else:
        places += [f"/history/{index}/{side}" for index in range(len(history)) for side in (0, 1)]
    return [*places, "/instruction", *(["/chosen", "/rejected"] if example.is_preference else ["/output"])]


def _decode_plain(rows: Iterable[JSON], width: int) -> Iterator[Turns | None]:
    for row in rows:
        try:
            asked, answer = row["instruction"], row["output"]
            extra_input = row["input"] if width == 3 else ""
            plain = type(asked) is type(answer) is type(extra_input) is str and asked and len(row) == width <= 3
        except (KeyError, TypeError):
            plain = False
        if not plain or answer.startswith("<think>"):
            yield None
        elif extra_input:
            yield _ONE_TURN, (asked + _JOIN + extra_input, answer), len(asked) + len(_JOIN)
        else:
            yield _ONE_TURN, (asked, answer), None


class _Texts(Struct, forbid_unknown_fields=True, gc=False):
    instruction: str
    input: str
    output: str


def _decode_shapes(rows: Iterable[_Texts]) -> Iterator[Turns | None]:
    # ends as `_decode_plain` does: to share it by a call or a generator for each row costs most of what this saves
    for row in rows:
        asked, extra_input, answer = row.instruction, row.input, row.output
        if not asked or answer.startswith("<think>"):
            yield None
        elif extra_input:
            yield _ONE_TURN, (asked + _JOIN + extra_input, answer), len(asked) + len(_JOIN)
        else:
            yield _ONE_TURN, (asked, answer), None


def _decode_one(row: RowValue) -> Turns | None:
    return next(_decode_plain((row,), len(row)))


def _encode_plain(turns: Turns) -> RowValue | None:
    roles, texts, at = turns
    if roles != _ONE_TURN:
        return None
    asked, answer = texts
    if at is None:
        return {"instruction": asked, "input": "", "output": answer}
    return {"instruction": asked[: at - len(_JOIN)], "input": asked[at:], "output": answer}


class _Fields(shapes.MediaColumns, kw_only=True):
    instruction: Annotated[str, Meta(description="What is asked.")]
    input: Annotated[str | None, Meta(description="What the instruction is about.")] = None
    system: shapes.System = None
    history: shapes.History = None
    kto_tag: shapes.Label = None
    label: shapes.Label = None


class Instruction(_Fields, kw_only=True):
    """An instruction and its answer."""

    output: Annotated[str, Meta(description="The answer.")]
    chosen: None = None
    rejected: None = None


class Preference(_Fields, kw_only=True):
    """An instruction with a better and a worse answer."""

    chosen: shapes.ChosenText
    rejected: shapes.RejectedText


FORMAT = Format(
    name="alpaca",
    summary="instruction, input and output (Stanford Alpaca, LLaMA-Factory)",
    example='{"instruction": "Translate to French", "input": "Good morning", "output": "Bonjour"}',
    holds=frozenset(
        {
            Feature.SYSTEM,
            Feature.MULTI_TURN,
            Feature.REASONING,
            Feature.IMAGES,
            Feature.AUDIO,
            Feature.VIDEO,
            Feature.PREFERENCE,
            Feature.LABEL,
            Feature.INPUT_SPLIT,
            Feature.METADATA,
            Feature.EXTRA,
        }
    ),
    keys=_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    plain=Plain(_decode_one, _encode_plain, _decode_plain, _Texts, _decode_shapes),
    options=_OPTIONS,
    row=Instruction | Preference,
)
