"""Runs in the peers' environment: axolotl's chat_template strategy, and DPO's chat_template.default, over each case.

argv: the cases, a folder, a tokenizer. Its packages import trainers when they are loaded, so that its modules are taken
without them.
"""

import json
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from dry_run_cases import judge_cases, load_rows, verdict_of
from transformers import AutoTokenizer

ROOT = Path(find_spec("axolotl").submodule_search_locations[0])


def _package(name: str, place: Path) -> None:
    """A package of modules alone: what its own __init__ would import is not needed."""
    module = ModuleType(name)
    module.__path__, module.__spec__ = [str(place)], ModuleSpec(name, None, is_package=True)
    sys.modules[name] = module


for package in ("axolotl", "axolotl.prompt_strategies", "axolotl.prompt_strategies.dpo", "axolotl.utils",
                "axolotl.utils.schemas"):  # fmt: skip
    _package(package, ROOT.parent / package.replace(".", "/"))

from axolotl.prompt_strategies.chat_template import ChatTemplatePrompter, ChatTemplateStrategy  # noqa: E402
from axolotl.prompt_strategies.dpo.chat_template import default  # noqa: E402

tokenizer = AutoTokenizer.from_pretrained(sys.argv[3])
trimming = AutoTokenizer.from_pretrained(sys.argv[3])
"""The same with a template that trims, as those of Llama 3 and Gemma do."""
trimming.chat_template = trimming.chat_template.replace("{{- message.content }}", "{{- message.content | trim }}")


def _strategy(rows: list[dict[str, Any]]) -> ChatTemplateStrategy:
    options: dict[str, Any] = {}
    if "conversations" in rows[0]:
        options = {"field_messages": "conversations", "message_property_mappings": {"role": "from", "content": "value"}}
    prompter = ChatTemplatePrompter(tokenizer, tokenizer.chat_template, message_field_training="training", **options)
    return ChatTemplateStrategy(prompter, tokenizer, False, 2048, roles_to_train=["assistant"], train_on_eos="turn")


def judge(rows: list[dict[str, Any]], kind: str, place: Path) -> tuple[str, str]:
    loaded = load_rows(rows, place)
    if kind == "dpo":
        field = "messages" if "messages" in rows[0] else "conversations"
        mappings = {} if field == "messages" else {"message_property_mappings": {"role": "from", "content": "value"}}
        config = {"datasets": [{"field_messages": field, **mappings}], "chat_template": "tokenizer_default"}
        transform, _ = default(config)
        return "kept", "".join(json.dumps(transform(row, tokenizer=trimming)) for row in loaded)
    strategy = _strategy(rows)
    made = [strategy.tokenize_prompt(row) for row in loaded]
    return verdict_of(len(rows), [one["labels"] for one in made]), "".join(
        tokenizer.decode(one["input_ids"]) for one in made
    )


judge_cases(judge)
