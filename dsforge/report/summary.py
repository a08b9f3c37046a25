"""What a dataset holds, in a few kilobytes: counts and histograms that parts of a file gather and then merge."""

from __future__ import annotations

from collections.abc import Sequence
from operator import add

import msgspec

from dsforge.example import ROLES, Example, Message
from dsforge.report.histogram import BIN_OF, bin_of, empty
from dsforge.report.script import script_of
from dsforge.report.tally import Tally

_TABLED = len(BIN_OF)
_SYSTEM, _REASONING, _TOOLS, _IMAGES, _LOOK = 1, 2, 4, 8, 16  # _LOOK: not plain ASCII, so its script is looked for


def _no_roles() -> dict[str, int]:
    return dict.fromkeys(ROLES, 0)


class Summary(msgspec.Struct):
    """Counts of decoded rows. Merged in any order, the parts of a dataset give what one pass over it gives.

    Characters are those of contents and reasoning; tool calls and definitions are not text and do not count. The
    `completion` is what is trained: the assistant's messages whose weight is not 0, of a preference pair the chosen
    answer; the `prompt` is the rest, without a pair's rejected answers. `characters` counts all of them. `turns` are
    the messages a trainer sees in one sequence. Of `pairs`, `chosen_longer` and `same_length` compare characters.
    The lists are histograms as of dsforge.report.histogram; `tokens` has the rows whose tokens were counted.
    """

    rows: int = 0
    total_characters: int = 0
    total_tokens: int = 0
    characters: list[int] = msgspec.field(default_factory=empty)
    prompt: list[int] = msgspec.field(default_factory=empty)
    completion: list[int] = msgspec.field(default_factory=empty)
    turns: list[int] = msgspec.field(default_factory=empty)
    tokens: list[int] = msgspec.field(default_factory=empty)
    chosen: list[int] = msgspec.field(default_factory=empty)
    rejected: list[int] = msgspec.field(default_factory=empty)
    pairs: int = 0
    chosen_longer: int = 0
    same_length: int = 0
    labels_true: int = 0
    labels_false: int = 0
    with_tools: int = 0
    with_images: int = 0
    with_reasoning: int = 0
    with_system: int = 0
    formats: dict[str, int] = {}
    roles: dict[str, int] = msgspec.field(default_factory=_no_roles)
    scripts: dict[str, int] = {}
    categories: Tally = msgspec.field(default_factory=Tally)

    def add(self, example: Example, format_name: str, tokens: int | None = None) -> None:
        """Count one row."""
        prompt, completion, marks = self._read(example.messages)
        total, turns = prompt + completion, len(example.messages)
        if example.chosen is not None and example.rejected is not None:
            turns += len(example.chosen)
            prompt = total
            completion, rejected, more = self._read_answers(example, example.chosen, example.rejected)
            total, marks = total + rejected, marks | more
        script = script_of(_text(example)) if marks & _LOOK else "Latin"
        self.rows += 1
        self.total_characters += total
        self.formats[format_name] = self.formats.get(format_name, 0) + 1
        self.scripts[script] = self.scripts.get(script, 0) + 1
        self.turns[BIN_OF[turns] if turns < _TABLED else bin_of(turns)] += 1
        self.prompt[BIN_OF[prompt] if prompt < _TABLED else bin_of(prompt)] += 1
        self.completion[BIN_OF[completion] if completion < _TABLED else bin_of(completion)] += 1
        self.characters[BIN_OF[total] if total < _TABLED else bin_of(total)] += 1
        if tokens is not None:
            self.total_tokens += tokens
            self.tokens[bin_of(tokens)] += 1
        if marks or example.tools:
            self._mark(marks | _TOOLS if example.tools else marks)
        if example.label is not None:
            self.labels_true += example.label
            self.labels_false += not example.label
        if example.meta and isinstance(category := example.meta.get("category"), str):
            self.categories.add(category)

    def _read(self, messages: Sequence[Message]) -> tuple[int, int, int]:
        """`(characters of the prompt, of the completion, marks)` of a conversation; its roles are counted.

        Runs on every row of a dataset, so what is rare stands last and nothing is called twice.
        """
        prompt = completion = marks = 0
        roles = self.roles
        for message in messages:
            content = message.content
            if isinstance(content, str):
                size = len(content)
                if not content.isascii():
                    marks |= _LOOK
            elif content is None:
                size = 0
            else:
                size = len(message.text)
                marks |= _LOOK
                if any(media.kind == "image" for media in message.media):
                    marks |= _IMAGES
            role = message.role
            roles[role] += 1
            if role == "user":
                prompt += size
            elif role == "assistant":
                if message.reasoning:
                    size += len(message.reasoning)
                    marks |= _REASONING | _LOOK
                if message.tool_calls:
                    marks |= _TOOLS
                if message.weight == 0:
                    prompt += size
                else:
                    completion += size
            else:
                prompt += size
                if role != "tool":
                    marks |= _SYSTEM
        return prompt, completion, marks

    def _read_answers(
        self, example: Example, chosen: Sequence[Message], rejected: Sequence[Message]
    ) -> tuple[int, int, int]:
        """`(characters of the chosen answer, of all answers, marks)` of a preference pair; the two are compared."""
        sizes = []
        marks = 0
        for answer in (chosen, rejected, *example.between):
            prompt, completion, more = self._read(answer)
            sizes.append(prompt + completion)
            marks |= more
        self.pairs += 1
        self.chosen[bin_of(sizes[0])] += 1
        self.rejected[bin_of(sizes[1])] += 1
        self.chosen_longer += sizes[0] > sizes[1]
        self.same_length += sizes[0] == sizes[1]
        return sizes[0], sum(sizes), marks

    def _mark(self, marks: int) -> None:
        self.with_system += bool(marks & _SYSTEM)
        self.with_reasoning += bool(marks & _REASONING)
        self.with_tools += bool(marks & _TOOLS)
        self.with_images += bool(marks & _IMAGES)

    def merge(self, other: Summary) -> None:
        """Add what another counted."""
        for name in self.__struct_fields__:
            mine, more = getattr(self, name), getattr(other, name)
            if isinstance(mine, int):
                setattr(self, name, mine + more)
            elif isinstance(mine, list):
                mine[:] = map(add, mine, more)
            elif isinstance(mine, dict):
                for key, count in more.items():
                    mine[key] = mine.get(key, 0) + count
            else:
                mine.merge(more)


def _text(example: Example) -> str:
    """All that the messages of an example say."""
    return "".join(text for message in example.all_messages() for text in (message.text, message.reasoning or ""))
