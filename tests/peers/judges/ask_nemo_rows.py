"""Runs in the peers' environment: NeMo Automodel's ChatDataset over each case.

argv: the cases, a folder, a tokenizer.
"""

import sys
from pathlib import Path
from typing import Any

from dry_run_cases import judge_cases, verdict_of, write_rows
from nemo_automodel.components.datasets.llm.chat_dataset import ChatDataset
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(sys.argv[3])


def judge(rows: list[Any], kind: str, place: Path) -> tuple[str, str]:
    dataset = ChatDataset(write_rows(rows, place), tokenizer)
    made = [dataset[index] for index in range(len(dataset))]
    seen = "".join(tokenizer.decode(one["input_ids"]) for one in made)
    return verdict_of(len(rows), [one["labels"] for one in made]), seen


judge_cases(judge)
