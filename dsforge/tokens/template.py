"""Chat templates: a conversation as the text a model is trained on, and which stretches of it are trained.

A template marks what the assistant writes with `{% generation %}` ... `{% endgeneration %}`; loss falls
there and nowhere else. Of a template without marks it falls on what each answer adds to the text before it. The text,
the stretches and the tokens are those of `apply_chat_template` in transformers, so they are what TRL would train on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, TypeAlias

from dsforge.errors import RowError
from dsforge.example import JSON, Example, Message
from dsforge.resources import resource
from dsforge.tokens.batches import Batches, ahead

IGNORED = -100
"""The label of a token that is not trained."""

_MARK = re.compile(r"\{%-?\s*generation\s*-?%\}")
_BATCH = 512


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as text; `spans` are the `[start, end)` characters that are trained, in order.

    `left_out` says whether the template dropped something the row says (usually reasoning or tools); `added`
    is what it writes into the trained text on its own (an empty thinking block, say).
    """

    text: str
    spans: list[tuple[int, int]]
    left_out: bool
    added: str = ""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A rendered conversation as tokens; `labels` equals `input_ids` where trained, else IGNORED."""

    rendered: Rendered
    input_ids: list[int]
    labels: list[int]

    @property
    def trained(self) -> int:
        """How many tokens are trained."""
        return len(self.labels) - self.labels.count(IGNORED)


def chatml_template() -> str:
    """Our ChatML template with generation marks: tools, tool calls and reasoning as Qwen writes them."""
    return resource("conf", "train", "chatml.jinja").read_text(encoding="utf-8")


def has_marks(template: str) -> bool:
    """Whether a template says what is trained."""
    return _MARK.search(template) is not None


def _template_message(message: Message, place: str) -> dict[str, JSON]:
    """A message as templates read it: content is text, arguments of tool calls are objects."""
    if message.media:
        raise RowError(f"{place} holds {message.media[0].kind}s; only text is trained", place, "X901")
    role = "system" if message.role == "developer" else message.role
    row: dict[str, JSON] = {"role": role, "content": message.text}
    if message.reasoning is not None:  # some templates (of gpt-oss) call it thinking
        row = {"thinking": message.reasoning, **row, "reasoning_content": message.reasoning}
    if message.tool_calls:
        row["tool_calls"] = [_template_call(message, index, place) for index in range(len(message.tool_calls))]
    if message.tool_call_id is not None:
        row["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        row["name"] = message.name
    return row


def _template_call(message: Message, index: int, place: str) -> dict[str, JSON]:
    call = message.tool_calls[index]
    if call.arguments is None and call.written:
        at = f"{place}/tool_calls/{index}/function/arguments"
        raise RowError(f"the arguments of the call of {call.name!r} are not valid JSON", at, "T206")
    function = {"name": call.name, "arguments": {} if call.arguments is None else call.arguments}
    return {"type": "function", "function": function} | ({"id": call.id} if call.id is not None else {})


def _is_trained(message: Message, place: str) -> bool:
    if message.weight is None or message.weight in (0, 1):
        return message.weight != 0
    raise RowError(f"weight {message.weight:g}: a message is trained (1) or not (0)", f"{place}/weight", "T901")


Renderer: TypeAlias = Callable[[Any, Any, bool, "dict[str, Any]"], "tuple[str, list[tuple[int, int]]]"]
"""Renders a chat with tools, up to where the next answer begins or not, with special tokens by their names."""


def _renderer(template: str) -> Renderer:
    """Renders a chat as transformers does; its function for many chats copies each first, in case it holds objects
    with methods. Messages made here are plain values, so where its inner functions are as they were they are called."""
    from transformers.utils import chat_template_utils as theirs

    compile_template = getattr(theirs, "_compile_jinja_template", None)
    inner: Any = getattr(theirs, "_render_with_assistant_indices", None)
    if compile_template is None or inner is None:

        def render(chat: Any, tools: Any, asks: bool, special: dict[str, Any]) -> tuple[str, list[tuple[int, int]]]:
            texts, spans = theirs.render_jinja_template(
                [chat], tools=tools, chat_template=template, return_assistant_tokens_mask=True,
                add_generation_prompt=asks, **special,
            )  # fmt: skip
            return texts[0], spans[0]

        return render
    compiled = compile_template(template)
    environment = compiled.environment
    of_any, of_dicts = environment.getattr, frozenset(dir(dict))

    def getattr_quickly(value: Any, name: str) -> Any:
        """The sandbox's own answer; of a key of a message without the failing looks for an attribute before it."""
        return value[name] if type(value) is dict and name in value and name not in of_dicts else of_any(value, name)

    environment.getattr = getattr_quickly

    def render_plain(chat: Any, tools: Any, asks: bool, special: dict[str, Any]) -> tuple[str, list[tuple[int, int]]]:
        found: tuple[str, list[tuple[int, int]]] = inner(
            compiled_template=compiled, messages=chat, tools=tools, documents=None, add_generation_prompt=asks,
            **special,
        )  # fmt: skip
        return found

    return render_plain


