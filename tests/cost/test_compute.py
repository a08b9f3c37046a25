"""FLOPs equal torch's counter; work and hours are worked by hand."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from dsforge.cost.compute import Work, training_flops, training_hours, work_of
from dsforge.cost.config_json import read_model
from dsforge.cost.setup import Setup
from dsforge.targets.profile import LocalMethod
from tests.cost.small import TINY, config_of, registered_config

ROWS, TOKENS = 2, 96


def _counted(config: Any, method: LocalMethod, checkpointing: bool) -> int:
    """The operations of a step as torch counts them; the fused attention kernel would count as nothing on a CPU."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoModelForCausalLM

    config._attn_implementation = config._experts_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).train()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        if method == "lora":
            peft = pytest.importorskip("peft")
            model = peft.get_peft_model(model, peft.LoraConfig(r=8, target_modules="all-linear"))
            model.enable_input_require_grads()
    rows = torch.randint(1, 512, (ROWS, TOKENS))
    with FlopCounterMode(display=False) as counter:
        model(input_ids=rows, labels=rows).loss.backward()
    return int(counter.get_total_flops())


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_flops_are_within_2_percent_of_torchs_counter(method: LocalMethod, checkpointing: bool) -> None:
    counted = _counted(registered_config(TINY), method, checkpointing)
    setup = Setup(method, 8, checkpointing=checkpointing)
    ours = training_flops(TINY, setup, work_of([TOKENS] * ROWS))
    assert ours == pytest.approx(counted, rel=0.02)


@pytest.mark.parametrize("name", ["glm", "mixtral", "deepseek-v2-lite", "deepseek-v3"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_flops_of_experts_and_latent_attention(name: str, checkpointing: bool, tmp_path: Path) -> None:
    config = config_of(name)
    config.save_pretrained(tmp_path)
    setup = Setup("full", checkpointing=checkpointing)
    ours = training_flops(read_model(str(tmp_path)), setup, work_of([TOKENS] * ROWS))
    assert ours == pytest.approx(_counted(config, "full", checkpointing), rel=0.02)


def test_work_of_rows() -> None:
    assert work_of([3, 5]) == Work(8, 34)
    assert work_of([3, 5], limit=4) == Work(7, 25)


def test_a_batch_is_filled_up_to_its_longest_row_unless_rows_are_packed() -> None:
    assert work_of([3, 5, 2], padded_to=2) == Work(5 + 5 + 2, 25 + 25 + 4)
    assert work_of([3, 5, 2], padded_to=1) == Work(10, 38)


def test_extra_forwards_add_forward_passes() -> None:
    setup = Setup("full", checkpointing=False)
    plain, dpo, kto = (training_flops(TINY, setup, Work(100, 1000, extra)) for extra in (0.0, 1.0, 3.0))
    assert dpo / plain == pytest.approx(4 / 3)
    assert kto / plain == pytest.approx(2)


def test_qlora_does_the_work_of_lora_and_fewer_targets_do_less() -> None:
    work = work_of([100] * 4)
    lora, qlora, few = (
        training_flops(TINY, setup, work)
        for setup in (Setup("lora"), Setup("qlora"), Setup("lora", targets=("q_proj",)))
    )
    assert few < lora == qlora


def test_hours_from_peak_and_utilisation() -> None:
    fast, slow = training_hours(3600 * 100e12, 100)
    assert (fast, slow) == (pytest.approx(1 / 0.45), pytest.approx(4))
    assert training_hours(3600 * 100e12, 100, 4)[1] == pytest.approx(1)
    assert training_hours(3600 * 100e12, 100, 1, (0.5, 0.5)) == (pytest.approx(2), pytest.approx(2))
