"""Alpaca: instruction, input and output, with an optional system prompt and history.

Instruction and input are joined by one line break, as LLaMA-Factory and ms-swift join them (Stanford's
own code and axolotl's `type: alpaca` put them into a prompt text instead). Pairs are `chosen` and
`rejected` in place of `output`, KTO is `kto_tag`. Reasoning stands in the output as `<think>`.
"""

from __future__ import annotations

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message, Role
from dsforge.feature import Feature
from dsforge.formats.expect import (
    WRONG_TYPE,
    as_list,
    as_text,
    need,
    optional_bool,
    optional_text,
    split_known,
    with_rest,
)
from dsforge.formats.format import Format, RowValue
from dsforge.formats.marks import MEDIA_COLUMNS, mark_media, place_media
from dsforge.formats.plain import Plain, Turns
from dsforge.formats.thinking import join_thinking, split_thinking

_JOIN = "\n"
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


def _user(row: RowValue) -> Message:
    instruction = as_text(need(row, "instruction"), "/instruction")
    extra_input = optional_text(row, "input")
    if not extra_input:
        return Message("user", instruction)
    if not instruction:
        return Message("user", extra_input, input_at=0)
    return Message("user", instruction + _JOIN + extra_input, input_at=len(instruction) + len(_JOIN))


def _history(row: RowValue) -> list[Message]:
    messages: list[Message] = []
    for index, turn in enumerate(as_list(row.get("history") or [], "/history")):
        at = f"/history/{index}"
        pair = as_list(turn, at)
        if len(pair) != 2:
            raise RowError(f"{at} has {len(pair)} texts; a question and an answer are expected", at, WRONG_TYPE)
        messages += [Message("user", as_text(pair[0], f"{at}/0")), _assistant(pair[1], f"{at}/1")]
    return messages


def _decode(row: RowValue) -> Example:
    messages = [*_history(row), _user(row)]
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


def _split_input(message: Message, text: str) -> tuple[str, str]:
    at = message.input_at
    if at is None or not isinstance(message.content, str):
        return text, ""
    return text[: max(at - len(_JOIN), 0)], text[at:]


def _encode(example: Example) -> RowValue:
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
    instruction, extra_input = _split_input(messages[last - 1], texts[last - 1])
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
    places += [f"/history/{index}/{side}" for index in range(len(row.get("history") or [])) for side in (0, 1)]
    return [*places, "/instruction", *(["/chosen", "/rejected"] if example.is_preference else ["/output"])]


def _decode_plain(row: RowValue) -> Turns | None:
    instruction, extra_input, output = row.get("instruction"), row.get("input", ""), row.get("output")
    if type(instruction) is not str or type(extra_input) is not str or type(output) is not str:
        return None
    if len(row) != 2 + ("input" in row) or not instruction or output.startswith("<think>"):
        return None
    strings = 2 * len(row)
    if not extra_input:
        return _ONE_TURN, [instruction, output], strings, None
    return _ONE_TURN, [instruction + _JOIN + extra_input, output], strings, len(instruction) + len(_JOIN)


def _encode_plain(turns: Turns) -> RowValue | None:
    roles, texts, _, at = turns
    if roles != _ONE_TURN:
        return None
    asked, answer = texts
    if at is None:
        return {"instruction": asked, "input": "", "output": answer}
    return {"instruction": asked[: at - len(_JOIN)], "input": asked[at:], "output": answer}


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
    plain=Plain(_decode_plain, _encode_plain),
)
