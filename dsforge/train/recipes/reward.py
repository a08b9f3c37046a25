"""A reward model: a score that is higher for chosen answers than for rejected ones, by TRL's RewardTrainer."""

from __future__ import annotations

from typing import Any

from dsforge.tokens.answers import encode_answers
from dsforge.train.config import TrainConfig
from dsforge.train.pairs import accept_pair, pair_lengths, render_pair
from dsforge.train.recipe import Recipe, Trainer
from dsforge.train.token_rows import Lists, TokenRows, dataset_of


def _dataset(rows: TokenRows, config: TrainConfig) -> Any:
    chosen, rejected = Lists(), Lists()
    for (of_chosen, _), (of_rejected, _) in rows.rows():
        chosen.append(of_chosen)
        rejected.append(of_rejected)
    return dataset_of({"chosen_ids": chosen, "rejected_ids": rejected, "length": pair_lengths(rows)})


RECIPE = Recipe(
    name="reward",
    summary="a reward model: one score, higher for chosen answers than for rejected ones",
    trainer=Trainer("Reward", takes_tokens=True),
    accept=accept_pair,
    render=render_pair,
    encode=encode_answers,
    dataset=_dataset,
    sequences=2,
    scores=True,
    whole=True,
    groups=True,
)
