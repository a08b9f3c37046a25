"""Gathers the facts of one chunk of rows."""

from __future__ import annotations

from functools import lru_cache
from zlib import crc32

from dsforge.example import JSON, Example, Message
from dsforge.io.rows import Row
from dsforge.lint.facts import NO_LABEL, Facts, Need, Settings
from dsforge.lint.rules.balance.scripts import script_number
from dsforge.lint.rules.length.endings import ending_of
from dsforge.similarity.compared import compared, keys, prompt_key

_BATCH = 512
_OPENING, _QUESTION = 32, 200
_TEXTS: frozenset[Need] = frozenset({"lengths", "answers", "systems", "questions"})


class Collector:
    """Takes rows one by one; `finish` gives the facts."""

    def __init__(self, path: str, needs: frozenset[Need], settings: Settings) -> None:
        self._path = path
        self._needs = needs
        self._settings = settings
        self._facts = Facts()
        self._to_count: list[Example] = []  # tokens are counted many rows at a time
        self._compares = bool(needs & {"keys", "documents"})
        self._counts = "tokens" in needs and settings.max_tokens is not None
        self._reads = bool(needs & _TEXTS)
        self._category = settings.category_field.split(".")

    def add(self, row: Row, format_name: str, example: Example, waived: frozenset[str] = frozenset()) -> None:
        """Note the facts of one decoded row, and the codes that it waives."""
        facts = self._facts
        if waived:
            facts.waived[len(facts)] = sorted(waived)
        facts.path.append(self._path)
        facts.row.append(row.number)
        facts.line.append(row.line)
        facts.column.append(row.column)
        facts.format.append(format_name)
        facts.category.append(_category(example, self._category) if example.meta or example.extra else None)
        facts.preference.append(example.is_preference)
        facts.label.append(NO_LABEL if example.label is None else example.label)
        if self._compares:
            self._compare(example)
        if self._reads:
            self._read(example)
        if self._counts:
            self._to_count.append(example)
            if len(self._to_count) == _BATCH:
                self._count()

    def _count(self) -> None:
        from dsforge.tokens.counter import DEFAULT, get_counter
        from dsforge.tokens.rows import count_examples

        counter = get_counter(self._settings.tokenizer or DEFAULT)
        self._facts.tokenizer = counter.name if counter.exact else f"{counter.name}, +-{counter.error:.0%}"
        for row, example in zip(count_examples(self._to_count, counter), self._to_count, strict=True):
            self._facts.tokens.append(row.longest)
            self._facts.prompt_tokens.append(row.shared if row.pair else row.longest - row.trained)
            answers = sum(message.role == "assistant" and message.weight != 0 for message in example.messages)
            self._facts.answers.append(1 if row.pair else min(answers, 255))
        self._to_count.clear()

    def _read(self, example: Example) -> None:
        """Note what the texts of a row say; runs on every row of a dataset, so nothing is looked at twice."""
        facts, needs = self._facts, self._needs
        prompt = completion = rejected = 0
        system = question = answer = ""
        last: Message | None = None
        for message in example.messages:
            content, role = message.content, message.role
            text = content if content.__class__ is str else message.text
            if role == "assistant":
                completion += len(text)
                answer, last = text, message
            else:
                prompt += len(text)
                if role == "user":
                    question = text
                elif role != "tool":
                    system = text
        if example.chosen is not None and example.rejected is not None:
            prompt += completion
            completion = sum([len(message.text) for message in example.chosen])
            rejected = sum([len(message.text) for message in example.rejected])
            last = example.chosen[-1] if example.chosen else None
            answer = last.text if last else ""
        if "lengths" in needs:
            facts.prompt_characters.append(prompt)
            facts.completion_characters.append(completion)
            facts.rejected_characters.append(rejected)
        if "answers" in needs:
            facts.answer_key.append(crc32(answer.encode("utf-8", "surrogatepass")))
            facts.opening.append(answer[:_OPENING])
            facts.script.append(script_number(question))
            facts.ending.append(ending_of(answer))
            facts.reasons.append(last is not None and (bool(last.reasoning) or answer.startswith("<think>")))
        if "systems" in needs:
            exact, look = _system_keys(system)
            facts.system.append(exact)
            facts.system_look.append(look)
        if "questions" in needs:
            facts.question.append(question[:_QUESTION])

    def _compare(self, example: Example) -> None:
        facts = self._facts
        if "documents" in self._needs:
            document = compared(example)
            facts.documents.append(document)
            asked, whole = (int.from_bytes(key[:8], "big") for key in (prompt_key(document), document.key))
        else:
            asked, whole = keys(example)
        if "keys" in self._needs:
            facts.prompt_key.append(asked)
            facts.key.append(whole)

    def finish(self) -> Facts:
        """The facts of all rows added."""
        if self._to_count:
            self._count()
        return self._facts


@lru_cache(maxsize=1024)
def _system_keys(text: str) -> tuple[int, int]:
    """`(key of a system prompt, key of its letters and digits alone)`, 0 where there is none."""
    if not text:
        return 0, 0
    look = "".join(filter(str.isalnum, text.casefold()))
    return crc32(text.encode("utf-8", "surrogatepass")) or 1, crc32(look.encode("utf-8", "surrogatepass")) or 1


def _category(example: Example, path: list[str]) -> str | None:
    """The category of a row, by the field that names it; None where it has none."""
    value: JSON = example.meta.get(path[0], example.extra.get(path[0]))
    for name in path[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, (str, int)):
        return value if isinstance(value, str) else str(value)
    return None
