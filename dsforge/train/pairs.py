"""What the methods that train preference pairs have in common."""

from __future__ import annotations

from typing import Any

from dsforge.errors import ConfigError, RowError
from dsforge.example import Example
from dsforge.tokens.answers import Answers, Said, render_answers
from dsforge.tokens.template import IGNORED, ChatTemplate
from dsforge.train.config import TrainConfig
from dsforge.train.token_rows import Lists, TokenRows, dataset_of


def check_reference(config: TrainConfig) -> None:
    """ConfigError where the reference model cannot follow the trained one; TRL says so once the model is loaded."""
    if not config.trl.get("sync_ref_model"):
        return
    for reason, there in (
        (f"peft={config.peft.name}", config.peft.is_adapter),
        ("trl.precompute_ref_log_probs=true", bool(config.trl.get("precompute_ref_log_probs"))),
    ):
        if there:
            raise ConfigError(f"trl.sync_ref_model=true needs a reference model beside, which {reason} does without")


def accept_pair(example: Example) -> None:
    """RowError for what is no preference pair."""
    if example.label is not None:
        raise RowError("a KTO row (one answer with a label); this method trains pairs, chosen and rejected", "", "X902")
    if not example.is_preference:
        raise RowError("no pair: chosen and rejected are missing; this method trains such pairs", "", "X902")


def answers_of_pair(example: Example) -> list[Said]:
    """Chosen and rejected."""
    return [
        Said(example.chosen or [], "/chosen", "chosen", good=True),
        Said(example.rejected or [], "/rejected", "rejected", good=False),
    ]


def render_pair(template: ChatTemplate, example: Example) -> Answers:
    """The texts of a pair."""
    return render_answers(template, example.messages, answers_of_pair(example), example.tools, apart=False)


def prompt_length(labels: list[int]) -> int:
    """How many tokens stand before the answer."""
    return next((index for index, label in enumerate(labels) if label != IGNORED), len(labels))


def split_dataset(rows: TokenRows, config: TrainConfig) -> Any:
    """`prompt_ids`, `chosen_ids` and `rejected_ids`, as DPOTrainer's own preparation makes them."""
    columns = {name: Lists() for name in ("prompt_ids", "chosen_ids", "rejected_ids")}
    for (chosen, labels), (rejected, _) in rows.rows():
        start = prompt_length(labels)
        columns["prompt_ids"].append(chosen[:start])
        columns["chosen_ids"].append(chosen[start:])
        columns["rejected_ids"].append(rejected[start:])
    return dataset_of({**columns, "length": pair_lengths(rows)})


def pair_lengths(rows: TokenRows) -> list[int]:
    """The longer sequence of each pair, in tokens: what a sampler groups by."""
    lengths = iter(rows.lengths)
    return [max(pair) for pair in zip(lengths, lengths, strict=True)]
