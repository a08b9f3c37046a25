"""Label Studio: tasks with lint's findings as predictions, a labelling configuration, and annotations back.

A folder is written: `chat.json` and `chat.xml` for conversations, `pairs.json` and `pairs.xml` for preference pairs; a
project takes one of each (Settings > Labeling Interface > Code, then Import). Its export in the form JSON is read.
Offsets in its texts count UTF-16 code units, as its page does. Source of the forms: labelstud.io/guide/task_format and
/tags, and label-studio-sdk 2.1.2, which checks them in the tests; read 2026-11-27.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

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

_ACCEPT, _REJECT, _TIE, _BOTH_BAD = "accept", "reject", "tie", "both bad"
_VERSION = "dsforge lint"


def _utf16(text: str, end: int) -> int:
    return len(text[:end].encode("utf-16-le", "surrogatepass")) // 2


def _regions(task: Task) -> list[JSON]:
    """The findings of a row, as regions of its conversation."""
    regions: list[JSON] = []
    for number, span in enumerate(task.spans):
        text = task.turns[span.turn].text
        value = {
            "start": str(span.turn), "end": str(span.turn), "startOffset": _utf16(text, span.start),
            "endOffset": _utf16(text, span.end), "text": text[span.start : span.end], "paragraphlabels": [span.label],
        }  # fmt: skip
        regions.append(
            {"id": f"finding-{number}", "from_name": "finding", "to_name": "conversation", "type": "paragraphlabels",
             "value": value}
        )  # fmt: skip
    return regions


def _task(task: Task) -> JSON:
    data: dict[str, JSON] = {
        "key": task.original.key,
        "title": task.title,
        "conversation": [{"role": turn.role, "text": turn.text} for turn in task.turns],
        "category": task.category,
        "notes": task.notes or "nothing",
    }
    if task.is_pair:
        data["first"], data["second"] = task.sides
        data["chosen_first"] = task.chosen_first
    else:
        data["answer"] = task.answer.text if task.answer else ""
        data["answer_at"] = task.answer.message if task.answer else -1
    regions = _regions(task)
    return {"data": data, "predictions": [{"model_version": _VERSION, "result": regions}] if regions else []}


def _config(labels: Sequence[str], pairs: bool) -> str:
    """The labelling configuration, as XML."""
    findings = "".join(f"    <Label value={quoteattr(label)}/>\n" for label in labels)
    shown = (
        f'  <ParagraphLabels name="finding" toName="conversation">\n{findings}  </ParagraphLabels>\n' if labels else ""
    )
    choices = (_TIE, _BOTH_BAD, _REJECT) if pairs else (_ACCEPT, _REJECT)
    verdicts = "".join(f'    <Choice value="{choice}"/>\n' for choice in choices)
    answers = (
        '  <Pairwise name="better" toName="first,second"/>\n'
        '  <Text name="first" value="$first"/>\n'
        '  <Text name="second" value="$second"/>\n'
        if pairs
        else '  <Header value="The last answer, to be written anew where it should be:"/>\n'
        '  <TextArea name="answer" toName="conversation" value="$answer" editable="true" maxSubmissions="1"'
        ' rows="8"/>\n'
    )
    return (
        "<View>\n"
        '  <Header value="$title"/>\n'
        f"{shown}"
        '  <Paragraphs name="conversation" value="$conversation" layout="dialogue" nameKey="role" textKey="text"/>\n'
        '  <Header value="What lint found:"/>\n'
        '  <Text name="notes" value="$notes"/>\n'
        f"{answers}"
        f'  <Choices name="verdict" toName="conversation" choice="single" showInLine="true">\n{verdicts}  </Choices>\n'
        '  <TextArea name="reason" toName="conversation" placeholder="why it is rejected" maxSubmissions="1"'
        ' rows="1"/>\n'
        '  <TextArea name="category" toName="conversation" value="$category" maxSubmissions="1" rows="1"/>\n'
        "</View>\n"
    )


def _write(review: Review, output: Path) -> Sent:
    sent = Sent()
    kinds: dict[str, list[JSON]] = {"chat": [], "pairs": []}
    labels: dict[str, set[str]] = {"chat": set(), "pairs": set()}
    for task in tasks(review, sent):
        kind = "pairs" if task.is_pair else "chat"
        kinds[kind].append(_task(task))
        labels[kind].update(span.label for span in task.spans)
    new_folder(output)
    for kind, rows in kinds.items():
        if not rows:
            continue
        write_json(output / f"{kind}.json", rows)
        config = output / f"{kind}.xml"
        config.write_text(_config(sorted(labels[kind]), kind == "pairs"), encoding="utf-8")
        sent.files += [output / f"{kind}.json", config]
    return sent


def _read(review: Review, source: Path, annotator: str) -> Brought:
    exported = read_list(source, "an export of Label Studio in the form JSON")
    passed_over: Counter[str] = Counter()
    return brought(review, TOOL.name, _all_done(exported, annotator, passed_over), passed_over)


def _all_done(exported: Sequence[JSON], annotator: str, passed_over: Counter[str]) -> Iterator[Did]:
    for task in exported:
        data = task.get("data") if isinstance(task, Mapping) else None
        if not isinstance(data, Mapping) or not isinstance(data.get("key"), str):
            passed_over["a task that is none of ours: it has no data.key"] += 1
            continue
        annotations = task.get("annotations") or []
        for annotation in annotations if isinstance(annotations, list) else [None]:
            try:
                done = _done(data, annotation, annotator)
            except (AttributeError, TypeError, KeyError, ValueError):
                passed_over["an annotation in a form that is not known"] += 1
                continue
            if isinstance(done, str):
                passed_over[done] += 1
            else:
                yield done


def _done(data: Mapping[str, JSON], annotation: JSON, annotator: str) -> Did | str:
    """What an annotation says, or why it says nothing."""
    if annotation.get("was_cancelled"):
        return "an annotation that was skipped"
    actions = list(_actions(data, annotation.get("result") or []))
    if not actions:
        return "an annotation that says nothing"
    time = seconds(annotation.get("updated_at") or annotation.get("created_at"))
    return Did(data["key"], _who(annotation, annotator), time, actions)


def _who(annotation: Mapping[str, JSON], annotator: str) -> str:
    """The name of who annotated: the address or the number of the user, unless one name is given for all."""
    by = annotation.get("completed_by")
    if annotator:
        return annotator
    if isinstance(by, Mapping):
        return str(by.get("email") or by.get("username") or by.get("id"))
    return f"user-{by}"


def _actions(data: Mapping[str, JSON], results: Sequence[JSON]) -> Iterator[Action]:
    """What an annotation says, changes first and the verdict last."""
    said = {str(result.get("from_name")): result.get("value") or {} for result in results}
    answer, category = _text(said, "answer"), _text(said, "category")
    if answer is not None and answer != data.get("answer") and data.get("answer_at", -1) >= 0:
        yield Edit(data["answer_at"], answer)
    if category is not None and category != data.get("category"):
        yield Categorise(category)
    verdict = next(iter(said.get("verdict", {}).get("choices") or []), None)
    side = said.get("better", {}).get("selected")
    if verdict == _REJECT:
        yield Reject(_text(said, "reason") or "")
    elif verdict == _TIE:
        yield Prefer("tie")
    elif verdict == _BOTH_BAD:
        yield Prefer("both bad")
    elif side in ("left", "right"):
        yield Prefer("chosen" if (side == "left") == bool(data.get("chosen_first")) else "rejected")
    elif verdict == _ACCEPT:
        yield Accept()


def _text(said: Mapping[str, Mapping[str, JSON]], name: str) -> str | None:
    """What stands in a field of text, None where nothing was entered."""
    text = said.get(name, {}).get("text")
    if isinstance(text, list):
        text = text[-1] if text else None
    return text if isinstance(text, str) else None


TOOL = Tool(
    name="label-studio",
    summary="tasks, findings as predictions and a labelling configuration; annotations back",
    write=_write,
    read=_read,
)
