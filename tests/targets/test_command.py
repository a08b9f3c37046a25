"""`dsforge targets` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

from dsforge.targets.load import fact_names
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


def test_one_is_told_with_its_sources() -> None:
    shown = dsforge("targets", "azure").stdout
    for said in ("azure: Azure OpenAI (hosted)", "max_per_row       64", "source: https://learn.microsoft.com",
                 "github.com/microsoft/azure-skills@1a03acf", "https://platform.openai.com/docs/guides/vision",
                 "Other models are trained too"):  # fmt: skip
        assert said in shown
    of_model = dsforge("targets", "bedrock/llama-3.1").stdout
    assert "Amazon Bedrock (llama-3.1)" in of_model
    assert "prompt-completion" in of_model
    assert "nova-lite" not in of_model
    assert "32,768 (16,384 in full" in dsforge("targets", "zhipu").stdout


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
