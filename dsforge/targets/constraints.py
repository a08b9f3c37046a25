"""What a target asks of rows and files: one group of fields to each kind of constraint, read by one lint rule each.

A profile states a group once; a model that differs states only the fields that differ. What a group does not say is not
known, and nothing is reported for it.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

Trains: TypeAlias = Literal["sft", "dpo", "kto"]
DataKind: TypeAlias = Literal["tools", "reasoning", "images", "videos", "audio", "image answers"]
"""What rows can hold beside text. Images are those that are asked about, image answers those that are learnt."""
RoleName: TypeAlias = Literal["system", "developer", "user", "assistant", "tool", "function"]
Reference: TypeAlias = Literal["http", "data", "file", "s3", "gs"]
FileKind: TypeAlias = Literal["jsonl", "array", "csv", "tsv", "xlsx", "parquet", "zip"]
Severity: TypeAlias = Literal["info", "warning", "error"]
Effect: TypeAlias = Literal["kept", "changed", "cut", "untrained", "dropped", "stops"]
"""What becomes of a row: trained as it stands, or not as it stands, its end cut off, no token of it trained, left out;
or it is not taken, and the run ends there."""


class Strict(BaseModel):
    """Frozen, and a field that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Group(Strict):
    """Constraints of one kind, with `source` and `as_of` where they are not those of the profile as a whole."""

    source: str = ""
    as_of: date | None = None


class RowRules(Group):
    """Which messages a row has, and in which order.

    `roles` are those that are known (none given: any), `first` those that may begin after the system message, `needed`
    those that must occur. `alternate` forbids two messages of one role in a row: of user and assistant rule T203 tells,
    whose severity the profile sets too. `max_system` is how many
    system messages there may be, `max_turns` how many questions are read, what follows being passed over. `content`
    is whether a message must have content or calls, `text_beside_calls` whether it may have both. `reserved` are texts
    that may stand nowhere.
    """

    roles: tuple[RoleName, ...] = ()
    first: tuple[RoleName, ...] = ()
    needed: tuple[RoleName, ...] = ()
    alternate: bool = False
    max_system: PositiveInt | None = None
    max_turns: PositiveInt | None = None
    content: bool = False
    text_beside_calls: bool = True
    reserved: tuple[str, ...] = ()


class PairRules(Group):
    """What a preference pair looks like.

    `formats` are those that pairs are read in (none given: any that the target takes). `ends` are the roles that may
    end the prompt, `roles` those that an answer may have. An answer is `one_message` or several, always with one of the
    assistant, and `written` as an array of messages or as one object. `text_only` forbids images.
    """

    formats: tuple[str, ...] = ()
    ends: tuple[RoleName, ...] = ()
    roles: tuple[RoleName, ...] = ()
    one_message: bool = False
    written: Literal["array", "object"] | None = None
    text_only: bool = False


class WeightRules(Group):
    """What a weight may be: `whole` is 0 or 1 alone, `roles` are the messages that may have one (none given: any).

    `with_images` is whether a message with images may have one other than 0.
    """

    whole: bool = False
    roles: tuple[RoleName, ...] = ()
    with_images: bool = True


class ImageRules(Group):
    """Which images a row may hold.

    `formats` are those of rows that may hold them (none given: any that the target takes). `references` are how they
    may be given, `types` their MIME types, `data_types` those of data URLs where these are
    fewer. `roles` are whose messages may hold them. `max_per_row` and `max_bytes` limit number and size, `max_videos`
    videos; `mixed` is whether images and videos may stand in one row. `uniform` forbids content as text beside content
    as parts.
    """

    formats: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    types: tuple[str, ...] = ()
    data_types: tuple[str, ...] = ()
    roles: tuple[RoleName, ...] = ()
    max_per_row: PositiveInt | None = None
    max_bytes: PositiveInt | None = None
    max_videos: PositiveInt | None = None
    mixed: bool = True
    uniform: bool = False


class ToolRules(Group):
    """How tools are defined and called.

    `id_pattern` is what ids must be in full, `id_form` the same in words. `results` asks for one result to each call,
    `defined` for a definition of every function that is called, `described` for a description and parameters in it,
    `arguments_as_text` for the arguments of calls as JSON text.
    """

    id_pattern: str = ""
    id_form: str = ""
    results: bool = False
    defined: bool = False
    described: bool = False
    arguments_as_text: bool = False


class FileRules(Group):
    """Which files are taken: `kinds`, `max_bytes` of each, `max_rows` of all together; packed ones never are.

    `max_media_rows` is how many of the rows may hold images or other files.
    """

    kinds: tuple[FileKind, ...] = ()
    max_bytes: PositiveInt | None = None
    max_rows: PositiveInt | None = None
    max_media_rows: PositiveInt | None = None


class Advice(Group):
    """What the platform only recommends: the least number of rows, of pairs and labels, the size of a file it takes in
    one upload, and whether it wants a byte order mark."""

    rows: PositiveInt | None = None
    pairs: PositiveInt | None = None
    file_bytes: PositiveInt | None = None
    byte_order_mark: bool = False


class ThinkRules(Group):
    """Reasoning in the text of an answer: `exact` is whether the line breaks of the `<think>` marks count."""

    exact: bool = False


class Constraints(Strict):
    """What a target asks, or a model of it for itself.

    `formats`, the best first, are those of dsforge; `trains` are the trainings, `takes` the kinds of data beside text
    (None: not stated). `min_rows` is refused below. `columns` are the only fields that rows may have, by format,
    `constants` those that can have one value alone. `ignored` are fields of messages (or turns) that are not read, each
    with what follows from it; a model takes one off the list with an empty text. `severities` are those of lint rules,
    by code, where they matter more or less here than elsewhere: an error is what the target refuses or what it ruins.
    `effects` say what becomes of a row that a rule tells of, by code or family (`T203`, `T`: of its errors), or by code
    and the beginning of the place (`S105/output`), or also by what stands there (`S105/output is an array`).
    """

    formats: tuple[str, ...] = ()
    trains: tuple[Trains, ...] | None = None
    takes: tuple[DataKind, ...] | None = None
    min_rows: PositiveInt | None = None
    rows: RowRules = RowRules()
    pairs: PairRules = PairRules()
    weights: WeightRules = WeightRules()
    images: ImageRules = ImageRules()
    tools: ToolRules = ToolRules()
    thinking: ThinkRules = ThinkRules()
    columns: dict[str, tuple[str, ...]] = {}
    constants: dict[str, str] = {}
    ignored: dict[str, str] = {}
    file: FileRules = FileRules()
    advised: Advice = Advice()
    severities: dict[Annotated[str, Field(pattern="^[A-Z][0-9]{3}$")], Severity] = {}
    effects: dict[Annotated[str, Field(pattern="^[A-Z]([0-9]{3}(/[^/]+)*)?$")], Effect] = {}
