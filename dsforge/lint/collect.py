"""Gathers the facts of one chunk of rows."""

from __future__ import annotations

from dsforge.example import Example
from dsforge.io.rows import Row
from dsforge.lint.facts import Facts, Need, Settings
from dsforge.similarity.compared import compared
from dsforge.similarity.key import exact_key

_BATCH = 512


class Collector:
    """Takes rows one by one; `finish` gives the facts."""

    def __init__(self, path: str, needs: frozenset[Need], settings: Settings) -> None:
        self._path = path
        self._needs = needs
        self._settings = settings
        self._facts = Facts()
        self._to_count: list[Example] = []  # tokens are counted many rows at a time

    def add(self, row: Row, format_name: str, example: Example) -> None:
        """Note the facts of one decoded row."""
        facts = self._facts
        facts.path.append(self._path)
        facts.row.append(row.number)
        facts.line.append(row.line)
        facts.column.append(row.column)
        facts.format.append(format_name)
        category = example.meta.get("category")
        facts.category.append(category if isinstance(category, str) else None)
        facts.preference.append(example.is_preference)
        if "keys" in self._needs or "documents" in self._needs:
            self._compare(example)
        if "tokens" in self._needs and self._settings.max_tokens is not None:
            self._to_count.append(example)
            if len(self._to_count) == _BATCH:
                self._count()

    def _count(self) -> None:
        from dsforge.tokens.counter import DEFAULT, get_counter
        from dsforge.tokens.rows import count_examples

        counter = get_counter(self._settings.tokenizer or DEFAULT)
        self._facts.tokenizer = counter.name if counter.exact else f"{counter.name}, +-{counter.error:.0%}"
        self._facts.tokens += [row.longest for row in count_examples(self._to_count, counter)]
        self._to_count.clear()

    def _compare(self, example: Example) -> None:
        document = compared(example)
        if "keys" in self._needs:
            self._facts.prompt_key.append(exact_key(f"{document.guard.hex()} {document.parts[0]}"))
            self._facts.key.append(document.key)
        if "documents" in self._needs:
            self._facts.documents.append(document)

    def finish(self) -> Facts:
        """The facts of all rows added."""
        if self._to_count:
            self._count()
        return self._facts
