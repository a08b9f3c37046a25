"""The files of schemas/: JSON Schemas of rows, of the facts in conf/facts, of plans, and of what convert writes.

`python -m dsforge.schema_files` (or `make schemas`) writes them anew. They are generated, never edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from dsforge.example import JSON
from dsforge.formats.format import all_formats
from dsforge.formats.schema import PUBLISHED, schema_of, written
from dsforge.json_schema import DRAFT, schema_of_type
from dsforge.resources import resource

if TYPE_CHECKING:
    from pydantic import BaseModel

SUFFIX = ".schema.json"


class _Reject(Struct, kw_only=True):
    path: Annotated[str, Meta(description="The file that the row stands in.")]
    row: Annotated[int, Meta(description="Its number among the rows, from 1.", ge=1)]
    line: Annotated[int, Meta(description="The line that it begins in, from 1.", ge=1)]
    code: Annotated[str, Meta(description="The rule that says what is wrong.", pattern="^[A-Z][0-9]{3}$")]
    reason: Annotated[str, Meta(description="What is wrong, and how to mend it.")]
    pointer: Annotated[str, Meta(description="JSON Pointer of the place within the row.")]


class RejectedText(_Reject, kw_only=True):
    """A row that could not be processed."""

    raw: Annotated[str, Meta(description="The row as it stands in the file.")]
    raw_base64: UnsetType = UNSET


class RejectedBytes(_Reject, kw_only=True):
    """A row that could not be processed, and is not UTF-8."""

    raw_base64: Annotated[str, Meta(description="The bytes of the row in Base64.")]
    raw: UnsetType = UNSET


class File(Struct):
    """A file that was read or written."""

    path: str
    bytes: Annotated[int, Meta(description="Its size; of what can be read only once, none.", ge=0)] = 0


class Reason(Struct):
    """Why rows were rejected."""

    code: Annotated[str, Meta(description="The rule that says what is wrong.")]
    rows: Annotated[int, Meta(description="How many rows.", ge=1)]
    first: Annotated[str, Meta(description="The reason of the first.")]


class Place(Struct):
    """A line of a file."""

    path: str
    line: int


class Manifest(Struct, kw_only=True):
    """What a converted file was made of, by which choices, and what was lost on the way."""

    dsforge: Annotated[str, Meta(description="The version of dsforge.")]
    command: Literal["convert"]
    inputs: list[File]
    from_: Annotated[dict[str, int], Meta(description="Rows read, by format.")] = field(name="from")
    to: Annotated[str, Meta(description="The format written.")]
    output: File
    rejects: Annotated[str | None, Meta(description="The rejects file, if there is one.")]
    rows_in: int
    rows_out: int
    rows_rejected: int
    rejected: Annotated[list[Reason], Meta(description="Rejected rows, by reason.")]
    losses: Annotated[dict[str, int], Meta(description="Rows that lost something, by what it is.")]
    first_lost: Annotated[dict[str, Place], Meta(description="Where the first row of each loss stands.")]
    lost_fields: Annotated[dict[str, int], Meta(description="Unknown fields of rows that were lost, by name.")]
    options: Annotated[dict[str, str], Meta(description="Every option in effect.")]
    map: Annotated[dict[str, str] | None, Meta(description="The fields named with --map.")]
    dataset_info: Annotated[str | None, Meta(description="The entry of a dataset_info.json that was followed.")]
    on_loss: Annotated[str, Meta(description="What became of rows that would lose something.")]
    keep_extra: Annotated[bool, Meta(description="Whether unknown fields were kept.")]
    hf_compat: Annotated[bool, Meta(description="Whether every row has every column, for `datasets`.")]
    verified: Annotated[int | None, Meta(description="Rows that were read again and compared.")]


def schema_files() -> dict[str, dict[str, JSON]]:
    """Every schema by the name of its file within schemas/."""
    from dsforge.cost.plan import ProjectPlan
    from dsforge.targets.profile import BatchService, Gpu, Model, PriceCard, Target

    formats = {f"{name}{SUFFIX}": schema_of(fmt) for name, fmt in sorted(all_formats().items())}
    others = {
        "rows": _rows(list(formats)),
        "rejects": {"title": "line of a rejects file", **schema_of_type(RejectedText | RejectedBytes)},
        "manifest": {"title": "manifest of a conversion", **schema_of_type(Manifest)},
        "plan": {**ProjectPlan.model_json_schema(), "title": "plan of a project, for dsforge cost --plan"},
        "facts/target": _facts(Target),
        "facts/price": _facts(PriceCard),
        "facts/gpu": _facts(Gpu),
        "facts/model": _facts(Model),
        "facts/batch": _facts(BatchService),
    }
    named = {f"{name}{SUFFIX}": _headed(f"{name}{SUFFIX}", schema) for name, schema in others.items()}
    if both := formats.keys() & named.keys():
        raise TypeError(f"formats are called as other schemas are: {both}")
    return {**formats, **named}


def _headed(name: str, schema: dict[str, JSON]) -> dict[str, JSON]:
    return {"$schema": DRAFT, "$id": PUBLISHED + name, **schema}


def _rows(formats: list[str]) -> dict[str, JSON]:
    return {
        "title": "rows of a JSON file",
        "description": "An array of rows, each in any format that dsforge reads.",
        "type": "array",
        "items": {"anyOf": [{"$ref": name} for name in formats]},
    }


def _facts(kind: type[BaseModel]) -> dict[str, JSON]:
    """The schema of a YAML file of facts: the model's, of which a file that extends another gives but a part."""
    schema = kind.model_json_schema()
    extends = {"type": "string", "description": "The file beside this one, or the shipped one, whose fields it takes."}
    schema["properties"] = {"extends": extends, **schema["properties"]}
    whole = {"required": schema.pop("required")}
    part = {"required": ["source", "as_of"]}
    return {**schema, "if": {"required": ["extends"]}, "then": part, "else": whole}


def main() -> None:
    """Write every file of schemas/, and remove those of formats that are no more."""
    folder = resource("schemas")
    schemas = schema_files()
    for path in folder.rglob(f"*{SUFFIX}"):
        if path.relative_to(folder).as_posix() not in schemas:
            path.unlink()
    for name, schema in schemas.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
