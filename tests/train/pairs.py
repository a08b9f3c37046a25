"""Preference pairs and labelled answers for tests, and what TRL itself makes of them."""

from __future__ import annotations

import copy
import json
from importlib import import_module
from pathlib import Path
from typing import Any

from dsforge.train.recipe import Recipe
from tests.train.small import KINDS

Row = dict[str, Any]
SUPPORT = Path(__file__).parents[2] / "examples" / "support" / "pairs.jsonl"


def support_pairs() -> list[Row]:
    """The example's pairs in TRL's own columns, but for the two that hold nothing to prefer."""
    rows = [json.loads(line) for line in SUPPORT.read_text(encoding="utf-8").splitlines()]
    pairs = [
        {
            "prompt": row["input"]["messages"],
            "chosen": row["preferred_output"],
            "rejected": row["non_preferred_output"],
            "tools": row["input"].get("tools", []),
        }
        for row in rows
        if "non_preferred_output" in row
    ]
    return [pair for pair in pairs if pair["chosen"] != pair["rejected"]]


def tool_pairs() -> list[Row]:
    """Calls whose arguments have other keys in each row, answers of several messages, reasoning, earlier answers."""
    weather, time = (copy.deepcopy(KINDS[name]) for name in ("weather", "time"))
    for row in (weather, time):
        for message in row["messages"]:
            for call in message.get("tool_calls", []):
                call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    turns, reasoning = KINDS["turns"]["messages"], KINDS["reasoning"]["messages"]
    return [
        {
            "prompt": weather["messages"][:1],
            "chosen": weather["messages"][1:],
            "rejected": [{"role": "assistant", "content": "No idea."}],
            "tools": weather["tools"],
        },
        {
            "prompt": time["messages"][:1],
            "chosen": time["messages"][1:2],
            "rejected": [{"role": "assistant", "content": "Late 🌙."}],
            "tools": time["tools"],
        },
        {
            "prompt": turns[:3],
            "chosen": turns[3:],
            "rejected": [{"role": "assistant", "content": "不。"}],
            "tools": [],
        },
        {
            "prompt": reasoning[:1],
            "chosen": reasoning[1:],
            "rejected": [{"role": "assistant", "content": "Yes.", "reasoning_content": "9 is odd."}],
            "tools": [],
        },
    ]


def labelled(pairs: list[Row]) -> list[Row]:
    """Each pair's answers as labelled rows, the rejected of one pair after the chosen of the next."""

    def one(pair: Row, side: str) -> Row:
        return {"prompt": pair["prompt"], "completion": pair[side], "label": side == "chosen", "tools": pair["tools"]}

    good, bad = ([one(pair, side) for pair in pairs] for side in ("chosen", "rejected"))
    return [row for both in zip(good, [bad[-1], *bad[:-1]], strict=True) for row in both]


def trl_dataset(rows: list[Row], whole: bool) -> Any:
    """The rows as TRL's documentation wants them, with no room for Arrow to unite their keys unless that is `whole`.

    ORPOTrainer puts text where the messages were, which columns of a declared type do not take.
    """
    from datasets import Dataset, Features, Json, List, Value

    if whole:
        return Dataset.from_list([{key: value for key, value in row.items() if key != "tools"} for row in rows])
    kinds: dict[str, Any] = {"label": Value("bool"), "tools": Value("string")}
    ready = [{**row, "tools": json.dumps(row["tools"])} for row in rows]
    return Dataset.from_list(ready, features=Features({name: kinds.get(name, List(Json())) for name in ready[0]}))


def trl_trainer(recipe: Recipe, model: Any, tokenizer: Any, rows: list[Row], folder: Path, **arguments: Any) -> Any:
    """A trainer that TRL prepares from the messages, without any of our code."""
    module = import_module(recipe.trainer.module)
    lora = arguments.pop("lora", None)
    validation = arguments.pop("validation", None)
    whole = recipe.name == "orpo"
    settings = {"use_cpu": True, "bf16": False, "report_to": "none", "disable_tqdm": True, "save_strategy": "no",
                "logging_steps": 1}  # fmt: skip
    return getattr(module, f"{recipe.trainer.name}Trainer")(
        model=model,
        args=getattr(module, f"{recipe.trainer.name}Config")(output_dir=str(folder), **{**settings, **arguments}),
        train_dataset=trl_dataset(rows, whole),
        eval_dataset=trl_dataset(validation, whole) if validation else None,
        processing_class=tokenizer,
        peft_config=lora,
    )
