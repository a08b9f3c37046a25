"""Runs in our own environment: what TRL's trainers prepare of each case. argv: the cases, a folder, a tokenizer."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dry_run_cases import IGNORED, judge_cases, load_rows, verdict_of
from transformers import AutoTokenizer
from trl import DPOConfig, KTOConfig, SFTConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_trainer import KTOTrainer
from trl.trainer.sft_trainer import SFTTrainer

tokenizer = AutoTokenizer.from_pretrained(sys.argv[3])


def prepare(data: Any, kind: str, place: Path) -> Any:
    """The dataset as a trainer of the kind prepares it; only what that asks of the trainer stands in for one."""
    options = {"output_dir": str(place), "use_cpu": True, "bf16": False, "report_to": "none"}
    first = next(iter(data))
    if {"image", "images"} & first.keys():
        raise ValueError("TRL takes rows with images for those of a vision model, which this is not")
    if kind == "dpo":
        stand_in = SimpleNamespace(_tokenizer=tokenizer)
        return DPOTrainer._prepare_dataset(stand_in, data, tokenizer, DPOConfig(**options), "train")
    if kind == "kto":
        stand_in = SimpleNamespace(
            _tokenizer=tokenizer, calculate_KL=True, desirable_weight=1.0, undesirable_weight=1.0
        )
        return KTOTrainer._prepare_dataset(stand_in, data, tokenizer, KTOConfig(**options), "train")
    both = {"prompt", "completion"} <= first.keys()
    stand_in = SimpleNamespace(_tokenizer=tokenizer, chat_template=None, completion_only_loss=both)
    return SFTTrainer._prepare_dataset(stand_in, data, tokenizer, SFTConfig(**options), False, None, "train")


def verdict_on(prepared: Any, rows: int) -> tuple[str, str]:
    """The verdict on a prepared dataset, and what is trained of it: all of it, or the answers after `|`."""
    if "labels" in prepared.column_names:
        trained = [[label for label in one if label != IGNORED] for one in prepared["labels"]]
        return verdict_of(rows, prepared["labels"]), "".join(map(tokenizer.decode, trained))
    answer = "chosen_ids" if "chosen_ids" in prepared.column_names else "completion_ids"
    seen = "".join(f"{tokenizer.decode(row['prompt_ids'])}|{tokenizer.decode(row[answer])}" for row in prepared)
    # equal answers have no gradient
    labels = [[IGNORED] if row.get("rejected_ids") == row[answer] else [1] for row in prepared]
    return verdict_of(rows, labels), seen


def judge(rows: list[Any], kind: str, place: Path) -> tuple[str, str]:
    return verdict_on(prepare(load_rows(rows, place), kind, place), len(rows))


if __name__ == "__main__":
    judge_cases(judge)
