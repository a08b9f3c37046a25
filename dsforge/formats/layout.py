"""A layout of one's own: which field of a row holds the prompt, the completion and so on.

`prompt=question` and `completion=answer.text` say that the prompt stands in `question`, the completion in the
field `text` of the object `answer` (`answers.0` is the first of an array). Whatever is not named stays with
the row as unknown fields. The same layout reads and writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial

import msgspec

from dsforge.errors import RowError, UsageError, did_you_mean
from dsforge.example import JSON, Example, Message
from dsforge.feature import Feature
from dsforge.formats.expect import (
    META_KEYS,
    MISSING_FIELD,
    as_list,
    as_text,
    from_json_text,
    kind_of,
    question_answer_pairs,
    wrong_type,
)
from dsforge.formats.format import Format, RowValue
from dsforge.formats.messages import decode_messages, encode_message
from dsforge.formats.pairs import decode_answer, encode_answer
from dsforge.formats.sharegpt import FORMAT as SHAREGPT
from dsforge.formats.tools import decode_tools

FIELDS: dict[str, str] = {
    "system": "the system prompt, as text",
    "prompt": "what is asked, as text or messages",
    "completion": "the answer, as text or messages",
    "reasoning": "the reasoning before the answer, as text",
    "chosen": "the better answer of a pair, as text or messages",
    "rejected": "the worse answer of a pair",
    "label": "whether the answer is good (KTO): true or false",
    "history": "earlier turns, as an array of [question, answer]",
    "messages": "the whole conversation, as messages or ShareGPT turns",
    "tools": "tool definitions",
    **dict.fromkeys(META_KEYS, "metadata"),
}


class Layout(msgspec.Struct, frozen=True):
    """Pairs of a field of the record and the path of its place in a row."""

    paths: tuple[tuple[str, str], ...]

    def path(self, field: str) -> str | None:
        """Where `field` stands, None where the layout does not say."""
        return dict(self.paths).get(field)


def parse_layout(pairs: Sequence[str]) -> Layout:
    """The layout of `FIELD=PATH` pairs.

    Raises:
        UsageError: a pair that is none, names no field of the record, or names one twice.
    """
    paths: dict[str, str] = {}
    for pair in pairs:
        field, equals, path = (part.strip() for part in pair.partition("="))
        if not equals or not path:
            raise UsageError(f"--map {pair!r} is no FIELD=PATH, as in --map prompt=question")
        if field not in FIELDS:
            raise UsageError(f"--map {pair!r}: no field {field!r}{did_you_mean(field, FIELDS)}")
        if field in paths:
            raise UsageError(f"--map names {field!r} twice")
        paths[field] = path
    if "messages" in paths and not paths.keys().isdisjoint({"prompt", "completion", "history"}):
        raise UsageError("--map messages is the whole conversation: prompt, completion and history go with it")
    if not paths.keys() & {"messages", "prompt"}:
        raise UsageError("--map needs at least prompt=PATH and completion=PATH, or messages=PATH")
    if ("chosen" in paths) != ("rejected" in paths):
        raise UsageError("--map chosen and --map rejected go together")
    if "prompt" in paths and not paths.keys() & {"completion", "chosen"}:
        raise UsageError("--map prompt needs an answer: completion=PATH, or chosen=PATH and rejected=PATH")
    return Layout(tuple(paths.items()))


def _steps(row: JSON, path: str) -> list[str | int]:
    """A path as keys and indexes; a key that holds dots itself is taken as it stands."""
    if isinstance(row, dict) and path in row:
        return [path]
    return [int(step) if step.isdigit() else step for step in path.split(".")]


def _pointer(steps: Sequence[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _at(row: JSON, steps: Sequence[str | int]) -> JSON:
    """The value at `steps`; KeyError where there is none."""
    for step in steps:
        if isinstance(row, list) and isinstance(step, int) and step < len(row):
            row = row[step]
        elif isinstance(row, dict) and str(step) in row:
            row = row[str(step)]
        else:
            raise KeyError(step)
    return row


class _Taker:
    """Takes values out of a copy of a row; what is never taken is left."""

    def __init__(self, row: RowValue, layout: Layout) -> None:
        self.row, self.layout = row, layout
        self.taken: list[list[str | int]] = []

    def __call__(self, field: str, required: bool = False) -> tuple[JSON, str]:
        """`(value, pointer)`; None where the field is not mapped, missing or null."""
        path = self.layout.path(field)
        if path is None:
            return None, ""
        steps = _steps(self.row, path)
        try:
            value = _at(self.row, steps)
        except KeyError:
            if not required:
                return None, _pointer(steps)
            near = did_you_mean(path, map(str, self.row)).replace("known:", "it has:")
            raise RowError(f"the row has no {path!r}, which --map {field} names{near}", "", MISSING_FIELD) from None
        self.taken.append(steps)
        if value is None and required:
            raise wrong_type(value, "a value", _pointer(steps))
        return value, _pointer(steps)

    def rest(self) -> RowValue:
        """The row without what was taken; objects that are empty then go too, arrays stay whole."""
        rest: RowValue = deepcopy(self.row)
        for steps in self.taken:
            if any(isinstance(step, int) and isinstance(_at(self.row, steps[:at]), list)
                   for at, step in enumerate(steps)):  # fmt: skip
                if len(steps) > 1 and _all_taken(self.row, steps, self.taken):
                    rest.pop(str(steps[0]), None)
                continue
            holders = [rest]
            for step in steps[:-1]:
                holders.append(holders[-1][str(step)])
            for holder, step in zip(reversed(holders), reversed(steps), strict=True):
                if holder.get(str(step)) in ({},) or step is steps[-1]:
                    del holder[str(step)]
        return rest


def _all_taken(row: RowValue, steps: list[str | int], taken: list[list[str | int]]) -> bool:
    """Whether the array that `steps` leads into is one of plain values of which every one is taken."""
    array = _at(row, steps[:-1])
    if len(steps) != 2 or not isinstance(array, list):
        return False
    return {path[-1] for path in taken if path[:-1] == steps[:-1]} >= set(range(len(array)))


def _said(value: JSON, pointer: str, role: str) -> list[Message]:
    """What is asked or answered: text, or messages."""
    if isinstance(value, str):
        return [Message("user" if role == "user" else "assistant", value)]
    return decode_answer(value, pointer)


def _history(value: JSON, pointer: str) -> list[Message]:
    messages: list[Message] = []
    for asked, answered in question_answer_pairs(value, pointer):
        messages += [Message("user", asked), Message("assistant", answered)]
    return messages


def _truth(value: JSON, pointer: str) -> bool | None:
    """A label; the words true and false count, as tables write them."""
    words = {"true": True, "false": False}
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    raise RowError(f"{pointer} is {kind_of(value)}; true or false is expected", pointer, "S105")


def _conversation(value: JSON, pointer: str) -> list[Message]:
    turns = as_list(from_json_text(value, pointer), pointer)
    if turns and isinstance(turns[0], dict) and "from" in turns[0]:
        return SHAREGPT.decode({"conversations": turns}).messages
    return decode_messages(turns, pointer)


def _decode(row: RowValue, layout: Layout) -> Example:
    take = _Taker(row, layout)
    messages: list[Message] = []
    system, at = take("system")
    if system not in (None, ""):
        messages.append(Message("system", as_text(system, at)))
    if layout.path("messages"):
        messages += _conversation(*take("messages", required=True))
    else:
        past, at = take("history")
        messages += _history(past, at) if past else []
        messages += _said(*take("prompt", required=True), "user")
    tools, at = take("tools")
    example = Example(messages, decode_tools(tools, at), label=_truth(*take("label")))
    thought, at = take("reasoning")
    if layout.path("chosen"):
        example.chosen = _said(*take("chosen", required=True), "assistant")
        example.rejected = _said(*take("rejected", required=True), "assistant")
    elif layout.path("completion"):
        messages += _said(*take("completion", required=True), "assistant")
    if thought not in (None, ""):
        (example.chosen or messages)[-1].reasoning = as_text(thought, at)
    example.meta = {key: value for key in META_KEYS if (value := take(key)[0]) is not None}
    rest = take.rest()
    example.meta |= {key: rest.pop(key) for key in META_KEYS if key in rest and key not in example.meta}
    example.extra = rest
    return example


def _put(row: RowValue, path: str, value: JSON) -> None:
    steps = path.split(".")
    for step in steps[:-1]:
        row = row.setdefault(step, {})
    row[steps[-1]] = value


def _text_or_messages(messages: list[Message]) -> JSON:
    if len(messages) == 1 and set(encode_message(messages[0])) == {"role", "content"}:
        return messages[0].content if isinstance(messages[0].content, str) else encode_answer(messages)
    return encode_answer(messages)


def _encode(example: Example, layout: Layout) -> RowValue:
    row: RowValue = {}
    messages, answers = example.messages, {"chosen": example.chosen, "rejected": example.rejected}
    put: Callable[[str, JSON], None] = lambda field, value: _put(row, layout.path(field) or field, value)  # noqa: E731
    if layout.path("messages"):
        put("messages", [encode_message(message) for message in messages])
    else:
        if messages and messages[0].role in ("system", "developer"):
            put("system", messages[0].text)
            messages = messages[1:]
        if example.chosen is None:
            messages, answers["completion"] = messages[:-1], messages[-1:]
        if not messages or any(answer == [] for answer in answers.values()):
            raise RowError("this layout needs a prompt and an answer", code="S902")
        if len(messages) > 1:
            turns = [message.text for message in messages[:-1]]
            put("history", [list(turn) for turn in zip(turns[::2], turns[1::2], strict=True)])
        put("prompt", messages[-1].text)
    for field, answer in answers.items():
        if answer is not None and layout.path(field):
            one = answer[-1]
            if layout.path("reasoning") and field != "rejected" and one.reasoning is not None:
                put("reasoning", one.reasoning)
                answer = [*answer[:-1], msgspec.structs.replace(one, reasoning=None)]
            put(field, _text_or_messages(answer))
    if example.tools:
        put("tools", example.tools)
    if example.label is not None:
        put("label", example.label)
    for rest in (example.meta, example.extra):
        for key, value in rest.items():
            if layout.path(key) if rest is example.meta else key not in row:
                put(key, value)
            elif rest is example.meta:
                row.setdefault(key, value)
    return row


def _holds(layout: Layout) -> frozenset[Feature]:
    """What rows of the layout can say."""
    mapped = {field for field, _ in layout.paths}
    held = {Feature.METADATA, Feature.EXTRA, Feature.THINK_MARKS}
    if "messages" in mapped:
        held |= set(Feature) - {Feature.PREFERENCE, Feature.LABEL, Feature.RANKING, Feature.INPUT_SPLIT, Feature.TOOLS}
    for field, features in {
        "system": {Feature.SYSTEM},
        "reasoning": {Feature.REASONING},
        "chosen": {Feature.PREFERENCE},
        "label": {Feature.LABEL},
        "history": {Feature.MULTI_TURN},
        "tools": {Feature.TOOLS},
    }.items():
        held |= features if field in mapped else set()
    return frozenset(held)


def _places(row: RowValue, example: Example, layout: Layout) -> list[str]:
    def at(field: str) -> str:
        path = layout.path(field)
        return "" if path is None else _pointer(_steps(row, path))

    pairs = [at("chosen")] * len(example.chosen or []) + [at("rejected")] * len(example.rejected or [])
    if layout.path("messages"):
        return [at("messages")] * len(example.messages) + pairs
    answers = 0 if example.is_preference else 1
    places = [at("history")] * (len(example.messages) - answers) + [at("completion")] * answers
    if example.messages and example.messages[0].role == "system":
        places[0] = at("system")
    places[len(example.messages) - answers - 1] = at("prompt")
    return places + pairs


def layout_format(layout: Layout) -> Format:
    """The format `custom` of rows in this layout."""
    return Format(
        name="custom",
        summary="a layout of your own, by --map FIELD=PATH",
        example="",
        holds=_holds(layout),
        keys=frozenset(path.split(".")[0] for _, path in layout.paths),
        detect=lambda row: 0,
        decode=partial(_decode, layout=layout),
        encode=partial(_encode, layout=layout),
        places=partial(_places, layout=layout),
    )
