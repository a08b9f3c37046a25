"""Runs in the peers' environment: torchtune's message transforms and its validation over each case.

torchtune asks for a torchao of its own when it is imported, so that its modules are taken without it.
"""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from dry_run_cases import judge_cases, load_rows

ROOT = Path(find_spec("torchtune").submodule_search_locations[0])


def _package(name: str, place: Path) -> None:
    """A package of modules alone: what its own __init__ would import is not needed."""
    module = ModuleType(name)
    module.__path__, module.__spec__ = [str(place)], ModuleSpec(name, None, is_package=True)
    sys.modules[name] = module


for package in ("torchtune", "torchtune.data", "torchtune.modules"):
    _package(package, ROOT.parent / package.replace(".", "/"))
transforms = ModuleType("torchtune.modules.transforms")
transforms.Transform = object
sys.modules["torchtune.modules.transforms"] = transforms

from torchtune.data._messages import (  # noqa: E402
    AlpacaToMessages,
    ChosenRejectedToMessages,
    OpenAIToMessages,
    ShareGPTToMessages,
    validate_messages,
)


def _transform(row: dict[str, Any], kind: str) -> Any:
    if kind == "dpo":
        return ChosenRejectedToMessages()
    if "conversations" in row:
        return ShareGPTToMessages()
    return AlpacaToMessages() if "instruction" in row else OpenAIToMessages()


def judge(rows: list[dict[str, Any]], kind: str, place: Path) -> tuple[str, str]:
    verdict, seen = "kept", ""
    for row in load_rows(rows, place):
        made = _transform(rows[0], kind)(row)
        if "messages" in made:
            validate_messages(made["messages"])
        messages = made.get("messages", made.get("chosen"))
        seen += "".join(f"[{message.role} {message.text_content}]" for message in messages)
        if all(message.masked for message in messages):
            verdict = "untrained"
    return verdict, seen


judge_cases(judge)
