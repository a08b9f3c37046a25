"""Back-translate: the last user message into another language and back, so that it says the same in other words."""

from __future__ import annotations

from collections.abc import Mapping

from dsforge.augment.answer_json import fields_in, schema_of_fields
from dsforge.augment.method import Ask, Method, Steps, Unusable
from dsforge.augment.methods.paraphrase import METHOD as PARAPHRASE
from dsforge.augment.turns import has_han, language_of
from dsforge.augment.wish import Wish
from dsforge.example import Example

_FIELDS = ("language", "text")
"""What both questions ask for: the language that the text was in, named by the model, and the text in the other one."""


def _show(example: Example) -> Mapping[str, object]:
    shown = PARAPHRASE.show(example)
    return {"input": shown["input"], "language": shown["language"]}


def _question(text: str, to: str, to_name: str) -> Ask:
    def read(answer: str) -> tuple[str, str]:
        language, translated = fields_in(answer, _FIELDS)
        if to and not (has_han(translated) if to == "zh" else language_of(translated) != "zh"):
            raise Unusable("not in the language wanted")
        return language, translated

    values = {"message": text, "to": to, "to_name": to_name}
    return Ask(read, text, ("English", text), values, schema=METHOD.schema)


def _steps(example: Example, number: int, wish: Wish) -> Steps:
    assert PARAPHRASE.write is not None
    text = PARAPHRASE.text(example)
    through = "en" if language_of(text) == "zh" else "zh"
    answers: list[tuple[str, str]] = yield [_question(text, through, "")]
    language, there = answers[0]
    answers = yield [_question(there, "zh" if through == "en" else "", language)]
    return PARAPHRASE.write(example, answers[0][1])


METHOD = Method(
    name="back-translate",
    summary="the last user message into another language and back",
    variables=frozenset({"message", "input", "language", "to", "to_name"}),
    show=_show,
    text=PARAPHRASE.text,
    steps=_steps,
    schema=schema_of_fields(_FIELDS),
)
