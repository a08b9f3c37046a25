"""Argilla: a dataset in a folder, as `rg.Dataset.from_disk(FOLDER, name=..., client=...)` reads it; responses back.

What `dataset.records.to_json(FILE)` or `dataset.to_disk(FOLDER)` wrote is read. Source of the form: argilla 2.8.0,
whose own code reads it in the tests; read 2026-11-27.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dsforge.example import JSON
from dsforge.review.decision import Accept, Action, Categorise, Edit, Prefer, Reject
from dsforge.review.review import Review
from dsforge.review.tool import (
    Brought,
    Did,
    Sent,
    Task,
    Tool,
    brought,
    new_folder,
    read_list,
    seconds,
    tasks,
    write_json,
)

_FIRST, _SECOND = "first is better", "second is better"
_VERDICTS = ("accept", "reject")
_PREFERENCES = (_FIRST, _SECOND, "tie", "both bad")
_LONGEST_ID = 200
_GUIDELINES = (
    "Accept a row that is good as it stands, or once its last answer is written anew; reject it with a reason. Of a "
    "pair say which answer is better."
)


def _record(task: Task, number: int) -> dict[str, JSON]:
    first, second = task.sides if task.is_pair else ("", "")
    fields: dict[str, JSON] = {"conversation": [{"role": turn.role, "content": turn.text} for turn in task.turns]}
    if task.is_pair:
        fields |= {"first": first, "second": second}
    suggestions: dict[str, JSON] = {}
    if task.codes:
        suggestions["findings"] = {"value": list(task.codes), "score": None, "agent": "dsforge lint"}
    if task.category:
        suggestions["category"] = {"value": task.category, "score": None, "agent": None}
    if task.answer:
        suggestions["answer"] = {"value": task.answer.text, "score": None, "agent": None}
    metadata = {
        "row": number, "key": task.original.key, "chosen_first": str(task.chosen_first).lower(),
        "answer_at": task.answer.message if task.answer else -1, "notes": task.notes,
    }  # fmt: skip
    return {
        "id": task.original.key[:_LONGEST_ID], "fields": fields, "metadata": metadata, "suggestions": suggestions,
        "responses": {}, "vectors": {}, "status": "pending", "_server_id": None,
    }  # fmt: skip


def _field(name: str, title: str, kind: str, required: bool) -> JSON:
    settings = {"type": kind, "use_markdown": kind == "chat"}
    return {"name": name, "title": title, "required": required, "description": None, "settings": settings}


def _question(name: str, title: str, settings: Mapping[str, JSON]) -> JSON:
    return {"name": name, "title": title, "description": None, "required": False, "settings": dict(settings)}


def _options(values: Sequence[str]) -> list[JSON]:
    return [{"text": value, "value": value} for value in values]


def _settings(codes: Sequence[str], pairs: bool, chats: bool) -> JSON:
    fields = [_field("conversation", "Conversation", "chat", required=True)]
    questions: list[JSON] = []
    text = {"type": "text", "use_markdown": False}
    if pairs:
        fields += [_field("first", "First answer", "text", required=False),
                   _field("second", "Second answer", "text", required=False)]  # fmt: skip
        one_of = {"type": "label_selection", "options": _options(_PREFERENCES), "visible_options": None}
        questions.append(_question("preference", "Which answer is better?", one_of))
    if chats:
        questions.append(_question("answer", "The last answer, written anew where it should be", text))
    verdicts = {"type": "label_selection", "options": _options(_VERDICTS), "visible_options": None}
    questions += [
        _question("verdict", "Verdict", verdicts),
        _question("reason", "Why it is rejected", text),
        _question("category", "Category", text),
    ]
    if len(codes) > 1:  # a choice of one is none that Argilla takes
        several = {"type": "multi_label_selection", "options": _options(codes), "visible_options": None,
                   "options_order": "natural"}  # fmt: skip
        questions.append(_question("findings", "What lint found", several))
    return {
        "guidelines": _GUIDELINES, "fields": fields, "questions": questions, "vectors": [],
        "metadata": [{"name": "row", "title": "row", "visible_for_annotators": True,
                      "settings": {"type": "integer", "min": None, "max": None, "visible_for_annotators": True}}],
        "allow_extra_metadata": True, "distribution": {"strategy": "overlap", "min_submitted": 1}, "mapping": None,
    }  # fmt: skip


def _write(review: Review, output: Path) -> Sent:
    sent = Sent()
    records: list[dict[str, JSON]] = []
    codes: set[str] = set()
    kinds: set[bool] = set()
    for task in tasks(review, sent):
        records.append(_record(task, task.original.number))
        codes.update(task.codes)
        kinds.add(task.is_pair)
    if len(codes) < 2:
        for record in records:
            record["suggestions"].pop("findings", None)
    new_folder(output)
    (output / ".argilla").mkdir()
    files = {
        output / ".argilla" / "dataset.json": {"name": Path(review.path).stem, "allow_extra_metadata": True},
        output / ".argilla" / "settings.json": _settings(sorted(codes), True in kinds, False in kinds),
        output / "records.json": records,
    }
    for path, value in files.items():
        write_json(path, value)
        sent.files.append(path)
    return sent


def _read(review: Review, source: Path, annotator: str) -> Brought:
    path = source / "records.json" if source.is_dir() else source
    records = read_list(path, "what dataset.records.to_json(FILE) writes")
    passed_over: Counter[str] = Counter()
    return brought(review, TOOL.name, _all_done(records, annotator, passed_over), passed_over)


def _all_done(records: Sequence[JSON], annotator: str, passed_over: Counter[str]) -> Iterator[Did]:
    for record in records:
        metadata = record.get("metadata") if isinstance(record, Mapping) else None
        if not isinstance(metadata, Mapping) or not isinstance(metadata.get("key"), str):
            passed_over["a record that is none of ours: it has no metadata.key"] += 1
            continue
        try:
            done = _done(record, metadata)
        except (AttributeError, TypeError, KeyError, ValueError):
            passed_over["a record in a form that is not known"] += 1
            continue
        for user, actions in done.items():
            if not actions:
                passed_over["a response that says nothing"] += 1
                continue
            yield Did(metadata["key"], annotator or f"argilla-{user}", seconds(record.get("updated_at")), actions)


def _done(record: Mapping[str, JSON], metadata: Mapping[str, JSON]) -> dict[str, list[Action]]:
    """What each user did to a row."""
    by_user: defaultdict[str, dict[str, JSON]] = defaultdict(dict)
    for question, responses in (record.get("responses") or {}).items():
        for response in responses:
            by_user[str(response.get("user_id"))][question] = response.get("value")
    return {user: list(_actions(record, metadata, said)) for user, said in by_user.items()}


def _actions(record: Mapping[str, JSON], metadata: Mapping[str, JSON], said: Mapping[str, JSON]) -> Iterator[Action]:
    """What a response says, changes first and the verdict last."""
    suggested = {
        name: each.get("value") for name, each in (record.get("suggestions") or {}).items() if isinstance(each, Mapping)
    }
    answer, at = said.get("answer"), metadata.get("answer_at", -1)
    if isinstance(answer, str) and answer != suggested.get("answer") and isinstance(at, int) and at >= 0:
        yield Edit(at, answer)
    category = said.get("category")
    if isinstance(category, str) and category != suggested.get("category", ""):
        yield Categorise(category)
    preference = said.get("preference")
    if said.get("verdict") == "reject":
        yield Reject(str(said.get("reason") or ""))
    elif preference in (_FIRST, _SECOND):
        yield Prefer("chosen" if (preference == _FIRST) == (metadata.get("chosen_first") == "true") else "rejected")
    elif preference == "tie":
        yield Prefer("tie")
    elif preference == "both bad":
        yield Prefer("both bad")
    elif said.get("verdict") == "accept":
        yield Accept()


TOOL = Tool(
    name="argilla",
    summary="a dataset that rg.Dataset.from_disk reads, findings as suggestions; responses back",
    write=_write,
    read=_read,
)
