"""What a target's profile means for lint: its limits, and where in a row its rules have to look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dsforge.example import JSON, Media, Message
from dsforge.formats.format import all_formats
from dsforge.lint.facts import Facts, Settings
from dsforge.lint.place import value_at
from dsforge.lint.rule import Seen

if TYPE_CHECKING:
    from dsforge.targets.constraints import DataKind, Trains
    from dsforge.targets.profile import Target

_BECOMES = {
    "drop": "{title} drops the whole row",
    "truncate": "{title} cuts off what lies beyond",
    "unstated": "{title} does not say what becomes of it",
}


def target_of(settings: Settings) -> Target | None:
    """The target that is checked for, with its model where one was named; None where there is no target."""
    if not settings.target:
        return None
    from dsforge.targets.load import load_target

    return load_target(settings.target)


def for_target(settings: Settings, name: str, model: str = "") -> Settings:
    """`settings` with what the target `name` asks for; a limit that the user gave stays.

    `name` may name the model too: `zhipu/glm-4-air`. The target of the settings then does.

    Raises:
        UsageError: there is no such target, or it trains no such model.
    """
    from dsforge.targets.load import load_target, split_model

    profile, named = split_model(name)
    model = model or named
    whole = f"{profile}/{model}" if model else profile
    target = load_target(whole)
    return replace(
        settings,
        target=whole,
        model=model or target.default_model,
        max_tokens=settings.max_tokens or target.cut_at(),
    )


def over_limit(settings: Settings) -> str:
    """What becomes of a row over the limit, in words."""
    target = target_of(settings)
    if target is None:
        return "what lies beyond is cut off"
    note = f" ({target.over_limit_note})" if target.over_limit_note else ""
    return _BECOMES[target.over_limit].format(title=target.title) + note


def counted(number: int, noun: str) -> str:
    """`1 row is`, `2,000 rows are`."""
    return f"{number:,} {noun} is" if number == 1 else f"{number:,} {noun}s are"


def either(names: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def own_format(target: Target, facts: Facts) -> str:
    """The format to convert the rows to: the target's first, for pairs its first for pairs, else what they are in."""
    pairs = sum(facts.preference) * 2 > len(facts)
    wanted = target.pairs.formats if pairs and target.pairs.formats else target.formats
    found = set(facts.format)
    return found.pop() if len(found) == 1 and found <= set(wanted) else wanted[0]


def tokens_cut_off(prompt: int, trained: int, limit: int, target: Target | None, answers: int = 1) -> int:
    """How many of the `trained` tokens of a row over the limit are cut off; of several answers the most it can be."""
    if target is None or target.cut == "end" or answers != 1:
        return min(prompt + trained - limit, trained)
    if trained * 2 < limit:
        return 0
    left = limit - prompt if prompt * 2 < limit else limit * trained // (prompt + trained)
    return max(0, trained - left)


class Written(NamedTuple):
    """A message as it stands in the row: its number, decoded, where it is, and its fields.

    A message that is no more than a text among others of the row has the pointer of that text, and no fields.
    """

    number: int
    message: Message
    pointer: str
    fields: dict[str, JSON]

    def at(self, field: str) -> str:
        """The pointer of one of its fields; of the message itself where it has no such field."""
        return f"{self.pointer}/{field}" if field in self.fields else self.pointer

    @property
    def text_pointer(self) -> str:
        """The pointer of its text; of the message itself where it has none."""
        return next(
            (self.at(name) for name in ("content", "value", "parts", "text") if name in self.fields), self.pointer
        )

    def files(self) -> Iterator[tuple[Media, str]]:
        """Each image, audio and video with its pointer; that of the content where it is not a part of it."""
        media = self.message.media
        name = next((name for name in ("content", "parts", "text") if name in self.fields), "")
        content = self.fields.get(name)
        parts = enumerate(content) if isinstance(content, list) else ()
        places = [f"/{index}" for index, part in parts if isinstance(part, dict) and not _says(part)]
        if len(places) != len(media):
            places = [""] * len(media)
        return ((one, self.at(name) + place) for one, place in zip(media, places, strict=True))


def _says(part: dict[str, JSON]) -> bool:
    """Whether a part of a message is one of text."""
    return "text" in part or part.get("type") in ("text", "reasoning", "tool_call") or "reasoningContent" in part


def written_messages(seen: Seen) -> Iterator[Written]:
    """Every message (as `Example.all_messages` has them) as it stands in the row."""
    places = all_formats()[seen.format].places(seen.value, seen.example)
    for index, (message, place) in enumerate(zip(seen.example.all_messages(), places, strict=False)):
        pointer, fields = _object_around(seen.value, place)
        yield Written(index, message, pointer, fields)


def _object_around(row: JSON, place: str) -> tuple[str, dict[str, JSON]]:
    """The nearest object with a role that a text lies in, or the turn of a row of turns; else the text itself."""
    pointer = place
    while pointer:
        pointer = pointer.rpartition("/")[0]
        value = value_at(row, pointer)
        if pointer and isinstance(value, dict) and ("role" in value or "from" in value or isinstance(row, list)):
            return pointer, value
    return place, {}


def wanted_of(seen: Seen) -> dict[DataKind | Trains, int | str]:
    """How a row is trained (as a pair, by its label, or as it is), and the kinds of data that it holds beside text.

    Each with the first message or place that has it.
    """
    kinds: dict[DataKind | Trains, int | str] = {"sft" if seen.example.label is None else "kto": ""}
    if seen.example.is_preference:
        kinds = {"dpo": ""}
    for index, message in enumerate(seen.example.all_messages()):
        if message.tool_calls or message.role == "tool":
            kinds.setdefault("tools", index)
        if message.reasoning is not None:
            kinds.setdefault("reasoning", index)
        if isinstance(message.content, list):
            for media in message.media:
                kinds.setdefault(_kind_of(media, message), index)
    if seen.example.tools:
        kinds.setdefault("tools", tools_place(seen))
    return kinds


def _kind_of(media: Media, message: Message) -> DataKind:
    if media.kind == "image":
        return "image answers" if message.role == "assistant" else "images"
    return "videos" if media.kind == "video" else "audio"


def tools_place(seen: Seen) -> str:
    """Where the definitions of tools stand in a row; "" where that is not known."""
    places = ("/tools", "/input/tools", "/available_tools", "/functions")
    return next((place for place in places if value_at(seen.value, place)), "")


_FIELDS: dict[DataKind | Trains, tuple[str, ...]] = {
    "tools": ("tool_calls", "function_call", "tool_call_id"),
    "reasoning": ("reasoning_content", "reasoning", "thinking"),
}


def place_of(seen: Seen, wanted: DataKind | Trains, place: int | str) -> int | str:
    """Where exactly a message holds what `wanted_of` found in it: the field or the part."""
    if isinstance(place, str):
        return place
    written = next((one for one in written_messages(seen) if one.number == place), None)
    if written is None:
        return place
    files = [pointer for media, pointer in written.files() if _kind_of(media, written.message) == wanted]
    fields = [written.at(name) for name in _FIELDS.get(wanted, ()) if written.fields.get(name)]
    return next(iter(files + fields), place)


IN_WORDS: dict[DataKind | Trains, str] = {
    "sft": "conversations", "dpo": "preference pairs", "kto": "rows with a KTO label",
    "tools": "tool calls", "reasoning": "reasoning", "images": "images", "videos": "videos", "audio": "audio",
    "image answers": "answers with images",
}  # fmt: skip
