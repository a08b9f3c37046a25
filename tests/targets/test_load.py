"""Every shipped fact loads and names its source; faults in a profile are told by file and field."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from dsforge.errors import ConfigError, UsageError
from dsforge.formats.format import all_formats
from dsforge.targets.load import (
    all_facts,
    fact_names,
    find_model,
    load_fact,
    load_gpu,
    load_prices,
    load_target,
    read_fact,
    stale,
)
from dsforge.targets.profile import Gpu, Model, PriceCard, Target

PROFILE = """
name: mine
title: Mine
source: https://example.org/docs
as_of: 2026-01-02
kind: hosted
formats: [chatml]
trains: [sft]
default_model: small
models:
  small: {methods: [lora], max_tokens: 4096}
"""


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", [Target, PriceCard, Gpu, Model])
def test_every_shipped_fact_loads_and_is_called_as_its_file(kind: type[Target]) -> None:
    facts = list(all_facts(kind))
    assert facts
    for name, fact in zip(fact_names(kind), facts, strict=True):
        assert name == (fact.target if isinstance(fact, PriceCard) else fact.name)
        assert len(fact.source) > 10
        assert fact.as_of <= date.today()


def test_targets_name_formats_and_models_that_exist() -> None:
    for target in all_facts(Target):
        assert set(target.formats) <= set(all_formats())
        if target.kind == "hosted":
            assert target.default_model in ("", *target.models)
        else:
            assert find_model(target.default_model)


def test_price_cards_price_what_exists() -> None:
    for card in all_facts(PriceCard):
        target = load_target(card.target)
        known = set(target.models) if target.kind == "hosted" else set(fact_names(Gpu))
        assert {*card.prices, *card.monthly} <= known


def test_limits_by_model_and_method() -> None:
    bailian, zhipu = load_target("bailian"), load_target("zhipu")
    assert bailian.max_tokens("qwen-plus") == 32768
    assert bailian.cut_at("qwen-plus") == 2048  # what the API takes where nothing is set
    assert bailian.over_limit == "drop"
    assert (zhipu.max_tokens("glm-4.5"), zhipu.max_tokens("glm-4.5", "full")) == (32768, 16384)
    assert zhipu.max_tokens("glm-4-9b") is None
    assert (load_target("openai").over_limit, load_target("openai").min_rows) == ("truncate", 10)


def test_a_profile_of_ones_own_and_one_that_extends_it(tmp_path: Path) -> None:
    _write(tmp_path / "mine.yaml", PROFILE)
    child = "extends: mine\nname: child\nsource: https://example.org/child\nas_of: 2026-02-03\nmin_rows: 7\n"
    target = load_target(str(_write(tmp_path / "child.yaml", child)))
    assert (target.name, target.title, target.min_rows, target.as_of) == ("child", "Mine", 7, date(2026, 2, 3))
    assert target.max_tokens("small") == 4096


def test_a_profile_can_extend_a_shipped_one(tmp_path: Path) -> None:
    child = "extends: zhipu\nname: cheap\nsource: https://example.org\nas_of: 2026-02-03\n"
    assert load_target(str(_write(tmp_path / "cheap.yaml", child))).models == load_target("zhipu").models


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PROFILE + "min_row: 3\n", "min_row is no field; did you mean 'min_rows'"),
        (PROFILE.replace("max_tokens", "max_token"), r"models\.small\.max_token is no field"),
        (PROFILE.replace("kind: hosted\n", ""), "kind is missing"),
        (PROFILE.replace("source: https://example.org/docs\n", ""), "source is missing"),
        (PROFILE.replace("as_of: 2026-01-02\n", "as_of: soon\n"), "as_of: .*, not 'soon'"),
        (PROFILE + "min_rows: 0\n", "min_rows: input should be greater than 0, not 0"),
        ("extends: nowhere\nsource: s\nas_of: 2026-01-01\n", "extends 'nowhere', which does not exist"),
        ("extends: zhipu\nname: x\n", "source is missing: each file states its own"),
        ("extends: broken\nsource: s\nas_of: 2026-01-01\n", "`extends` goes in a circle"),
        ("- a\n", "a mapping of fields is expected, not list"),
        ("a: [\n", "line 2"),
    ],
)
def test_faults_are_told_by_file_and_field(tmp_path: Path, text: str, message: str) -> None:
    path = _write(tmp_path / "broken.yaml", text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_fact(path, Target)
    assert str(path) in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = _write(tmp_path / "broken.yaml", PROFILE.replace("title: Mine\n", "") + "colour: red\n")
    with pytest.raises(ConfigError, match=r"title is missing; colour is no field"):
        read_fact(path, Target)


def test_yaml_cannot_run_code(tmp_path: Path) -> None:
    path = _write(tmp_path / "evil.yaml", "!!python/object/apply:os.system ['true']\n")
    with pytest.raises(ConfigError, match="evil"):
        read_fact(path, Target)


def test_prices_must_be_above_zero(tmp_path: Path) -> None:
    card = "target: t\nsource: s\nas_of: 2026-01-01\ncurrency: CNY\nunit: 1K tokens\nprices: {m: 0}\n"
    with pytest.raises(ConfigError, match=r"prices\.m"):
        read_fact(_write(tmp_path / "t.yaml", card), PriceCard)


def test_unknown_names_get_a_hint() -> None:
    with pytest.raises(UsageError, match="no target 'zipu'; did you mean 'zhipu'"):
        load_target("zipu")
    with pytest.raises(UsageError, match="no gpu 'h101'; did you mean 'h10"):
        load_gpu("h101")
    with pytest.raises(UsageError, match="no model"):
        load_fact("gpt-9", Model)
    with pytest.raises(ConfigError, match="does not exist"):
        load_target("missing.yaml")


def test_models_are_found_by_name_path_and_alias() -> None:
    for name in ("qwen2.5-7b", "Qwen/Qwen2.5-7B", "Qwen/Qwen2.5-7B-Instruct", "QWEN2.5-7B-instruct"):
        found = find_model(name)
        assert found is not None
        assert found.name == "qwen2.5-7b"
    assert find_model("qwen") is None


def test_a_card_is_stale_after_90_days() -> None:
    card = load_prices("bailian-intl")
    assert card is not None
    assert stale(card, "prices", card.as_of + timedelta(days=90)) is None
    warning = stale(card, "prices", card.as_of + timedelta(days=91))
    assert warning == f"prices are of {card.as_of}, 91 days ago: check {card.source}"
