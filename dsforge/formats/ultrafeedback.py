"""UltraFeedback: pairs of whole conversations with scores, and the raw rankings that they were made from.

A pair is `prompt` (the question once more, as text), `chosen` and `rejected` (conversations that begin alike), with
scores and ids beside (HuggingFaceH4's ultrafeedback_binarized). A ranking is `instruction` and `completions`, each
with its `response`, model and scores (openbmb's UltraFeedback): read best first by `fine-grained_score`, else
`overall_score`, else as they stand. What stands beside a response stays with it.
"""

from __future__ import annotations

from typing import Annotated, Any, cast

from msgspec import UNSET, Meta, Struct, UnsetType, field

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message
from dsforge.feature import Feature
from dsforge.formats import shapes
from dsforge.formats.exchanges import Place
from dsforge.formats.expect import WRONG_TYPE, as_list, as_object, as_text, need, split_known, with_rest, wrong_type
from dsforge.formats.format import Format, RowValue
from dsforge.formats.held import only_held
from dsforge.formats.messages import MESSAGE_KEYS, decode_messages, encode_message
from dsforge.formats.pairs import pair_of, shared_prompt, whole_conversations

_PAIR_KEYS = frozenset({"prompt", "chosen", "rejected"})
_RANKING_KEYS = frozenset({"instruction", "completions"})
_KEYS = _PAIR_KEYS | _RANKING_KEYS
_MESSAGE_KEYS = MESSAGE_KEYS | {"response"}
_SCORES = ("fine-grained_score", "overall_score")
_HOLDS = frozenset(Feature) - {Feature.INPUT_SPLIT, Feature.LABEL, Feature.TOOLS}


def _detect(row: RowValue) -> int:
    if isinstance(row.get("completions"), list) and "instruction" in row:
        return 85
    chosen = row.get("chosen")
    if not isinstance(row.get("prompt"), str) or not isinstance(chosen, list) or "rejected" not in row:
        return 0
    first = chosen[0] if chosen else None
    return 94 if isinstance(first, dict) and first.get("role") != "assistant" else 0


def _score(completion: dict[str, JSON]) -> float | None:
    for key in _SCORES:
        score = completion.get(key)
        if isinstance(score, (int, float)) and not isinstance(score, bool):
            return cast("float", score)
    return None


def _answers(row: RowValue) -> list[Place]:
    """The answers of a ranking, the best first, each with its place."""
    scores: list[float | None] = []
    places: list[Place] = []
    for index, value in enumerate(as_list(need(row, "completions"), "/completions")):
        at = f"/completions/{index}"
        completion = as_object(value, at)
        said = as_text(need(completion, "response", at), f"{at}/response")
        rest = {key: field for key, field in completion.items() if key != "response"}
        scores.append(_score(completion))
        places.append((Message("assistant", said, extra=rest), f"{at}/response"))
    if len(places) < 2:
        reason = f"/completions holds {len(places)} answers; at least two are needed to rank them"
        raise RowError(reason, "/completions", WRONG_TYPE)
    scored = [score for score in scores if score is not None]
    if not scored:
        return places
    if len(scored) < len(scores):
        at = f"/completions/{scores.index(None)}"
        raise RowError(f"{at} has no score, but others have", at, WRONG_TYPE)
    best_first = sorted(range(len(places)), key=lambda index: -scored[index])
    return [places[index] for index in best_first]


def _decode_ranking(row: RowValue) -> Example:
    instruction = as_text(need(row, "instruction"), "/instruction")
    best, *between, worst = ([message] for message, _ in _answers(row))
    meta, extra = split_known(row, _RANKING_KEYS)
    return Example([Message("user", instruction)], [], best, worst, None, meta, extra, between)


def _conversation(value: JSON, pointer: str) -> list[Message]:
    if not isinstance(value, list):
        raise wrong_type(value, "a conversation", pointer)
    return decode_messages(value, pointer)


def _decode(row: RowValue) -> Example:
    if "completions" in row:
        return _decode_ranking(row)
    chosen, rejected = (_conversation(need(row, key), f"/{key}") for key in ("chosen", "rejected"))
    prompt, chosen, rejected = shared_prompt(chosen, rejected)
    said_again = row.get("prompt") in (None, _asked(prompt))
    meta, extra = split_known(row, _PAIR_KEYS, [] if said_again else ["prompt"])
    return Example(prompt, [], chosen, rejected, None, meta, extra)


