"""Prompt and completion in text columns, under any of the names that trainers give them.

One row is `prompt` and `completion` (TRL, OpenAI's legacy models, Together, Llama on Bedrock), with `label` for KTO,
or `prompt`, `chosen` and `rejected`; a `system` text may stand beside. The other names are those of ms-swift
(`query`, `response`), axolotl's chatml.intel (`question`), chatml.argilla (`chosen_response`), load_open_orca
(`system_prompt`) and metharme (`generation`), and AutoTrain (`text`, `rejected_text`). A row that has two names of one
column is refused: trainers then read neither, or one of them, in silence. Reasoning stands in the answer as `<think>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from dsforge.errors import RowError
from dsforge.example import Example, Message
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.exchanges import exchanges_of, one_answer
from dsforge.formats.expect import as_text, need, optional_bool, optional_text, split_known, with_rest
from dsforge.formats.format import Format, Option, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.plain import Plain, Turns
from dsforge.formats.plain_rows import ONE_TURN, SYSTEMS
from dsforge.formats.thinking import answer_of, thought_aloud

_PROMPTS = ("prompt", "question", "query", "instruction")
_SYSTEMS = ("system", "system_prompt")
_COMPLETIONS = ("completion", "response", "answer", "generation")
_CHOSEN = {"rejected": ("chosen",), "rejected_response": ("chosen_response", "response"), "rejected_text": ("text",)}
_REJECTED = tuple(_CHOSEN)
_KEYS = frozenset({*_PROMPTS, *_SYSTEMS, *_COMPLETIONS, *_REJECTED, "chosen", "chosen_response", "text", "label"})
_ELSEWHERE = frozenset({"messages", "conversations", "conversation", "contents", "completions", "history"})
_HOLDS = frozenset(
    {
        Feature.SYSTEM,
        Feature.REASONING,
        Feature.PREFERENCE,
        Feature.LABEL,
        Feature.METADATA,
        Feature.EXTRA,
    }
)


class _Columns(msgspec.Struct, frozen=True):
    """What the columns are called: that of the answer, or those of the two answers of a pair."""

    prompt: str
    completion: str
    chosen: str
    rejected: str
    system: str | None = None
    is_pair: bool = False


_NAMES = {
    "prompt": _Columns("prompt", "completion", "chosen", "rejected", "system"),
    "question": _Columns("question", "answer", "chosen", "rejected", "system"),
    "query": _Columns("query", "response", "response", "rejected_response", "system"),
    "text": _Columns("prompt", "completion", "text", "rejected_text", "system"),
}
_COLUMNS_OPTION = Option(
    "columns",
    "what the columns are called",
    {
        "prompt": "prompt, completion, chosen, rejected: TRL, Together, OpenAI's legacy models, Bedrock",
        "question": "question, answer, chosen, rejected: axolotl (load_qa, chatml.intel)",
        "query": "query, response, rejected_response: ms-swift",
        "text": "prompt, text, rejected_text for pairs: AutoTrain",
    },
    write=True,
    plain=True,
)


def _present(row: RowValue, names: Iterable[str]) -> list[str]:
    return [name for name in names if row.get(name) is not None]


def _detect(row: RowValue) -> int:
    prompts = [name for name in _PROMPTS if name in row]
    if not prompts or not _ELSEWHERE.isdisjoint(row):
        return 0
    if prompts == ["instruction"] and ("output" in row or row.get("input")):  # Alpaca's, also where it is broken
        return 0
    answers = [name for name in (*_COMPLETIONS, "chosen", *_REJECTED) if name in row]
    if not answers or any(isinstance(row[name], list) for name in (*prompts, *answers)):
        return 0
    return 85 if prompts[0] == "prompt" and ("completion" in row or {"chosen", "rejected"} <= row.keys()) else 50


def _the_one(row: RowValue, names: tuple[str, ...]) -> str:
    """The name that the row has; the first, which it lacks, where it has none."""
    present = _present(row, names)
    if len(present) > 1:
        both = " and ".join(map(repr, present))
        raise RowError(f"the row has {both}, which are names of one column; keep one", f"/{present[1]}")
    return present[0] if present else names[0]


def _columns(row: RowValue) -> _Columns:
    """What this row calls its columns; RowError where it has one of them twice."""
    prompt = _the_one(row, _PROMPTS)
    system = _the_one(row, _SYSTEMS) if _present(row, _SYSTEMS) else None
    if not _present(row, _REJECTED) and not _present(row, ("chosen", "chosen_response")):
        return _Columns(prompt, _the_one(row, _COMPLETIONS), "", "", system)
    rejected = _the_one(row, _REJECTED)
    chosen = _the_one(row, (*_CHOSEN[rejected], *(name for name in ("chosen",) if name not in _CHOSEN[rejected])))
    return _Columns(prompt, "", chosen, rejected, system, is_pair=True)


def _decode(row: RowValue) -> Example:
    names = _columns(row)
    messages = [Message("user", as_text(need(row, names.prompt), f"/{names.prompt}"))]
    if names.system is not None and (system := optional_text(row, names.system)):
        messages.insert(0, Message("system", system))
    example = Example(messages, label=optional_bool(row, ["label"]))
    chosen, rejected, completion = (
        [answer_of(as_text(need(row, name), f"/{name}"))] if name else []
        for name in (names.chosen, names.rejected, names.completion)
    )
    if names.is_pair:
        example.chosen, example.rejected = chosen, rejected
    else:
        messages += completion
    read = {"label", names.prompt, names.system, names.completion, names.chosen, names.rejected}
    example.meta, example.extra = split_known(row, _KEYS, _present(row, _KEYS - read))
    return example


def _encode(example: Example, columns: str = "prompt") -> RowValue:
    names = _NAMES[columns]
    example = only_held(example, _HOLDS, _KEYS)
    said = exchanges_of(example.messages, "prompt-completion")
    row: RowValue = {"system": said.system.text} if said.system else {}
    if example.chosen is not None and example.rejected is not None:
        if said.pairs or said.question is None:
            raise RowError("prompt-completion holds one question and two answers", code="S902")
        row[names.prompt] = thought_aloud(said.question)
        row[names.chosen] = one_answer(example.chosen, "prompt-completion")
        row[names.rejected] = one_answer(example.rejected, "prompt-completion")
    else:
        if len(said.pairs) != 1 or said.question is not None:
            raise RowError("prompt-completion holds one question and one answer", code="S902")
        asked, answered = said.pairs[0]
        row[names.prompt], row[names.completion] = thought_aloud(asked), thought_aloud(answered)
    if example.label is not None:
        row["label"] = example.label
    return with_rest(row, example.meta, example.extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    names = _columns(row)
    answers = [names.chosen, names.rejected] if names.is_pair else [names.completion]
    has_system = names.system is not None and bool(row.get(names.system))
    return [f"/{name}" for name in (*([names.system] if has_system else []), names.prompt, *answers)]


def _decode_plain(row: RowValue) -> Turns | None:
    asked, answer = row["prompt"], row["completion"]
    if type(asked) is not str or type(answer) is not str or len(row) != 2 or answer.startswith("<think>"):
        return None
    return ONE_TURN, (asked, answer), None


def _encode_plain(turns: Turns) -> RowValue | None:
    roles, texts, _ = turns
    if roles == ONE_TURN:
        return {"prompt": texts[0], "completion": texts[1]}
    if roles[1:] == ONE_TURN and roles[0] in SYSTEMS:
        return {"system": texts[0], "prompt": texts[1], "completion": texts[2]}
    return None


_Prompt: TypeAlias = Annotated[str | None, Meta(description="What is asked.")]
_Completion: TypeAlias = Annotated[str | None, Meta(description="The answer.")]
_Better: TypeAlias = Annotated[str | None, Meta(description="The better answer.")]


class _Fields(shapes.Metadata, kw_only=True):
    prompt: _Prompt = None
    question: _Prompt = None
    query: _Prompt = None
    instruction: _Prompt = None
    system: shapes.System = None
    system_prompt: shapes.System = None
    label: shapes.Label = None


class Completion(_Fields, kw_only=True):
    """A prompt and its completion."""

    completion: _Completion = None
    response: _Completion = None
    answer: _Completion = None
    generation: _Completion = None
    chosen: None = None
    chosen_response: None = None
    rejected: None = None
    rejected_response: None = None
    rejected_text: None = None


class Preference(_Fields, kw_only=True):
    """A prompt with a better and a worse answer."""

    chosen: shapes.ChosenText
    rejected: shapes.RejectedText
    rejected_response: None = None
    rejected_text: None = None


class ResponsePreference(_Fields, kw_only=True):
    """A prompt with a better and a worse answer (ms-swift, axolotl)."""

    rejected_response: shapes.RejectedText
    response: _Better = None
    chosen_response: _Better = None
    chosen: _Better = None
    rejected: None = None
    rejected_text: None = None


class TextPreference(_Fields, kw_only=True):
    """A prompt with a better and a worse answer (AutoTrain)."""

    rejected_text: shapes.RejectedText
    text: _Better = None
    chosen: _Better = None
    rejected: None = None
    rejected_response: None = None


_ROW = Annotated[
    Annotated[Completion, Meta(extra_json_schema=shapes.exactly_one(*_COMPLETIONS))]
    | Preference
    | Annotated[ResponsePreference, Meta(extra_json_schema=shapes.exactly_one("chosen", *_CHOSEN["rejected_response"]))]
    | Annotated[TextPreference, Meta(extra_json_schema=shapes.exactly_one("chosen", *_CHOSEN["rejected_text"]))],
    Meta(extra_json_schema=shapes.exactly_one(*_PROMPTS)),
]
FORMAT = Format(
    name="prompt-completion",
    aliases=("bedrock-llama",),
    dialects={"autotrain": {"columns": "text"}},
    summary="prompt and completion, or chosen and rejected, as text (TRL, OpenAI legacy, Together, Bedrock Llama)",
    example='{"prompt": "Hi", "completion": "Hello!"}',
    holds=_HOLDS,
    keys=_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    plain=Plain(_decode_plain, _encode_plain),
    options=(_COLUMNS_OPTION,),
    row=_ROW,
)