class ChatTemplate:
    """A tokenizer with the template that it is trained by.

    `tokenizer` is a fast tokenizer of transformers. Where `template` has no generation marks, what an answer adds to
    the text up to where it begins is trained.
    """

    def __init__(self, tokenizer: Any, template: str, origin: str) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self.origin = origin
        self._marked = has_marks(template)
        self._render: Renderer | None = None
        self._special = dict(tokenizer.special_tokens_map)
        self._control = [token for token in tokenizer.all_special_tokens if token]

    def __reduce__(self) -> tuple[type[ChatTemplate], tuple[Any, str, str]]:
        return ChatTemplate, (self.tokenizer, self.template, self.origin)

    @cached_property
    def batches(self) -> Batches:
        """The tokenizer for many texts at a time: made once, as a large vocabulary takes a second."""
        return Batches(self.tokenizer)

    def render(self, example: Example) -> Rendered:
        """The text of a conversation and what of it is trained.

        Raises:
            RowError: nothing in it would be trained, or the template cannot hold it.
        """
        places = [f"/messages/{index}" for index in range(len(example.messages))]
        chat = [_template_message(*pair) for pair in zip(example.messages, places, strict=True)]
        trained = [
            _is_trained(message, place)
            for message, place in zip(example.messages, places, strict=True)
            if message.role == "assistant"
        ]
        if not any(trained):
            what = "no assistant message" if not trained else "every assistant message has weight 0"
            raise RowError(f"{what}: nothing in the row would be trained", "/messages", "T201")
        text, spans = self._apply(chat, example.tools) if self._marked else self._by_prefixes(chat, example.tools)
        if not all(trained):
            spans = _of_weight(spans, trained)
        written = [message for message in example.messages if message.role == "assistant" and message.weight != 0]
        return Rendered(text, spans, leaves_out(example, text), added(written, text, spans))

    def text(
        self, messages: list[Message], places: list[str], tools: list[dict[str, JSON]], *, asks: bool = False
    ) -> str:
        """The text of messages, whatever of it is trained; with `asks` up to where the next answer begins.

        Raises:
            RowError: the template cannot hold them.
        """
        chat = [_template_message(*pair) for pair in zip(messages, places, strict=True)]
        return self._apply(chat, tools, asks)[0]

    def _apply(
        self, chat: list[dict[str, JSON]], tools: list[dict[str, JSON]], asks: bool = False
    ) -> tuple[str, list[tuple[int, int]]]:
        from jinja2.exceptions import TemplateError

        try:
            self._render = self._render or _renderer(self.template)
            text, spans = self._render(chat, tools or None, asks, self._special)
        except (TemplateError, TypeError, ValueError, LookupError) as error:
            raise RowError(f"the chat template refuses the conversation: {error}", "/messages", "T902") from error
        return text, [(start, end) for start, end in spans if end > start]

    def _by_prefixes(
        self, chat: list[dict[str, JSON]], tools: list[dict[str, JSON]]
    ) -> tuple[str, list[tuple[int, int]]]:
        """The text, and for each answer the stretch from where it is asked for to where it ends.

        Both are rendered alone, and have to be beginnings of the whole: else the model would be trained on what it is
        never asked, or would never have written.
        """
        text = self._apply(chat, tools)[0]
        spans = []
        for index, message in enumerate(chat):
            if message["role"] != "assistant":
                continue
            asked, answered = self._apply(chat[:index], tools, True)[0], self._apply(chat[: index + 1], tools)[0]
            place = f"/messages/{index}"
            if not text.startswith(answered):
                what = "writes the conversation up to here otherwise once it goes on"
                raise RowError(f"the chat template has no generation marks and {what}", place, "T902")
            if not answered.startswith(asked):
                what = "asks for the answer in other words than stand before it"
                raise RowError(f"the chat template has no generation marks and {what}", place, "T902")
            if asked == self._apply(chat[:index], tools)[0] and not _begins_with(message, answered[len(asked) :]):
                what = "no words that ask for an answer, so where it begins cannot be told"
                raise RowError(f"the chat template has no generation marks and {what}", place, "T902")
            spans.append((len(asked), len(answered)))
        return text, spans

    def encode(self, rendered: Iterable[Rendered]) -> Iterator[Encoded]:
        """Tokens and labels of rendered conversations, in order."""
        source = iter(rendered)
        batches: Iterator[list[Rendered]] = iter(lambda: list(islice(source, _BATCH)), [])
        tokens = self.batches.tokens
        for batch, encoded in ahead(lambda batch: tokens([item.text for item in batch]), batches):
            for item, (ids, token_at) in zip(batch, encoded, strict=True):
                yield Encoded(item, ids, _labels(ids, item.spans, token_at))

    def trains_the_stop(self, rendered: Rendered) -> bool:
        """Whether the first trained stretch ends with a special token: if not, the model never learns to stop."""
        start, end = rendered.spans[0]
        return rendered.text[start:end].rstrip().endswith(tuple(self.tokenizer.added_tokens_encoder))

    def control_tokens_in(self, example: Example) -> bool:
        """Whether a message spells out a special token of the template, which would become a real one."""
        texts = [message.text for message in example.all_messages()]
        return any(token in text for text in texts for token in self._control)