def _asked(prompt: list[Message]) -> str:
    """The text of the last question, which rows say once more."""
    return next((message.text for message in reversed(prompt) if message.role == "user"), "")


def _encode_ranking(example: Example, answers: list[list[Message]]) -> RowValue:
    question = example.messages[0] if len(example.messages) == 1 else Message("system")
    said = [answer[0] if len(answer) == 1 else Message("system") for answer in answers]
    if question != Message("user", question.content) or not isinstance(question.content, str):
        raise RowError("ultrafeedback holds a ranking of the answers to one question in text", code="S902")
    for message in said:
        plain = Message("assistant", message.content, extra=message.extra)
        if message != plain or not isinstance(message.content, str):
            raise RowError("ultrafeedback ranks answers that are one text of the assistant", code="S902")
    row: RowValue = {
        "instruction": question.content,
        "completions": [{"response": message.content, **message.extra} for message in said],
    }
    if [message for message, _ in _answers(row)] != said:
        raise RowError("the scores of the answers say another order than that of the ranking", code="S902")
    return with_rest(row, example.meta, example.extra, _KEYS)


def _encode(example: Example) -> RowValue:
    pair_of(example, "ultrafeedback")
    example = only_held(example, _HOLDS, _KEYS, _MESSAGE_KEYS)
    chosen, rejected = pair_of(example, "ultrafeedback")
    if example.between:
        return _encode_ranking(example, [chosen, *example.between, rejected])
    conversations = whole_conversations(example.messages, chosen, rejected, "ultrafeedback")
    row: RowValue = {"prompt": _asked(example.messages)}
    for key, messages in zip(("chosen", "rejected"), conversations, strict=True):
        row[key] = [encode_message(message) for message in messages]
    if row["chosen"][0]["role"] == "assistant":
        raise RowError("ultrafeedback needs a conversation that does not begin with the assistant", code="S902")
    return with_rest(row, example.meta, example.extra, _KEYS)


def _places(row: RowValue, example: Example) -> list[str]:
    if "completions" in row:
        best, *between, worst = (place for _, place in _answers(row))
        return ["/instruction", best, worst, *between]
    shared = len(example.messages)
    chosen = [f"/chosen/{index}/content" for index in range(len(row["chosen"]))]
    return chosen + [f"/rejected/{index}/content" for index in range(shared, len(row["rejected"]))]


class RankedAnswer(Struct):
    """An answer with its scores."""

    response: Annotated[str, Meta(description="The answer.")]
    fine_grained_score: Annotated[Any, Meta(description="Ranks the answers.", examples=[4.5])] = field(
        name="fine-grained_score", default=None
    )
    overall_score: Annotated[Any, Meta(description="Ranks them where there is no other.", examples=[7.5])] = None


class Ranking(shapes.Metadata, kw_only=True):
    """A question with several answers."""

    instruction: Annotated[str, Meta(description="What is asked.")]
    completions: Annotated[list[RankedAnswer], Meta(description="The answers.", min_length=2)]


class Preference(shapes.Metadata, kw_only=True):
    """Two conversations that begin with the same prompt."""

    chosen: Annotated[shapes.WholeConversation, Meta(description="The prompt and the better answer.")]
    rejected: Annotated[shapes.WholeConversation, Meta(description="The prompt and the worse answer.")]
    prompt: Annotated[str | None, Meta(description="The last question once more.")] = None
    completions: UnsetType = UNSET


FORMAT = Format(
    name="ultrafeedback",
    summary="pairs of whole conversations with scores, and raw rankings (UltraFeedback, Zephyr)",
    example='{"prompt": "Hi", '
    '"chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}], '
    '"rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "What?"}], '
    '"score_chosen": 9.0, "score_rejected": 2.0}',
    holds=_HOLDS,
    keys=_KEYS,
    message_keys=_MESSAGE_KEYS,
    detect=_detect,
    decode=_decode,
    encode=_encode,
    places=_places,
    row=Ranking | Preference,
)
