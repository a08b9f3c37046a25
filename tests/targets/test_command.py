"""`dsforge targets` from the outside."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest

from dsforge.cli.targets import _described
from dsforge.targets.load import fact_names, load_target
from dsforge.targets.profile import Target
from tests.cli.run import as_json, assert_one_line_error, dsforge

ALWAYS = {"name", "title", "kind", "notice", "source", "as_of", "formats", "trains", "over_limit", "models"}


def test_all_are_listed_with_their_notices() -> None:
    done = dsforge("targets")
    assert done.returncode == 0
    for name in fact_names(Target):
        assert f" {name} " in done.stdout
    for said in ("Zhipu BigModel", "hosted", "10 rows at least", "truncate", "openai: closed to new users",
                 "mistral: fine-tuning is deprecated"):  # fmt: skip
        assert said in done.stdout


def test_json_has_the_documented_keys() -> None:
    listed = as_json(dsforge("targets", "--json"))["targets"]
    assert [target["name"] for target in listed] == fact_names(Target)
    for target in listed:
        assert set(target) >= ALWAYS
    zhipu = next(target for target in listed if target["name"] == "zhipu")
    assert zhipu["models"]["glm-4.5-air"] == {"trains": ["sft"], "takes": ["tools", "reasoning"], "methods": ["full"]}
    assert zhipu["file"]["max_bytes"] == 100_000_000


def test_one_is_told_with_the_source_of_each_fact() -> None:
    shown = dsforge("targets", "azure").stdout
    notes = dict(re.findall(r"^\[(\d+)\] (.*)$", shown, re.MULTILINE))
    facts = {name: notes[number] for name, number in re.findall(r"^ *(\w+) .*\[(\d+)\]$", shown, re.MULTILINE)}
    assert facts["max_per_row"] == facts["min_rows"] == facts["byte_order_mark"] == facts["max_media_rows"]
    assert facts["min_rows"] == "https://learn.microsoft.com/azure/ai-foundry/openai/how-to/fine-tuning, 2026-11-21"
    assert facts["references"] == "https://platform.openai.com/docs/guides/vision-fine-tuning, 2026-11-21"
    assert facts["needed"].startswith("github.com/microsoft/azure-skills@1a03acf")
    assert facts["trains"].startswith("https://platform.openai.com/docs/guides/supervised-fine-tuning")
    assert "azure: Azure OpenAI (hosted)" in shown
    assert "Other models are trained too" in shown


@pytest.mark.parametrize("name", fact_names(Target))
def test_json_has_source_and_day_of_every_fact(name: str) -> None:
    target = _described(load_target(name))
    chosen = {"severities", "traps", "default_model", "name", "title", "kind", "source", "as_of", "sources"}
    for field, value in target.items():
        if field not in chosen:
            parts = value if isinstance(value, dict) else ()
            facts = [f"{field}.{part}" for part in parts if part not in ("source", "as_of")]
            for fact in facts if isinstance(value, dict) else [field]:
                assert target["sources"][fact]["source"]
                date.fromisoformat(target["sources"][fact]["as_of"])


def test_a_fact_or_a_model_can_have_a_source_of_its_own() -> None:
    zhipu, openai = load_target("zhipu"), load_target("openai")
    assert zhipu.origin("models.glm-4v-plus")[0] == "BigModel model fine-tuning guide, section on billing alone"
    assert zhipu.origin("models.glm-4v") == (zhipu.source, zhipu.as_of)
    assert zhipu.origin("file.max_bytes")[0].startswith("zhipuai 2.1.5")
    assert openai.origin("file.max_media_rows")[0].endswith("vision-fine-tuning")
    assert openai.origin("file.max_bytes") == openai.origin("formats") == (openai.source, openai.as_of)


def test_of_a_model() -> None:
    of_model = dsforge("targets", "bedrock/llama-3.1").stdout
    assert "Amazon Bedrock (llama-3.1)" in of_model
    assert "prompt-completion" in of_model
    assert "nova-lite" not in of_model
    assert "32,768 (full: 16,384)" in dsforge("targets", "zhipu").stdout


def test_old_facts_are_warned_of() -> None:
    done = dsforge("targets", "bailian-intl", "--json")
    assert "days ago: check https://www.alibabacloud.com" in done.stderr
    assert json.loads(done.stdout)["targets"][0]["as_of"] == "2026-03-17"


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: zhipu\nname: mine\ntitle: Mine\nsource: https://example.org\nas_of: 2026-01-01\n")
    assert "mine: Mine (hosted)" in dsforge("targets", path).stdout


def test_unknown_names_are_one_line_and_exit_2() -> None:
    assert_one_line_error(dsforge("targets", "zipu"), "did you mean 'zhipu'")
    assert_one_line_error(dsforge("targets", "zhipu/glm-4-9"), "did you mean 'glm-4-9b'")
