"""What the page shows of a row, for the templates: texts as safe HTML, findings at their places, differences."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
from markupsafe import Markup

from dsforge.example import JSON, Example, Media, Message
from dsforge.finding import SEVERITIES, Finding
from dsforge.report.visible import in_page
from dsforge.review.compare import difference
from dsforge.review.decision import Decision, Prefer, Rank, told
from dsforge.review.desk import Desk, Seat
from dsforge.review.index import category_of, characters_of, margin_of, score_of
from dsforge.review.markdown import plain, rendered
from dsforge.review.marks import Mark, mark_of, marked, message_of
from dsforge.review.state import Original, RowState, read_row
from dsforge.tokens.approximate import approximate_count

_DATA_IMAGE = re.compile(r"data:image/(?:png|jpeg|jpg|gif|webp|bmp);base64,[A-Za-z0-9+/=\s]+\Z")
_LONGEST_DATA = 8_000_000
PICTURES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
    ".bmp": "image/bmp",
}  # fmt: skip
_LONGEST_RAW = 400_000


class MediaView(msgspec.Struct, frozen=True):
    """A picture, sound or film: `source` is what an `img` may show, `link` where it is to be had, "" for neither."""

    kind: str
    name: str
    source: str = ""
    link: str = ""


class CallView(msgspec.Struct, frozen=True):
    """A call of a tool, its arguments indented where they are JSON."""

    name: str
    arguments: str
    id: str


class MessageView(msgspec.Struct, frozen=True):
    """A message: `number` as decisions name it, `html` as it is shown first, `written` the other way.

    `difference` is what was changed in it since the source.
    """

    number: int
    label: str
    role: str
    html: Markup
    written: Markup | None
    reasoning: Markup | None
    calls: list[CallView]
    media: list[MediaView]
    is_new: bool
    difference: Markup | None
    findings: list[int]
    name: str
    is_result: bool
    is_untrained: bool
    is_empty: bool


class AnswerView(msgspec.Struct, frozen=True):
    """One of several answers: `key` is what is pressed for it, `source` its number among those of the source.

    `rank` is its place in the ranking from 1 on, 0 where there is none.
    """

    key: int
    source: int
    messages: list[MessageView]
    is_chosen: bool
    rank: int


class FindingView(msgspec.Struct, frozen=True):
    """A finding; `message` is the number of the message that it speaks of, `where` what the page calls it."""

    number: int
    code: str
    name: str
    severity: str
    text: str
    help: str
    fixable: bool
    message: int | None
    where: str


class OtherView(msgspec.Struct, frozen=True):
    """What an annotator says of a row, for who settles it, with what they changed."""

    key: int
    name: str
    upto: int
    status: str
    verdict: str
    reason: str
    decisions: list[str]
    changes: list[Markup]


class RowView(msgspec.Struct, frozen=True):
    """A row as the page shows it."""

    number: int
    key: str
    line: int
    status: str
    reason: str
    format: str
    category: str
    tokens: int
    characters: int
    score: float | None
    messages: list[MessageView]
    answers: list[AnswerView]
    removed: list[Markup]
    findings: list[FindingView]
    raw: Markup | None
    flaw: str
    tools: str
    trail: list[str]
    can_redo: bool
    comments: list[str]
    scores: dict[str, float]
    label: bool | None
    others: list[OtherView]


def view_of(desk: Desk, seat: Seat, number: int) -> RowView:
    """A row as somebody has it."""
    original = desk.review.source.original(number)
    state = desk.state(seat, original)
    raw, findings = desk.findings(original, state)
    findings = sorted(findings, key=lambda each: (-SEVERITIES.index(each.severity), each.line, each.column))
    example = state.example
    before = original.example.all_messages() if original.example else []
    places, marks = _placed(raw, findings, state)
    order, labels = sides(original.key, seat.name, _count(state)), labels_of(original, state, seat.name)
    views = _messages(number, example, before, state, places, marks, labels) if example else []
    first = len(example.messages) if example else 0
    is_pair = example is not None and example.is_preference
    gone = [at for at in range(len(before)) if at not in state.origins] if example else []
    shown = raw.decode("utf-8", "replace")
    return RowView(
        number, original.key, original.line, state.status, state.reason,
        state.format.name if state.format else "", category_of(example) if example else "",
        _tokens(example, shown), characters_of(example) if example else len(shown),
        _told_score(example), views[:first] if is_pair else views,
        _answers(desk, seat, original, state, views) if is_pair else [],
        [plain(before[at].text) for at in gone],
        [_finding(at, finding, places[at], labels, order) for at, finding in enumerate(findings)],
        plain(shown[:_LONGEST_RAW]) if example is None else None, state.flaw.reason if state.flaw else "",
        json.dumps(example.tools, ensure_ascii=False, indent=2) if example and example.tools else "",
        [_told(each, order, labels) for each in state.done], bool(state.undone), list(state.comments), state.scores,
        example.label if example else None, _others(desk, seat, original) if seat.final else [],
    )  # fmt: skip


def _told(decision: Decision, order: Sequence[int], labels: Sequence[str]) -> str:
    """A decision in a few words; answers are named as they stand on this page, which does not say whence they are."""
    action = decision.action
    if isinstance(action, Rank):
        return "ranked the answers " + " > ".join(str(order.index(each) + 1) for each in action.order if each in order)
    if isinstance(action, Prefer) and action.choice in ("chosen", "rejected"):
        return f"preferred answer {order.index(0 if action.choice == 'chosen' else len(order) - 1) + 1}"
    if labels and labels[-1].startswith("answer"):
        return _MESSAGE.sub(lambda found: labels[min(int(found[1]), len(labels)) - 1], told(action))
    return told(action)


_MESSAGE = re.compile(r"message (\d+)")


def _told_score(example: Example | None) -> float | None:
    if example is None:
        return None
    score = score_of(example)
    return None if score != score or margin_of(example) == margin_of(example) else score  # NaN is unlike itself


def _tokens(example: Example | None, raw: str) -> int:
    if example is None:
        return approximate_count(raw)
    return sum(approximate_count(message.text) + approximate_count(message.reasoning or "")
               for message in example.all_messages())  # fmt: skip


# -- findings --------------------------------------------------------------------------------------


def _placed(raw: bytes, findings: Sequence[Finding], state: RowState) -> tuple[list[int | None], dict[int, list[Mark]]]:
    """`(the message of each finding, the marks in each message)`."""
    marks: dict[int, list[Mark]] = {}
    value, fmt, example, _ = read_row(raw, state.format)
    if fmt is None or example is None or state.example is None:
        return [None] * len(findings), marks
    texts = [message.text for message in state.example.all_messages()]
    where = fmt.places(value, example)[: len(texts)]
    row = raw.decode()
    numbers: list[int | None] = []
    for at, finding in enumerate(findings):
        number = message_of(finding, where)
        numbers.append(number)
        if number is not None and (mark := mark_of(finding, row, texts[number], at)):
            marks.setdefault(number, []).append(mark)
    return numbers, marks


def _finding(
    number: int, finding: Finding, message: int | None, labels: Sequence[str], order: Sequence[int]
) -> FindingView:
    where = labels[message] if message is not None and message < len(labels) else ""
    keys = order if labels and labels[-1].startswith("answer") else ()
    texts = finding.name.replace("-", " "), finding.message, finding.help
    name, text, help = (_blinded(each, keys, where) for each in texts)
    return FindingView(number, finding.code, name, finding.severity, text, help, finding.fixable, message, where)


# -- messages --------------------------------------------------------------------------------------


def _messages(
    row: int, example: Example, before: Sequence[Message], state: RowState, places: Sequence[int | None],
    marks: dict[int, list[Mark]], labels: Sequence[str],
) -> list[MessageView]:  # fmt: skip
    views = []
    for number, message in enumerate(example.all_messages()):
        origin = state.origins[number] if number < len(state.origins) else None
        found = [at for at, place in enumerate(places) if place == number]
        old = before[origin] if origin is not None else None
        views.append(_message(row, number, labels[number], message, old, found, marks.get(number, [])))
    return views


def _message(
    row: int, number: int, label: str, message: Message, before: Message | None, findings: list[int],
    marks: Sequence[Mark],
) -> MessageView:  # fmt: skip
    text = message.text
    is_result = message.role == "tool"
    nicely = plain(_indented(text)) if is_result else rendered(text)
    exactly = marked(text, marks) if marks else plain(text)
    changed = before is not None and (before.text, before.reasoning) != (text, message.reasoning)
    old = "\n\n".join(filter(None, [before.reasoning, before.text])) if before else ""
    new = "\n\n".join(filter(None, [message.reasoning, text]))
    return MessageView(
        number, label, message.role, exactly if marks else nicely, nicely if marks else exactly,
        rendered(message.reasoning) if message.reasoning else None,
        [CallView(call.name, _arguments(call.arguments, call.written), call.id or "") for call in message.tool_calls],
        [_media(row, number, at, media) for at, media in enumerate(message.media)],
        before is None, difference(old, new) if changed else None, findings, message.name or "", is_result,
        message.weight == 0, not text and not message.tool_calls and not message.media,
    )  # fmt: skip


def _indented(text: str) -> str:
    """JSON with its lines indented; any other text as it is."""
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def _arguments(value: JSON, written: str | None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) if value is not None else written or "{}"


def _media(row: int, message: int, at: int, media: Media) -> MediaView:
    url = media.url
    if media.kind == "image" and len(url) < _LONGEST_DATA and _DATA_IMAGE.match(url):
        return MediaView("image", "image within the row", source=url)
    try:
        scheme = urlsplit(url).scheme.lower()
    except ValueError:
        scheme = "?"
    if scheme in ("http", "https"):
        return MediaView(media.kind, url, link=url)
    if scheme in ("", "file") and media.kind == "image" and Path(url).suffix.lower() in PICTURES:
        return MediaView("image", url, source=f"/picture?row={row}&message={message}&at={at}")
    return MediaView(media.kind, url if len(url) < 300 else f"{url[:300]}...")


def picture_of(desk: Desk, seat: Seat, row: int, message: int, at: int) -> tuple[Path, str] | None:
    """`(file, media type)` of a picture that a row names; None where it names none within the folder of the data."""
    state = desk.state(seat, desk.review.source.original(row))
    messages = state.example.all_messages() if state.example else []
    if not 0 <= message < len(messages) or not 0 <= at < len(messages[message].media):
        return None
    url = messages[message].media[at].url
    name = unquote(urlsplit(url).path) if url.startswith("file:") else url
    folder = desk.review.source.folder
    try:
        path = (folder / name).resolve()
        is_inside = path.is_relative_to(folder) and path.is_file()
    except (OSError, ValueError):  # a name that can be none
        return None
    kind = PICTURES.get(path.suffix.lower())
    return (path, kind) if is_inside and kind else None


# -- answers ---------------------------------------------------------------------------------------


def labels_of(original: Original, state: RowState, annotator: str) -> list[str]:
    """What the page calls each message: an answer by the key that is pressed for it, and not by what it is."""
    example = state.example
    if example is None:
        return []
    names = [f"message {number + 1}" for number in range(len(example.messages))]
    if example.chosen is None or example.rejected is None:
        return names
    order = sides(original.key, annotator, _count(state))
    lists = [example.chosen, example.rejected, *example.between]  # as all_messages has them
    for source, messages in zip((0, len(lists) - 1, *range(1, len(lists) - 1)), lists, strict=True):
        names += [f"answer {order.index(source) + 1}"] * len(messages)
    return names


_NAMED = re.compile(r"\b(?:in )?(?:the )?(chosen|rejected)(?: answer| one)?\b")


def _blinded(text: str, order: Sequence[int], where: str = "") -> str:
    """A text about answers, the one called `where`, that does not say which one the source has chosen.

    Rules speak of the chosen one as the answer, and so that one is named too.
    """
    if not order:
        return text
    keys = {"chosen": order.index(0) + 1, "rejected": order.index(len(order) - 1) + 1}
    named = _NAMED.sub(lambda found: f"{'of ' if found[0].startswith('in ') else ''}answer {keys[found[1]]}", text)
    return named.replace("the answer", where) if where.startswith("answer") else named


def sides(key: str, annotator: str, count: int) -> list[int]:
    """In which order `count` answers stand on the page: by chance, but the same for the same row and person."""
    order = list(range(count))
    seed = hashlib.sha256(f"{key}\0{annotator}".encode("utf-8", "replace")).digest()
    random.Random(seed).shuffle(order)  # noqa: S311 - no secret
    return order


def _answers(
    desk: Desk, seat: Seat, original: Original, state: RowState, views: Sequence[MessageView]
) -> list[AnswerView]:
    example = state.example
    assert example is not None
    assert example.chosen is not None
    assert example.rejected is not None
    lists = [example.chosen, example.rejected, *example.between]  # as all_messages has them
    sources = [0, len(lists) - 1, *range(1, len(lists) - 1)]
    at, found = len(example.messages), {}
    for source, messages in zip(sources, lists, strict=True):
        found[source] = list(views[at : at + len(messages)])
        at += len(messages)
    best = state.order[0] if state.order else {"chosen": 0, "rejected": len(lists) - 1}.get(state.choice or "", -1)
    order = sides(original.key, seat.name, len(lists))
    return [
        AnswerView(key, source, found[source], source == best, _rank(state, source))
        for key, source in enumerate(order, 1)
    ]


def _rank(state: RowState, source: int) -> int:
    return state.order.index(source) + 1 if source in state.order else 0


def _others(desk: Desk, seat: Seat, original: Original) -> list[OtherView]:
    row = desk.review.row(original.number)
    before = original.example.all_messages() if original.example else []
    views = []
    for key, (name, state) in enumerate(desk.others(row).items(), 1):
        changes, order = [], sides(original.key, seat.name, _count(state))
        labels = labels_of(original, state, seat.name)
        for number, message in enumerate(state.example.all_messages() if state.example else []):
            origin = state.origins[number] if number < len(state.origins) else None
            old = before[origin].text if origin is not None else ""
            if old != message.text:
                changes.append(difference(old, message.text))
        views.append(
            OtherView(
                key,
                name,
                state.done[-1].number if state.done else 0,
                state.status,
                _verdict(state, order),
                state.reason,
                [_told(each, order, labels) for each in state.done],
                changes,
            )
        )
    return views


def _count(state: RowState) -> int:
    return 2 + len(state.example.between) if state.example else 2


def _verdict(state: RowState, order: Sequence[int]) -> str:
    """What somebody says of a row, answers named as they stand on this page."""
    if state.order:
        return "ranks the answers " + " > ".join(str(order.index(each) + 1) for each in state.order)
    if state.choice in ("chosen", "rejected"):
        return f"prefers answer {order.index(0 if state.choice == 'chosen' else len(order) - 1) + 1}"
    return {"open": "no verdict yet"}.get(state.status, state.status)


def shown(value: object) -> object:
    """What a template puts out: text of rows with hostile characters written out; markup as it is."""
    return in_page(value) if type(value) is str else value
