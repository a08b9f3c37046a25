"""Direct Preference Optimization: chosen answers become likelier than rejected ones, by TRL's DPOTrainer."""

from __future__ import annotations

from dsforge.errors import ConfigError
from dsforge.tokens.answers import encode_answers
from dsforge.train.config import TrainConfig
from dsforge.train.pairs import accept_pair, check_reference, render_pair, split_dataset
from dsforge.train.recipe import Recipe, Trainer

LOSSES = (
    "sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot", "aot_unpaired",
    "apo_zero", "apo_down", "discopop", "sft", "sigmoid_norm",
)  # fmt: skip
"""The losses of TRL 1.16, by the help of `DPOConfig.loss_type`; an unknown one fails only at the first step."""


def _check(config: TrainConfig) -> None:
    check_reference(config)
    losses = config.trl.get("loss_type")
    if "exo_pair" in (losses if isinstance(losses, list) else [losses]) and not config.trl.get("label_smoothing"):
        raise ConfigError("trl.loss_type=exo_pair needs a label smoothing: +trl.label_smoothing=1e-3")


RECIPE = Recipe(
    name="dpo",
    summary="direct preference optimization: chosen answers likelier than rejected ones, against a reference model",
    trainer=Trainer("DPO", words={"loss_type": LOSSES}),
    accept=accept_pair,
    render=render_pair,
    encode=encode_answers,
    dataset=split_dataset,
    check=_check,
    sequences=2,
    refers=True,
    groups=True,
)
