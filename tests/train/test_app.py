"""Overrides to a configuration: Hydra's grammar, and one line with the nearest word for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsforge.errors import ConfigError
from dsforge.resources import resource
from dsforge.train.app import compose_config, compose_plain
from dsforge.train.config import Lora

_GOOD = ["model=tiny", "data.path=rows.jsonl", "run.name=a"]


def test_groups_and_overrides_are_composed() -> None:
    config = compose_config([*_GOOD, "peft.r=8", "trl.max_length=null", "+trl.neftune_noise_alpha=5"])
    assert isinstance(config.peft, Lora)
    assert (config.peft.r, config.max_length, config.trl["neftune_noise_alpha"]) == (8, None, 5)
    assert compose_config([*_GOOD, "peft=full"]).peft.name == "full"


def test_a_path_is_enough_to_name_a_model() -> None:
    config = compose_config(["model.path=Qwen/Qwen2.5-0.5B-Instruct", *_GOOD[1:]])
    assert config.model.kind == "path"
    assert not config.model.trust_remote_code


@pytest.mark.parametrize(
    "name", ["a b.jsonl", "a,b(1).jsonl", "它的[x]{y}.jsonl", "a=b#c.jsonl", 'q"uote.jsonl', "数据.jsonl"]
)
def test_file_names_need_no_quotes(name: str) -> None:
    assert compose_config([*_GOOD, f"data.path={name}"]).data.path == name


def test_names_in_any_script_need_no_quotes() -> None:
    config = compose_config(["model=tiny", "data.path=[数据.jsonl,a b.jsonl]", "run.name=第一", "run.folder=结果"])
    assert config.data.paths == ["数据.jsonl", "a b.jsonl"]
    assert (config.run.name, config.run.folder) == ("第一", "结果")


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        (["modle=tiny"], ["'modle'", "did you mean 'model'"]),
        (["model=tinny"], ["no model 'tinny'", "did you mean 'tiny'"]),
        (["peft=lorra"], ["no peft 'lorra'", "did you mean 'lora'"]),
        (["data.pth=x"], ["'data.pth'", "did you mean 'data.path'"]),
        (["trl.learning_rat=1"], ["did you mean 'trl.learning_rate'"]),
        (["trl.neftune_noise_alpha=5"], ["write +trl.neftune_noise_alpha=5"]),
        (["model=tiny", "run.name=a"], ["not said: data.path", "data.path=..."]),
        (["data.path=x", "run.name=a"], ["model.path", "model=tiny"]),
        ([*_GOOD, "data.limit=many"], ["data.limit=many", "integer"]),
        ([*_GOOD, "data.limit=0"], ["data.limit=0", "greater than 0"]),
        ([*_GOOD, "data.too_long=drop"], ["data.too_long=drop", "'cut' or 'reject'"]),
        ([*_GOOD, "peft.r=big"], ["peft.r=big", "integer"]),
        ([*_GOOD, "run.name=../up"], ["run.name=../up", "letters, digits", "run.folder"]),
        ([*_GOOD, "data.validation=1.5"], ["data.validation=1.5: a share of the rows is between 0 and 1"]),
        ([*_GOOD, "+mehtod=dpo"], ["no key 'mehtod'", "did you mean 'method'"]),
        ([*_GOOD, "+run.patiense=2"], ["no key 'run.patiense'", "did you mean 'run.patience'"]),
        ([*_GOOD, "peft.r=8,16"], ["sweep"]),
        ([*_GOOD, "what"], ["KEY=VALUE"]),
        ([*_GOOD, "data.limit=0", "peft.r=0"], ["data.limit", "peft.r"]),
    ],
)
def test_every_mistake_is_named_in_one_line(overrides: list[str], parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        compose_config(overrides)
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def test_every_option_of_every_group_composes() -> None:
    """A new file in a group works without anything else being told of it."""
    for file in sorted(Path(resource("conf", "train")).glob("*/*.yaml")):
        assert compose_plain([f"{file.parent.name}={file.stem}"])
