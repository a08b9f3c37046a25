"""How a run is served: by vLLM and by Ollama, as the facts in conf/serving allow; and its model card."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsforge.tokens.template import ChatTemplate, chatml_template
from dsforge.train.card import card
from dsforge.train.config import PathModel
from dsforge.train.manifest import Manifest
from dsforge.train.saved import Saved
from dsforge.train.serve import Served, commands, modelfile, vllm_command

Run = tuple[Path, Manifest]
LORA = {"peft_type": "LORA", "r": 16, "bias": "none"}


def _path(path: str, revision: str | None = None) -> PathModel:
    return PathModel(kind="path", path=path, revision=revision, dtype="auto", template="auto", trust_remote_code=False)


def _served(folder: Path, adapter: dict[str, Any] | None = None, **more: Any) -> Served:
    """A run in `folder`; of an adapter where it is given, else of a model."""
    path = folder / ("model" if adapter is None else "adapter")
    path.mkdir(parents=True, exist_ok=True)
    if adapter is not None:
        (path / "adapter_config.json").write_text(json.dumps(adapter))
    base = more.pop("base", _path("org/base"))
    settings = {"architecture": "LlamaForCausalLM", "template": "{{ x }}", "origin": "the tokenizer's own",
                "stop": "<|im_end|>"}  # fmt: skip
    scores = more.pop("scores", False)
    return Served("first", folder, Saved(path, adapter is not None, base, scores), **{**settings, **more})


@pytest.mark.parametrize(("r", "pattern", "room"), [(4, {}, 8), (16, {}, 16), (17, {}, 32), (8, {"q_proj": 40}, 64)])
def test_vllm_has_room_for_the_rank(tmp_path: Path, r: int, pattern: dict[str, int], room: int) -> None:
    served = _served(tmp_path / "a run", {**LORA, "r": r, "rank_pattern": pattern})
    words = shlex.split(vllm_command(served))
    assert words == ["vllm", "serve", "org/base", "--enable-lora", "--lora-modules",
                     f"first={tmp_path / 'a run' / 'adapter'}", "--max-lora-rank", str(room)]  # fmt: skip


def test_vllm_is_given_the_template_where_the_base_has_another(tmp_path: Path) -> None:
    served = _served(tmp_path, LORA, origin="dsforge's ChatML", base=_path("org/base", "v2"))
    words = shlex.split(vllm_command(served))
    assert words[words.index("--chat-template") + 1] == str(tmp_path / "adapter" / "chat_template.jinja")
    assert words[words.index("--revision") + 1] == "v2"


@pytest.mark.parametrize(
    "special",
    [{"use_dora": True}, {"peft_type": "IA3"}, {"modules_to_save": ["score"]}, {"bias": "lora_only"}],
)
def test_adapters_that_vllm_does_not_take_are_merged_first(tmp_path: Path, special: dict[str, Any]) -> None:
    served = _served(tmp_path, {**LORA, **special})
    assert vllm_command(served).startswith(f"dsforge merge {tmp_path}")
    merged = _served(tmp_path, {**LORA, **special}, merged=True)
    assert vllm_command(merged) == f"vllm serve {tmp_path}/merged --served-model-name first"


def test_ollama_takes_adapters_of_few_architectures(tmp_path: Path) -> None:
    told = modelfile(_served(tmp_path, LORA, base=_path(str(tmp_path))))
    assert f"\nFROM {tmp_path}\nADAPTER ./adapter\n" in told
    from_hub = modelfile(_served(tmp_path, LORA))
    assert f"# first: hf download org/base --local-dir {tmp_path}/base-model\nFROM ./base-model\nADAPTER" in from_hub
    for other in (
        _served(tmp_path, LORA, architecture="Qwen2ForCausalLM"), _served(tmp_path, {**LORA, "use_rslora": True})
    ):  # fmt: skip
        told = modelfile(other)
        assert "ADAPTER" not in told
        assert f"# first: dsforge merge {tmp_path}\nFROM ./merged\n" in told


def test_ollama_reads_models_it_knows_and_others_as_gguf(tmp_path: Path) -> None:
    assert "\nFROM ./model\n" in modelfile(_served(tmp_path, architecture="Qwen2ForCausalLM"))
    told = modelfile(_served(tmp_path, architecture="Qwen3ForCausalLM"))
    assert "convert_hf_to_gguf.py" in told
    assert "\nFROM ./first.gguf\n" in told
    assert 'TEMPLATE "' not in told
    assert '\nPARAMETER stop "<|im_end|>"\n' in told


def test_the_template_of_a_modelfile_says_what_was_trained_on(tmp_path: Path, template: ChatTemplate) -> None:
    """Ollama's template, filled in by hand, against the chat template itself."""
    chat = [("system", "Be brief."), ("user", "Where?"), ("assistant", "On the table.\nThere."), ("user", "Why?")]
    told = modelfile(_served(tmp_path, template=chatml_template()))
    (written,) = re.findall(r'TEMPLATE """(.*?)"""', told, re.DOTALL)
    head, each, tail = re.fullmatch(r"(.*)\{\{ range \.Messages \}\}(.*)\{\{ end \}\}(.*)", written, re.DOTALL).groups()  # type: ignore[union-attr]
    turns = [each.replace("{{ .Role }}", role).replace("{{ .Content }}", text) for role, text in chat]
    messages = [{"role": role, "content": text} for role, text in chat]
    theirs = template.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert head + "".join(turns) + tail == theirs


def test_a_reward_model_is_not_served(tmp_path: Path) -> None:
    assert commands(_served(tmp_path, LORA, scores=True)) == {}
    assert set(commands(_served(tmp_path, LORA))) == {"chat", "vllm", "ollama"}
    virtual = _served(tmp_path, {"peft_type": "P_TUNING", "num_virtual_tokens": 8})
    assert set(commands(virtual)) == {"chat"}


def _front(text: str) -> dict[str, Any]:
    front: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return front


def test_the_card_of_a_run_is_true(lora_run: Run) -> None:
    folder, manifest = lora_run
    text = (folder / "adapter" / "README.md").read_text()
    assert _front(text) == {"library_name": "peft", "pipeline_tag": "text-generation",
                            "tags": ["sft", "trl", "lora", "dsforge"]}  # fmt: skip
    assert f"{manifest.parameters_trained:,} of {manifest.parameters:,} weights" in text
    assert "| training | `rows.jsonl` | 24 | 4 |" in text
    assert manifest.data.sha256[:16] in text
    assert "smoke model with random weights" in text
    assert "| exact match | 0.0% [" in text
    assert "license" not in text
    assert 'AutoPeftModelForCausalLM.from_pretrained("adapter")' in text
    assert not (folder / "README.md").exists()  # what TRL writes


def test_the_card_names_a_base_of_the_hub_and_no_folder(lora_run: Run, tmp_path: Path) -> None:
    _, manifest = lora_run
    import msgspec

    model = {"kind": "path", "path": "org/base"}
    of_hub = msgspec.structs.replace(manifest, config={**manifest.config, "model": model}, evaluation=None)
    text = card(of_hub, _served(tmp_path, LORA), "adapter")
    assert _front(text)["base_model"] == "org/base"
    assert "## Measured" not in text
    merged = card(of_hub, _served(tmp_path, LORA, merged=True), "merged")
    assert _front(merged)["library_name"] == "transformers"
    assert 'AutoModelForCausalLM.from_pretrained("merged")' in merged
    local = card(of_hub, _served(tmp_path, LORA, base=_path(str(tmp_path))), "adapter")
    assert "base_model" not in _front(local)
