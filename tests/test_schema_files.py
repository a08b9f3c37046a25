"""The files of schemas/ are current and valid, and say what the files say that they are of."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from dsforge.formats.format import all_formats
from dsforge.formats.schema import PUBLISHED, written
from dsforge.resources import resource
from dsforge.schema_files import Manifest, schema_files
from tests.cli.run import assert_one_line_error, dsforge

FOLDER = resource("schemas")
SCHEMAS = schema_files()
REGISTRY = jsonschema_rs.Registry([(schema["$id"], schema) for schema in SCHEMAS.values()])


def _validator(name: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(SCHEMAS[f"{name}.schema.json"], registry=REGISTRY)


@pytest.mark.parametrize("name", SCHEMAS)
def test_checked_in_files_are_current(name: str) -> None:
    path = FOLDER / name
    said = path.read_text(encoding="utf-8") if path.exists() else ""
    assert said == written(SCHEMAS[name]), f"{path} is not what the types say: run `make schemas`"


def test_no_other_file_is_checked_in() -> None:
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert found == set(SCHEMAS), "run `make schemas`"


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_schema_under_its_own_address(name: str) -> None:
    jsonschema_rs.meta.validate(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"].endswith("2020-12/schema")
    assert SCHEMAS[name]["$id"] == PUBLISHED + name


@pytest.mark.parametrize("name", sorted(all_formats()))
def test_an_editor_has_something_to_say_of_every_object(name: str) -> None:
    schema = SCHEMAS[f"{name}.schema.json"]
    assert schema["title"]
    assert schema["description"]
    assert [name for name, part in schema["$defs"].items() if not part.get("description")] == []


def test_a_file_of_rows_in_any_format() -> None:
    rows = [schema["examples"][0] for schema in SCHEMAS.values() if "examples" in schema]
    assert len(rows) == len(all_formats())
    validator = _validator("rows")
    validator.validate(rows)
    assert not validator.is_valid([*rows, {"instruction": "Hi", "outptu": "Hello!"}])
    assert not validator.is_valid(rows[0])


def test_what_convert_writes_beside_the_rows(tmp_path: Path) -> None:
    rows = b'{"instruction": "Hi", "output": "Hello!"}\n{"instruction": "\xff", "output": ""}\n{"instruction": 5,}\n'
    (tmp_path / "in.jsonl").write_bytes(rows)
    assert dsforge("convert", "in.jsonl", "--to", "chatml", "-o", "out.jsonl", folder=tmp_path).returncode == 1
    lines = [json.loads(line) for line in (tmp_path / "out.rejects.jsonl").read_text().splitlines()]
    assert ["raw" in line for line in lines] == [False, True]
    for line in lines:
        _validator("rejects").validate(line)
        assert not _validator("rejects").is_valid({**line, "raw": "", "raw_base64": ""})
    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    _validator("manifest").validate(manifest)
    assert set(manifest) <= {name.rstrip("_") for name in Manifest.__struct_fields__}, "a field without a type"


def _without_dates(value: Any) -> Any:
    """YAML as an editor sees it: a date is text."""
    if isinstance(value, dict):
        return {key: _without_dates(field) for key, field in value.items()}
    return value.isoformat() if isinstance(value, date) else value


FACTS = sorted(resource("conf", "facts").glob("*/*.yaml"))


@pytest.mark.parametrize("path", FACTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_facts(path: Path) -> None:
    fact = _without_dates(yaml.safe_load(path.read_text(encoding="utf-8")))
    validator = _validator(f"facts/{path.parent.name}")
    validator.validate(fact)
    assert not validator.is_valid({**fact, "titel": "misspelt"})
    assert not validator.is_valid({key: field for key, field in fact.items() if key != "source"})


def test_the_command_prints_the_file() -> None:
    done = dsforge("formats", "openai", "--schema")
    assert done.stdout == (FOLDER / "chatml.schema.json").read_text(encoding="utf-8")
    assert_one_line_error(dsforge("formats", "--schema"), "--schema needs a format", "dsforge formats chatml --schema")
