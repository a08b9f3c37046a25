"""Random examples, rows and files for the laws."""

from __future__ import annotations

from functools import lru_cache

from hypothesis import strategies as st

from dsforge.convert import convert_example
from dsforge.errors import RowError
from dsforge.example import Example, Media, Message, Text, ToolCall
from dsforge.feature import Feature
from dsforge.formats.format import all_formats, get_format
from dsforge.formats.held import only_held

any_text = st.text(st.characters(codec="utf-8", exclude_characters="<>"), min_size=1, max_size=12)
texts = st.sampled_from(["Hi", "请", " a ", "a\n", "\n\nb", '"', "\\", "\u2028", "{}", "a: b", "\x00"]) | any_text
names = st.sampled_from(["a", "b", "c", "ab", "_", "abc"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
arguments = st.dictionaries(names, st.integers(-9, 9) | texts, max_size=3)
options = st.just({}) | st.sampled_from([{"detail": "low"}, {"detail": "high"}, {"bucketOwner": "123"}])
files = {
    Feature.IMAGES: st.builds(Media, st.just("image"), st.sampled_from(["cat.png", "s3://b/cat.jpg"]), options),
    Feature.VIDEO: st.builds(Media, st.just("video"), st.sampled_from(["clip.mp4", "s3://b/clip.mov"]), options),
    Feature.AUDIO: st.builds(Media, st.just("audio"), st.sampled_from(["a.wav", "https://example.com/a.mp3"]), options),
}
said = texts | st.sampled_from(
    [
        "<think>\nso\n</think>\n\nanswer",
        "<think>",
        "a\n<tool_call>{}</tool_call>",
        "a\n\nHuman: b",
        "<|im_end|>",
        " a\n",
    ]
)
weights = st.none() | st.sampled_from([0, 1, 0.5])
unknown = names.map("x_{}".format)
known = [
    "value",
    "from",
    "content",
    "output",
    "tools",
    "label",
    "system",
    "chosen",
    "weight",
    "answer",
    "user_2",
    "images",
]
extras = st.just({}) | st.dictionaries(unknown | st.sampled_from(known), json_values, max_size=2)
call_extras = st.just({}) | st.fixed_dictionaries(
    {}, optional={"index": st.integers(0, 3), "function": st.just({"x": 1})}
)
ids = st.none() | names | st.sampled_from(["call00001", "aB3dE6gH9"])
calls = st.builds(ToolCall, names, arguments, st.none(), ids, call_extras)
thoughts = texts | st.sampled_from(["so\n</think>\n\nit is", "</think>"])
systems = st.builds(Message, st.sampled_from(["system", "developer"]), texts | st.just(""))
answers = st.builds(
    Message, st.just("assistant"), said | st.none(), reasoning=st.none() | thoughts, weight=weights, extra=extras
)
callers = st.builds(
    Message,
    st.just("assistant"),
    st.none() | said | st.just(""),
    reasoning=st.none() | thoughts,
    tool_calls=st.lists(calls, min_size=1, max_size=2),
)
results = st.builds(Message, st.just("tool"), texts, tool_call_id=ids)
tools = st.lists(
    st.fixed_dictionaries({
        "type": st.just("function"),
        "function": st.fixed_dictionaries({"name": names, "parameters": st.just({"type": "object"})}),
    }),
    max_size=2,
)  # fmt: skip
metas = st.just({}) | st.fixed_dictionaries({"category": names, "id": names})
EVERYTHING = frozenset(Feature)
KINDS = ("sft", "pair", "kto", "ranking", "text")

plain_turns = st.tuples(st.builds(Message, st.just("user"), texts), st.builds(Message, st.just("assistant"), texts))
plain_examples = st.builds(Example, st.lists(plain_turns, min_size=1, max_size=2).map(lambda found: [*sum(found, ())]))


def _neighbours_joined(parts: list[Text | Media]) -> list[Text | Media]:
    """Formats with marks in the text cannot tell two neighbouring texts from one."""
    kept: list[Text | Media] = []
    for part in parts:
        if not (kept and isinstance(part, Text) and isinstance(kept[-1], Text)):
            kept.append(part)
    return kept


def _contents(holds: frozenset[Feature]) -> st.SearchStrategy[object]:
    """What a user says: text, text in parts, text and files of the kinds that are held."""
    text_parts = st.lists(st.builds(Text, texts, st.just({}) | st.just({"cache_control": {}})), min_size=1, max_size=2)
    held = [files[feature] for feature in files if feature in holds]
    if not held:
        return st.one_of(texts, text_parts, st.none())
    file, text = st.one_of(held), st.builds(Text, texts)
    mixed = st.tuples(st.lists(text, max_size=1), file, st.lists(text | file, max_size=2)).map(
        lambda found: _neighbours_joined([*found[0], found[1], *found[2]])
    )
    return st.one_of(texts, texts, mixed, text_parts, st.none())


@lru_cache
def _turns(holds: frozenset[Feature]) -> st.SearchStrategy[list[Message]]:
    users = st.builds(Message, st.just("user"), _contents(holds), name=st.none() | names, extra=extras)
    turn = st.tuples(users, answers).map(list)
    if Feature.MULTI_TURN not in holds:
        return turn
    if {Feature.TOOL_CALLS, Feature.IRREGULAR_TURNS} <= holds:
        turn |= st.tuples(users, callers, results, answers).map(list)
        turn |= st.tuples(users, callers, results, results, answers).map(list)
    return st.lists(turn, min_size=1, max_size=3).map(lambda found: [message for turn in found for message in turn])


@lru_cache
def _rest() -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries({"tools": tools, "meta": metas, "extra": extras})


@st.composite
def rich_examples(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS, holds: frozenset[Feature] = EVERYTHING) -> Example:
    """Rows of all kinds that use any feature, but of the essential ones only those of `holds`."""
    kind = draw(st.sampled_from(kinds))
    rest = draw(_rest())
    if kind == "text":
        return Example([draw(answers)], **rest)
    messages = draw(st.just([]) | systems.map(lambda message: [message])) + draw(_turns(holds))
    if Feature.LATER_SYSTEM in holds and draw(st.integers(0, 5)) == 0:
        messages.insert(draw(st.integers(1, len(messages))), Message("system", draw(texts)))
    if kind in ("pair", "ranking"):
        longest = 2 if Feature.LONG_CONTINUATION in holds else 1
        answer = st.lists(answers, min_size=1, max_size=longest)
        between = draw(st.lists(answer, min_size=1, max_size=2)) if kind == "ranking" else []
        return Example(messages[:-1], chosen=draw(answer), rejected=draw(answer), between=between, **rest)
    if Feature.OPEN_END in holds and len(messages) > 1 and draw(st.integers(0, 5)) == 0:
        messages.pop()
    return Example(messages, label=draw(st.booleans()) if kind == "kto" else None, **rest)


def _can_hold(name: str, example: Example) -> bool:
    try:
        return bool(convert_example(example, get_format(name)))
    except RowError:
        return False


@lru_cache
def kinds_of(name: str) -> tuple[str, ...]:
    """The kinds of row that a format holds."""
    asked, answer, other = Message("user", "q"), Message("assistant", "a"), Message("assistant", "b")
    rows = {
        "sft": Example([asked, answer]),
        "pair": Example([asked], chosen=[answer], rejected=[other]),
        "kto": Example([asked, answer], label=True),
        "ranking": Example([asked], chosen=[answer], rejected=[answer], between=[[other]]),
        "text": Example([answer]),
    }
    held = tuple(kind for kind, row in rows.items() if _can_hold(name, row))
    return held if Feature.RANKING in get_format(name).holds else tuple(kind for kind in held if kind != "ranking")


def _without_marks(example: Example) -> Example:
    for message in example.all_messages():
        if isinstance(message.content, str):
            message.content = message.content.replace("think>", "")
        if message.reasoning is not None:
            message.reasoning = message.reasoning.replace("think>", "")
    return example


@lru_cache
def examples_held_by(*format_names: str) -> st.SearchStrategy[Example]:
    """Examples trimmed to what each of the formats can hold; encoders may still refuse some, with a reason."""
    formats = [get_format(name) for name in format_names]
    holds = frozenset.intersection(*(fmt.holds for fmt in formats))
    kinds = tuple(kind for kind in KINDS if all(kind in kinds_of(name) for name in format_names))
    if not kinds:
        return st.nothing()

    def trimmed(example: Example) -> Example:
        for fmt in formats:
            example = only_held(example, holds, fmt.keys, fmt.message_keys)
        return example if Feature.THINK_MARKS in holds else _without_marks(example)

    return rich_examples(kinds, holds).map(trimmed)


@lru_cache
def examples_for(format_name: str) -> st.SearchStrategy[Example]:
    """Examples of which the format can hold all, a good part, or anything at all."""
    held = rich_examples(kinds_of(format_name), get_format(format_name).holds)
    return examples_held_by(format_name) | held | examples()


@lru_cache
def examples_of_any_format() -> st.SearchStrategy[Example]:
    """Examples that some format can hold all of, and any others."""
    return st.one_of([examples_held_by(name) for name in all_formats()]) | examples() | rich_examples()


def examples() -> st.SearchStrategy[Example]:
    """Rows that every format can hold, and rows that use any feature."""
    return plain_examples | rich_examples()
