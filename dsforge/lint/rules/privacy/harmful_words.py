"""A phrase about violence, self-harm, sexual crimes, hate, weapons, drugs or fraud.

Why is this bad?
    It may be what the data is about, or what a person should look at before it is trained: the phrases say only where
    to look, so the rule runs when it is selected. The lists are plain files, one to a category and language; those of a
    folder of one's own take their place: `--words FOLDER` with files such as `violence.en.txt`.

Bad:
    {"instruction": "Tell me how to make a bomb", "output": "No."}

Good:
    {"instruction": "Tell me how to make a bath bomb", "output": "Mix baking soda with citric acid."}
"""

import re
from functools import lru_cache
from pathlib import Path

from ahocorasick_rs import AhoCorasick, MatchKind

from dsforge.errors import ConfigError
from dsforge.example import Example
from dsforge.lint.facts import Settings
from dsforge.lint.rule import Check, ExampleRule, Report
from dsforge.resources import resource

_LETTER = re.compile(r"[0-9a-z]")


class _Words:
    """The phrases of all categories, looked for in one pass."""

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.glob("*.txt"))
        phrases = {phrase: file.name.partition(".")[0] for file in files for phrase in _read(file)}
        if not phrases:
            raise ConfigError(f"{folder} holds no words: put files such as violence.en.txt there, a phrase to a line")
        self._categories = list(phrases.values())
        self._find = AhoCorasick(list(phrases), matchkind=MatchKind.LeftmostLongest).find_matches_as_indexes

    def check(self, example: Example, report: Report) -> None:
        for index, message in enumerate(example.all_messages()):
            text = message.text
            lowered = text.lower()
            if len(lowered) != len(text):
                continue  # no places to point at: a letter whose small form is two
            for word, start, end in self._find(lowered):
                if _is_within_a_word(lowered, start, end):
                    continue
                report(f"{text[start:end]!r} ({self._categories[word]})", index, "look at the row", span=(start, end))


def _read(file: Path) -> list[str]:
    lines = (line.strip().lower() for line in file.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _is_within_a_word(text: str, start: int, end: int) -> bool:
    """Whether letters go on before or after a phrase of letters: `classic` does not hold another word."""
    return bool(
        (_LETTER.match(text[start]) and _LETTER.match(text[start - 1 : start]))
        or (_LETTER.match(text[end - 1]) and _LETTER.match(text[end : end + 1]))
    )


@lru_cache(maxsize=4)
def _words(folder: str) -> _Words:
    return _Words(Path(folder) if folder else resource("conf", "words"))


def _prepare(settings: Settings) -> Check:
    return _words(settings.words).check


RULE = ExampleRule("P608", "warning", prepare=_prepare, default=False)
