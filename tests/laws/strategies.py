"""Random examples, rows and files for the laws."""

from __future__ import annotations

from hypothesis import strategies as st

from dsforge.example import Example, Media, Message, Text, ToolCall

texts = st.text(st.characters(codec="utf-8", exclude_characters="<>"), min_size=1, max_size=12)
names = st.text("abc_", min_size=1, max_size=3)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
arguments = st.dictionaries(names, st.integers(-9, 9) | texts, max_size=3)
media = st.builds(
    Media,
    st.sampled_from(["image", "video"]),
    st.sampled_from(["cat.png", "https://example.com/a.png", "clip.mp4"]),
    st.just({}) | st.fixed_dictionaries({"detail": st.sampled_from(["low", "high"])}),
)


def _neighbours_joined(parts: list[Text | Media]) -> list[Text | Media]:
    """Formats with marks in the text cannot tell two neighbouring texts from one."""
    kept: list[Text | Media] = []
    for part in parts:
        if not (kept and isinstance(part, Text) and isinstance(kept[-1], Text)):
            kept.append(part)
    return kept


parts = st.lists(st.builds(Text, texts) | media, min_size=1, max_size=4).map(_neighbours_joined)
mixed_parts = parts.filter(lambda found: any(isinstance(part, Media) for part in found))
text_parts = st.lists(st.builds(Text, texts, st.just({}) | st.just({"cache_control": {}})), min_size=1, max_size=2)
contents = st.one_of(texts, texts, mixed_parts, text_parts, st.none())
said = texts | st.sampled_from(["<think>\nso\n</think>\n\nanswer", "<think>", "a\n<tool_call>{}</tool_call>"])
weights = st.none() | st.sampled_from([0, 1, 0.5])
unknown = names.map("x_{}".format)
extras = st.just({}) | st.dictionaries(
    unknown | st.sampled_from(["value", "from", "content", "output", "tools", "label", "system", "chosen", "weight"]),
    json_values,
    max_size=2,
)
call_extras = st.just({}) | st.fixed_dictionaries(
    {}, optional={"index": st.integers(0, 3), "function": st.just({"x": 1})}
)
calls = st.builds(ToolCall, names, arguments, st.none(), st.none() | names, call_extras)
thoughts = texts | st.sampled_from(["so\n</think>\n\nit is", "</think>"])

users = st.builds(Message, st.just("user"), contents, name=st.none() | names, extra=extras)
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
results = st.builds(Message, st.just("tool"), texts, tool_call_id=st.none() | names)
turns = st.tuples(users, answers).map(list) | st.tuples(users, callers, results, answers).map(list)
conversations = st.lists(turns, min_size=1, max_size=3).map(
    lambda found: [message for turn in found for message in turn]
)
tools = st.lists(
    st.fixed_dictionaries({
        "type": st.just("function"),
        "function": st.fixed_dictionaries({"name": names, "parameters": st.just({"type": "object"})}),
    }),
    max_size=2,
)  # fmt: skip
metas = st.just({}) | st.fixed_dictionaries({"category": names, "id": names})


plain_turns = st.tuples(st.builds(Message, st.just("user"), texts), st.builds(Message, st.just("assistant"), texts))
plain_examples = st.builds(Example, st.lists(plain_turns, min_size=1, max_size=2).map(lambda found: [*sum(found, ())]))


@st.composite
def rich_examples(draw: st.DrawFn, kinds: tuple[str, ...] = ("sft", "pair", "kto")) -> Example:
    """SFT rows, preference pairs and KTO rows, using any feature."""
    messages = draw(st.just([]) | systems.map(lambda message: [message])) + draw(conversations)
    rest = {"tools": draw(tools), "meta": draw(metas), "extra": draw(extras)}
    kind = draw(st.sampled_from(kinds))
    if kind == "pair":
        answer = st.lists(answers, min_size=1, max_size=2)
        return Example(messages[:-1], chosen=draw(answer), rejected=draw(answer), **rest)
    return Example(messages, label=draw(st.booleans()) if kind == "kto" else None, **rest)


def examples_for(format_name: str) -> st.SearchStrategy[Example]:
    """Examples of which the format can hold a good part."""
    return rich_examples(kinds=("pair",)) if format_name == "dpo" else examples()


def examples() -> st.SearchStrategy[Example]:
    """Rows that every format can hold, and rows that use any feature."""
    return plain_examples | rich_examples()
