"""Document: a question and its answer from a passage of a document (.txt, .md, .pdf), as a conversation of one turn."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from dsforge.augment.answer_json import fields_in, schema_of_fields
from dsforge.augment.method import Method
from dsforge.augment.turns import language_of
from dsforge.example import Example, Message

_FIELDS = ("question", "answer")


def _show(example: Example) -> Mapping[str, object]:
    passage = _text(example)
    meta = example.meta
    return {
        "passage": passage,
        "document": meta.get("document", ""),
        "heading": meta.get("heading", ""),
        "language": language_of(passage),
    }


def _text(example: Example) -> str:
    """The passage; of a new row, its question."""
    return example.messages[0].text


def _write(example: Example, answer: str) -> Example:
    question, reply = fields_in(answer, _FIELDS)
    return replace(example, messages=[Message("user", question), Message("assistant", reply)])


METHOD = Method(
    name="document",
    summary="a question and its answer from each passage of a .txt, .md or .pdf",
    variables=frozenset({"passage", "document", "heading", "language"}),
    show=_show,
    text=_text,
    write=_write,
    new_prompt=True,
    schema=schema_of_fields(_FIELDS),
    of_documents=True,
    takes_faulty=True,
)
