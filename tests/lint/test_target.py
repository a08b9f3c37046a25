"""What the rules of targets do where the cases of the platforms (tests/cases/targets) do not reach."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dsforge.errors import UsageError
from dsforge.finding import Finding
from dsforge.lint.facts import Settings
from dsforge.lint.rules.target.unaccepted_image import reference_of, size_of
from dsforge.lint.run import lint
from dsforge.lint.target import for_target, over_limit
from dsforge.targets.load import load_target
from tests.cli.run import dsforge

HI = {"role": "user", "content": "Hi"}
HELLO = {"role": "assistant", "content": "Hello!"}
ROW = {"messages": [HI, HELLO]}
HEAD = """
name: mine
title: Mine
source: https://example.org/docs
as_of: 2026-01-02
kind: hosted
formats: [chatml]
trains: [sft, dpo]
other_models: true
"""


def _write(folder: Path, *rows: object, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _of(path: Path, target: str, code: str, format: str = "auto") -> list[Finding]:
    return lint([path], select=[code], settings=for_target(Settings(format=format), target)).findings


def _mine(folder: Path, more: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(HEAD + more, encoding="utf-8")
    return str(path)


# -- settings -----------------------------------------------------------------------------------------


def test_the_model_stands_behind_the_target_or_beside_it() -> None:
    behind, beside = for_target(Settings(), "zhipu/glm-4-air"), for_target(Settings(), "zhipu", "glm-4-air")
    assert behind == beside
    assert (behind.target, behind.model) == ("zhipu/glm-4-air", "glm-4-air")
    assert for_target(Settings(), "zhipu").model == "glm-4-9b"
    assert for_target(Settings(), "zhipu/glm-4.5").max_tokens == 32768
    assert for_target(Settings(max_tokens=5), "zhipu/glm-4.5").max_tokens == 5
    with pytest.raises(UsageError, match="did you mean 'glm-4-9b'"):
        for_target(Settings(), "zhipu/glm-4-9")


def test_a_profile_by_its_path_with_a_model(tmp_path: Path) -> None:
    path = _mine(tmp_path, "models: {small: {max_tokens: 7}}\n")
    assert for_target(Settings(), path, "small").max_tokens == 7
    assert for_target(Settings(), f"{path}/small") == for_target(Settings(), path, "small")


def test_what_becomes_of_a_long_row() -> None:
    said = over_limit(for_target(Settings(), "bailian"))
    assert said == "Alibaba Bailian (Beijing) drops the whole row (its console cuts preference pairs instead)"
    assert over_limit(for_target(Settings(), "openai")) == "OpenAI cuts off what lies beyond"


def test_without_a_target_no_rule_of_targets_finds_anything(tmp_path: Path) -> None:
    row = {"messages": [{"role": "developer", "content": "a", "weight": 0.5}, HELLO], "category": "x"}
    assert lint([_write(tmp_path, row)], select=["X"]).findings == []


def test_severities_are_those_of_the_profile(tmp_path: Path) -> None:
    path = _write(tmp_path, {"messages": [HI, HI, HELLO]})
    assert [_of(path, target, "T203")[0].severity for target in ("openai", "fireworks", "together")] == [
        "info", "warning", "error"
    ]  # fmt: skip


# -- files --------------------------------------------------------------------------------------------


def test_an_array_is_told_from_lines_and_standard_input_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "array.json").write_text(json.dumps([ROW, ROW], indent=1))
    (finding,) = _of(tmp_path / "array.json", "openai", "X822")
    assert finding.message.endswith("array.json is a JSON array; OpenAI takes JSONL")
    assert finding.row == 1
    assert _of(_write(tmp_path, ROW, name="lines.json"), "openai", "X822") == []
    done = dsforge("lint", "-", "--target", "openai", "--select", "X822", stdin=json.dumps([ROW]))
    assert done.returncode == 0, done.stdout


def test_packed_files_and_other_encodings(tmp_path: Path) -> None:
    line = json.dumps(ROW).encode() + b"\n"
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(line))
    (tmp_path / "wide.jsonl").write_bytes(line.decode().encode("utf-16"))
    with zipfile.ZipFile(tmp_path / "rows.zip", "w") as archive:
        archive.writestr("rows.jsonl", line)
    assert "is packed; OpenAI" in _of(tmp_path / "rows.jsonl.gz", "openai", "X822")[0].message
    assert "in utf-16, not in UTF-8" in _of(tmp_path / "wide.jsonl", "openai", "X822")[0].message
    assert "is a zip archive; OpenAI" in _of(tmp_path / "rows.zip", "openai", "X822")[0].message
    assert _of(tmp_path / "rows.zip", "bailian", "X822") == []


def test_a_table(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("prompt,completion\nHi,Hello!\n")
    assert "is CSV; Together AI takes JSONL or Parquet" in _of(path, "together", "X822")[0].message
    assert _of(path, "local", "X822") == []


def test_size_and_number_of_rows(tmp_path: Path) -> None:
    target = _mine(tmp_path, "file: {max_bytes: 200, max_rows: 2}\n")
    path = _write(tmp_path, ROW, ROW, ROW)
    found = _of(path, target, "X822")
    assert {finding.message for finding in found} == {
        f"{path} has {path.stat().st_size:,} bytes; Mine takes at most 200", "3 rows; Mine takes at most 2"
    }  # fmt: skip
    assert {finding.row for finding in found} == {1, 3}
    assert _of(_write(tmp_path, ROW, name="one.jsonl"), target, "X822") == []


def test_rows_with_images_are_counted_apart(tmp_path: Path) -> None:
    target = _mine(tmp_path, "file: {max_media_rows: 2}\n")
    shown = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a.png"}}]}, HELLO]}
    (found,) = _of(_write(tmp_path, ROW, shown, shown, ROW, shown, ROW), target, "X822")
    assert (found.row, found.message) == (5, "3 rows with images or other files; Mine takes at most 2")
    assert _of(_write(tmp_path, ROW, shown, shown, ROW), target, "X822") == []
    limits = {name: load_target(name).file.max_media_rows for name in ("openai", "azure", "vertex")}
    assert limits == {"openai": 50_000, "azure": 50_000, "vertex": 300_000}


def test_each_file_is_looked_at(tmp_path: Path) -> None:
    target = _mine(tmp_path, "file: {max_bytes: 200}\n")
    paths = [_write(tmp_path, ROW, name="a.jsonl"), _write(tmp_path, ROW, ROW, ROW, name="b.jsonl")]
    (finding,) = lint(paths, select=["X822"], settings=for_target(Settings(), target)).findings
    assert finding.path == str(paths[1])


def test_advice(tmp_path: Path) -> None:
    target = _mine(tmp_path, "advised: {rows: 3, pairs: 2, file_bytes: 100, byte_order_mark: true}\n")
    pair = {"messages": [HI], "chosen": HELLO, "rejected": {"role": "assistant", "content": "What?"}}
    path = _write(tmp_path, ROW, pair)
    found = _of(path, target, "X823")
    assert {finding.severity for finding in found} == {"warning"}
    assert [finding.message.partition(";")[0].replace(str(path), "it") for finding in found] == [
        "1 row", "1 pair", f"it has {path.stat().st_size} bytes", "it has no byte order mark"
    ]  # fmt: skip
    enough = _mine(tmp_path, "advised: {rows: 1, pairs: 1, file_bytes: 1000}\n")
    assert _of(path, enough, "X823") == []


# -- images -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "reference"),
    [
        ("https://example.com/a.png", "http"),
        ("HTTP://example.com/a.png", "http"),
        ("data:image/png;base64,aa", "data"),
        ("DATA:image/png;base64,aa", "data"),
        ("s3://bucket/a.png", "s3"),
        ("gs://bucket/a.png", "gs"),
        ("a.png", "file"),
        ("file:///a.png", "file"),
        ("", "file"),
    ],
)
def test_how_an_image_is_given(url: str, reference: str) -> None:
    assert reference_of(url) == reference


@pytest.mark.parametrize(("data", "size"), [("", 0), ("YQ==", 1), ("YWI=", 2), ("YWJj", 3), ("YWJjZA==", 4)])
def test_the_size_of_an_image_is_told_by_its_length(data: str, size: int) -> None:
    assert size_of(f"data:image/png;base64,{data}") == size
    assert size_of("https://example.com/a.png") is None
    assert size_of("data:image/png,abc") is None


def _asked(*urls: str, role: str = "user") -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"messages": [{"role": role, "content": [{"type": "text", "text": "?"}, *parts]}, HELLO]}


def _messages(row: object, target: str, code: str, folder: Path) -> list[str]:
    return [finding.message for finding in _of(_write(folder, row), target, code)]


def test_the_limit_of_an_image_holds_to_the_byte(tmp_path: Path) -> None:
    target = _mine(tmp_path, "images: {max_bytes: 3, types: [image/png]}\n")
    assert _messages(_asked("data:image/png;base64,YWJj"), target, "X811", tmp_path) == []
    (said,) = _messages(_asked("data:image/png;base64,YWJjZA=="), target, "X811", tmp_path)
    assert said == "the image has 4 bytes; Mine takes at most 3"


def test_types_by_name_and_by_data_url(tmp_path: Path) -> None:
    target = _mine(tmp_path, "images: {types: [image/jpeg]}\n")
    fine = ["https://e.org/a.JPG?size=2", "https://e.org/a", "data:image/jpeg;base64,aa", "a.jpeg"]
    assert _messages(_asked(*fine), target, "X811", tmp_path) == []
    wrong = ["https://e.org/a.png?x=a.jpg", "data:image/jpeg,aa", "data:;base64,aa"]
    assert len(_messages(_asked(*wrong), target, "X811", tmp_path)) == 3


def test_an_image_of_a_column_is_told_at_its_mark(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "<image>What is this?"}, HELLO], "images": ["cat.png"]}
    (finding,) = _of(_write(tmp_path, row), "openai", "X811")
    assert finding.pointer == "/messages/0/content"


def test_videos_are_no_images_and_sounds_are_neither(tmp_path: Path) -> None:
    parts = [{"type": "video_url", "video_url": {"url": "a.mp4"}}, {"type": "audio_url", "audio_url": {"url": "a.wav"}}]
    row = {"messages": [{"role": "user", "content": parts}, HELLO]}
    assert _messages(row, "zhipu/glm-4v", "X803", tmp_path) == [
        "Zhipu BigModel does not train glm-4v on videos",
        "Zhipu BigModel does not train glm-4v on audio",
    ]
    assert _messages(row, _mine(tmp_path, "images: {max_per_row: 1, max_videos: 1}\n"), "X813", tmp_path) == []


# -- rows ---------------------------------------------------------------------------------------------


def test_a_model_that_is_named_is_judged_by_itself(tmp_path: Path) -> None:
    row = {"messages": [HI, {**HELLO, "reasoning_content": "They greet me."}]}
    path = _write(tmp_path, row)
    (told,) = _of(path, "zhipu", "X804")
    assert told.message == "of the models of Zhipu BigModel only glm-4.5-air is trained on reasoning"
    assert told.help == "name the model that you train: --target zhipu/glm-4.5-air"
    assert told.pointer == "/messages/1/reasoning_content"
    assert _of(path, "zhipu/glm-4.5-air", "X804") == []
    assert _of(path, "zhipu", "X803") == []
    (refused,) = _of(path, "zhipu/glm-4-air", "X803")
    assert refused.message == "Zhipu BigModel does not train glm-4-air on reasoning; it does train glm-4.5-air"


def test_calls_in_full_training_alone(tmp_path: Path) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    row = {"messages": [HI, {"role": "assistant", "tool_calls": [call]}]}
    path = _write(tmp_path, row)
    (told,) = _of(path, "zhipu/glm-4-flash", "X804")
    assert "in full training alone" in told.message
    assert told.pointer == "/messages/1/tool_calls"
    assert _of(path, "zhipu/glm-4-air", "X804") == [], "which is trained in full anyway"


def test_what_no_model_is_trained_on(tmp_path: Path) -> None:
    assert _messages({**ROW, "label": True}, "openai", "X803", tmp_path) == [
        "OpenAI trains no model on rows with a KTO label"
    ]


def test_unread_fields_are_told_once_each(tmp_path: Path) -> None:
    row = [{"prompt": "Hi", "response": "Hello!", "weight": 0}, {"prompt": "Bye", "response": "Bye!", "weight": 1}]
    path = _write(tmp_path, row, [{"prompt": "Hi", "response": "Hello!"}])
    assert [finding.pointer for finding in _of(path, "qianfan", "X809")] == ["/0/weight", "/1/weight"]
    assert _of(path, "qianfan/ernie-tiny", "X809") == []
    named = {"messages": [{**HI, "name": "ann"}, {**HELLO, "weight": 0, "name": None}]}
    found = _of(_write(tmp_path, named), "bailian", "X809")
    assert [finding.pointer for finding in found] == ["/messages/0/name", "/messages/1/weight"]
    assert {finding.severity for finding in found} == {"warning"}


def test_unread_fields_of_sharegpt_turns_are_told(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hm.", "weight": 0}]
    (found,) = _of(_write(tmp_path, {"conversations": turns}), "llamafactory", "X809")
    assert (found.pointer, found.message) == (
        "/conversations/1/weight", "LLaMA-Factory does not read 'weight': every answer is trained"
    )  # fmt: skip


def test_turns_beyond_the_last_that_is_read(tmp_path: Path) -> None:
    turn = {"prompt": "Hi", "response": "Hello!"}
    assert _of(_write(tmp_path, [turn] * 150, [turn]), "qianfan", "X809") == []
    (finding,) = _of(_write(tmp_path, [turn] * 152, [turn]), "qianfan", "X809")
    assert (finding.pointer, finding.message.partition(";")[0]) == ("/150/prompt", "152 turns")


def test_the_place_of_a_turn_in_text_columns(tmp_path: Path) -> None:
    target = _mine(tmp_path, "rows: {first: [assistant], reserved: ['no']}\n")
    path = _write(tmp_path, {"instruction": "Say no", "output": "no, no"})
    assert [finding.pointer for finding in _of(path, target, "X806")] == ["/instruction"]
    assert [(finding.pointer, finding.column) for finding in _of(path, target, "X820")] == [
        ("/instruction", 22), ("/output", 38)
    ]  # fmt: skip


def test_the_columns_of_formats_that_are_not_listed_are_free(tmp_path: Path) -> None:
    target = _mine(tmp_path, "columns: {text: [text]}\n")
    assert _messages({**ROW, "a/b": 1}, target, "X810", tmp_path) == []
    (finding,) = _of(_write(tmp_path, {"text": "a", "a/b": 1}), target, "X810")
    assert finding.pointer == "/a~1b"


def test_a_row_can_ask_to_be_spared(tmp_path: Path) -> None:
    spared = {"messages": [HI, {**HELLO, "weight": 0.5}], "_dsforge": {"ignore": ["X808"]}}
    assert _messages(spared, "openai", "X808", tmp_path) == []


def test_what_asks_to_be_spared_is_a_field_that_is_refused(tmp_path: Path) -> None:
    (found,) = _of(_write(tmp_path, ROW | {"_dsforge": {"ignore": ["T2"]}}), "together", "X810")
    assert (found.pointer, found.fixable) == ("/_dsforge", False)
    assert found.help == "dsforge convert FILE --to chatml --no-keep-extra -o OUT.jsonl"
    assert _messages(ROW | {"_dsforge": {"ignore": ["X810"]}}, "together", "X810", tmp_path) == []
    assert _messages(ROW | {"_dsforge": {"ignore": ["T2"]}}, "openai", "X810", tmp_path) == []


def test_many_workers_find_the_same(tmp_path: Path) -> None:
    rows = [{"messages": [HI, {**HELLO, "weight": weight}]} for weight in (1, 0.5, 1.0)] * 400
    path = _write(tmp_path, *rows)
    settings = for_target(Settings(), "openai/gpt-4.1")
    one, two = (lint([path], select=["X"], settings=settings, workers=workers).findings for workers in (1, 2))
    assert one == two
    assert len(one) == 800


# -- fixes --------------------------------------------------------------------------------------------


def _mended(folder: Path, row: object, target: str, *options: str) -> Any:
    path = _write(folder, row)
    done = dsforge("lint", path, "--target", target, "--select", "X8", "--ignore", "X802", "--fix", *options)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(path.read_text())


FIXES: Sequence[tuple[str, object, object]] = [
    ("together", {"messages": [{"role": "developer", "content": "a"}, HI, HELLO]},
     {"messages": [{"role": "system", "content": "a"}, HI, HELLO]}),
    ("openai", {"messages": [{**HI, "weight": 0}, {**HELLO, "weight": 1.0}]},
     {"messages": [HI, {**HELLO, "weight": 1}]}),
    ("openai", {"messages": [HI, {**HELLO, "weight": 0.5}]}, {"messages": [HI, {**HELLO, "weight": 0.5}]}),
    ("bailian", {"messages": [HI, {"role": "assistant", "content": " <think> a </think> b"}]},
     {"messages": [HI, {"role": "assistant", "content": "<think>\na\n</think>\n\nb"}]}),
    ("bedrock/llama-3.2", {"schemaVersion": "1", "messages": [{"role": "user", "content": [{"text": "a"}]},
                                                              {"role": "assistant", "content": [{"text": "b"}]}]},
     {"schemaVersion": "1", "messages": [{"role": "user", "content": [{"text": "a"}]},
                                         {"role": "assistant", "content": [{"text": "b"}]}]}),
]  # fmt: skip


@pytest.mark.parametrize(("target", "row", "mended"), FIXES, ids=[target for target, _, _ in FIXES])
def test_what_is_beyond_doubt_is_mended(tmp_path: Path, target: str, row: object, mended: object) -> None:
    assert _mended(tmp_path, row, target) == mended


def test_columns_go_only_where_that_is_asked_for(tmp_path: Path) -> None:
    row = {**ROW, "category": "greeting"}
    assert _mended(tmp_path, row, "together") == row
    assert _mended(tmp_path, row, "together", "--unsafe-fixes") == ROW