def added(written: list[Message], text: str, spans: list[tuple[int, int]]) -> str:
    """What is trained of the first stretch but stands in none of the messages; "" where that cannot be told."""
    if not spans or not written or written[0].tool_calls or written[0].reasoning or not written[0].text.strip():
        return ""
    before, found, _ = text[slice(*spans[0])].partition(written[0].text.strip())
    return before.strip() if found else ""


def leaves_out(example: Example, text: str) -> bool:
    """Whether something that a conversation says is not in its text."""
    return any(piece not in text and piece.strip() not in text for piece in _said(example))


def _said(example: Example) -> Iterator[str]:
    """Every stretch that has to be found again in the rendered text; names stand for tools and their calls."""
    for message in example.messages:
        yield message.text
        if message.reasoning:
            yield message.reasoning
        for call in message.tool_calls:
            yield call.name
    for tool in example.tools:
        function = tool.get("function", tool)
        name = function.get("name") if isinstance(function, dict) else None
        yield name if isinstance(name, str) else ""


def _begins_with(message: dict[str, JSON], text: str) -> bool:
    """Whether a text begins with what a message says."""
    said = (str(message.get(name) or "").strip() for name in ("reasoning_content", "content"))
    return any(words and text.lstrip().startswith(words) for words in said)


def _of_weight(spans: list[tuple[int, int]], trained: list[bool]) -> list[tuple[int, int]]:
    if len(spans) != len(trained):
        raise RowError(
            f"{len(trained)} assistant messages have weights, but the chat template marks {len(spans)} stretches: "
            "which message is which cannot be told",
            "/messages",
            "T901",
        )
    return [span for span, wanted in zip(spans, trained, strict=True) if wanted]


def _labels(ids: list[int], spans: list[tuple[int, int]], token_at: Callable[[int], int | None]) -> list[int]:
    labels = [IGNORED] * len(ids)
    for start, end in spans:
        first, last = token_at(start), token_at(end - 1)
        if first is None:
            continue
        stop = len(ids) if last is None else last + 1
        labels[first:stop] = ids[first:stop]
    return labels
