"""Profiles inherit group by group, are narrowed to a model, and hold together; what is misspelt gets a hint."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dsforge.errors import ConfigError, UsageError
from dsforge.formats.format import all_formats
from dsforge.lint.rule import all_rules
from dsforge.resources import resource
from dsforge.targets.load import all_facts, load_target, split_model
from dsforge.targets.profile import Target

TARGETS = list(all_facts(Target))
BASE = """
name: base
title: Base
source: https://example.org/base
as_of: 2026-01-02
kind: hosted
formats: [chatml]
trains: [sft]
rows: {roles: [system, user, assistant], max_system: 1}
weights: {whole: true}
images: {max_per_row: 3, source: https://example.org/images, as_of: 2026-01-01}
severities: {T203: error}
ignored: {name: it is not read}
models:
  small: {}
  large: {rows: {max_system: null, max_turns: 5}, min_rows: 4, severities: {T202: error}, trains: [dpo]}
"""
CHILD = "extends: base\nname: child\nsource: https://example.org/child\nas_of: 2026-02-03\n"


def _profile(folder: Path, more: str = "", base: str = BASE) -> str:
    (folder / "base.yaml").write_text(base, encoding="utf-8")
    path = folder / "child.yaml"
    path.write_text(CHILD + more, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_shipped_profile_holds_together(target: Target) -> None:
    for known in (target, *(target.narrowed_to(model) for model in target.models)):
        assert set(known.formats) <= set(all_formats())
        assert {*known.pairs.formats, *known.images.formats, *known.columns} <= set(all_formats())
        assert set(known.severities) <= set(all_rules())
        if known.rows.alternate:
            assert known.severities.get("T203") == "error"
        if known.tools.id_pattern:
            assert known.tools.id_form
    assert target.models or target.other_models
    for fact in target.sources:
        field, _, part = fact.partition(".")
        value = getattr(target, field)
        assert not part or part in (value if isinstance(value, dict) else type(value).model_fields)
    if target.kind == "hosted":
        assert target.default_model in ("", *target.models)


@pytest.mark.parametrize("path", sorted(resource("conf", "facts", "target").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_profile_fits_on_a_screen(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60


def test_a_group_is_inherited_field_by_field_and_keeps_its_source(tmp_path: Path) -> None:
    child = load_target(_profile(tmp_path, "rows: {max_turns: 7}\nseverities: {T202: error}\n"))
    assert child.rows.roles == ("system", "user", "assistant")
    assert (child.rows.max_system, child.rows.max_turns) == (1, 7)
    assert child.severities == {"T203": "error", "T202": "error"}
    assert (child.weights.source, child.weights.as_of) == ("https://example.org/base", date(2026, 1, 2))
    assert (child.images.source, child.images.as_of) == ("https://example.org/images", date(2026, 1, 1))
    assert (child.source, child.as_of) == ("https://example.org/child", date(2026, 2, 3))


def test_every_fact_knows_the_file_that_it_comes_from(tmp_path: Path) -> None:
    more = "rows: {max_turns: 7}\nsources: {trains: {source: a letter}}\n"
    child = load_target(_profile(tmp_path, more))
    of_base, of_child = ("https://example.org/base", date(2026, 1, 2)), ("https://example.org/child", date(2026, 2, 3))
    assert (child.origin("rows.max_turns"), child.origin("rows.max_system")) == (of_child, of_base)
    assert child.origin("formats") == child.origin("models.small") == of_base
    assert child.origin("title") == of_child
    assert child.origin("trains") == ("a letter", date(2026, 2, 3))
    assert child.origin("images.max_per_row") == ("https://example.org/images", date(2026, 1, 1))


def test_models_are_inherited_as_a_whole(tmp_path: Path) -> None:
    assert list(load_target(_profile(tmp_path, "models: {tiny: {}}\n")).models) == ["tiny"]
    assert list(load_target(_profile(tmp_path)).models) == ["small", "large"]


def test_a_target_is_narrowed_to_a_model(tmp_path: Path) -> None:
    path = _profile(tmp_path)
    whole, small, large = load_target(path), load_target(f"{path}/small"), load_target(f"{path}/large")
    assert (whole.model, small.model, large.model) == ("", "small", "large")
    assert (whole.called, large.called) == ("Base", "Base (large)")
    assert small.rows == whole.rows
    assert (large.rows.roles, large.rows.max_system, large.rows.max_turns) == (whole.rows.roles, None, 5)
    assert (large.min_rows, large.severities) == (4, {"T203": "error", "T202": "error"})
    assert (small.fits("sft"), small.fits("dpo"), large.fits("sft"), large.fits("dpo")) == (True, False, False, True)
    assert whole.fitting("dpo") == ["large"]
    assert whole.fits("tools"), "what a profile does not state is not refused"
    with pytest.raises(UsageError, match="Base trains no model 'smal'; did you mean 'small'"):
        load_target(f"{path}/smal")


def test_other_models_are_taken_as_the_target_is(tmp_path: Path) -> None:
    path = _profile(tmp_path, "other_models: true\n")
    assert load_target(f"{path}/org/huge").called == "Base (org/huge)"
    assert load_target("together/meta-llama/Llama-3").rows == load_target("together").rows


def test_names_with_a_model() -> None:
    assert split_model("zhipu") == ("zhipu", "")
    assert split_model("zhipu/glm-4-air") == ("zhipu", "glm-4-air")
    assert split_model("together/meta-llama/Llama-3") == ("together", "meta-llama/Llama-3")
    assert split_model("some/mine.yaml") == ("some/mine.yaml", "")
    assert split_model("some/mine.yml/a/b") == ("some/mine.yml", "a/b")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("rows: {role: [user]}\n", r"rows\.role is no field; did you mean 'roles'"),
        ("images: {max_per_rows: 3}\n", "did you mean 'max_per_row'"),
        ("models: {tiny: {weights: {hole: true}}}\n", r"models\.tiny\.weights\.hole is no field; did you mean 'whole'"),
        ("models: {tiny: {method: [lora]}}\n", "did you mean 'methods'"),
        ("rows: {roles: [users]}\n", r"rows\.roles\.0: .*'users'"),
        ("severities: {t203: error}\n", r"severities\.t203"),
        ("takes: [pictures]\n", "pictures"),
        ("file: {max_bytes: 0}\n", r"file\.max_bytes"),
    ],
)
def test_faults_in_groups_are_told_by_their_place(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_target(_profile(tmp_path, more))


def test_what_the_guides_say_of_models() -> None:
    zhipu = load_target("zhipu")
    assert zhipu.fitting("reasoning") == ["glm-4.5-air"]
    assert zhipu.fitting("tools") == ["glm-4.5-air", "glm-4-air", "glm-4-air-250414", "glm-4-flash", "glm-4-9b"]
    assert {"glm-4-air", "glm-4-flash", "glm-4-9b"} <= set(zhipu.fitting("dpo"))
    assert "glm-4.5-air" not in zhipu.fitting("dpo")
    bailian = load_target("bailian")
    limits = {"qwen-plus": 32768, "qwen2.5-72b-instruct": 131072, "qwen1.5-7b-chat": 8192, "qwen-7b-chat": 2048}
    assert {name: bailian.max_tokens(name) for name in limits} == limits
    assert load_target("bedrock/llama-3.1").file.max_rows == 10_000
    assert load_target("bedrock/titan-text").file.max_rows is None
    assert load_target("openai").notice
    assert load_target("azure").notice == ""
