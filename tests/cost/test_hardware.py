"""Parameters equal transformers' count, FLOPs torch's; memory keeps its band; rent is worked by hand."""

from __future__ import annotations

import warnings
from datetime import date

import pytest

from dsforge.cost.compute import Work, training_flops, training_hours, work_of
from dsforge.cost.hardware import Run, quote_hardware, smallest_fit
from dsforge.cost.memory import BAND, CONTEXT_GIB, training_memory
from dsforge.cost.parameters import count_adapter, count_parameters
from dsforge.cost.prices import PriceBook, parse_prices
from dsforge.targets.load import all_facts, find_model, load_gpu
from dsforge.targets.profile import Method, Model

TINY = Model(
    name="tiny", path="tiny", source="tests", as_of=date(2026, 1, 1), hidden_size=64, layers=3, heads=4, kv_heads=2,
    head_dim=16, intermediate_size=160, vocab_size=512, qk_norm=True,
)  # fmt: skip
TODAY = date(2026, 11, 21)


def _known(name: str) -> Model:
    model = find_model(name)
    assert model is not None
    return model


@pytest.mark.parametrize("model", list(all_facts(Model)), ids=lambda model: model.name)
def test_the_closed_form_gives_the_published_total(model: Model) -> None:
    assert count_parameters(model).total == model.parameters


def _config(model: Model) -> object:
    transformers = pytest.importorskip("transformers")
    kinds = {"qwen2.5": "Qwen2Config", "qwen3": "Qwen3Config", "tiny": "Qwen3Config", "llama": "LlamaConfig"}
    kind = next((found for prefix, found in kinds.items() if model.name.startswith(prefix)), "GlmConfig")
    more = {"attention_bias": True, "pad_token_id": 0} if kind == "GlmConfig" else {}
    return getattr(transformers, kind)(
        hidden_size=model.hidden_size, num_hidden_layers=model.layers, num_attention_heads=model.heads,
        num_key_value_heads=model.kv_heads, head_dim=model.head_dim, intermediate_size=model.intermediate_size,
        vocab_size=model.vocab_size, tie_word_embeddings=model.tied_embeddings, use_cache=False, **more,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["qwen2.5-0.5b", "qwen2.5-7b", "qwen3-8b", "qwen3-32b", "llama-3-8b", "glm-4-9b"])
def test_the_closed_form_equals_transformers_on_the_meta_device(name: str) -> None:
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM

    model = _known(name)
    with torch.device("meta"):
        built = AutoModelForCausalLM.from_config(_config(model))
    assert count_parameters(model).total == built.num_parameters()


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_flops_are_within_2_percent_of_torchs_counter(method: Method, checkpointing: bool) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import Qwen3ForCausalLM

    config = _config(TINY)
    config._attn_implementation = "eager"  # type: ignore[attr-defined]  # the fused kernel counts as nothing on a CPU
    model = Qwen3ForCausalLM(config).train()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        if method == "lora":
            peft = pytest.importorskip("peft")
            model = peft.get_peft_model(model, peft.LoraConfig(r=8, target_modules="all-linear"))
            model.enable_input_require_grads()
            assert count_adapter(TINY, 8) == model.get_nb_trainable_parameters()[0]
    rows = torch.randint(0, 512, (2, 96))
    with FlopCounterMode(display=False) as counter:
        model(input_ids=rows, labels=rows).loss.backward()
    ours = training_flops(TINY, method, Work(2 * 96, 2 * 96**2), rank=8, checkpointing=checkpointing)
    assert ours == pytest.approx(counter.get_total_flops(), rel=0.02)


def test_work_of_rows() -> None:
    assert work_of([3, 5]) == Work(8, 34)
    assert work_of([3, 5], limit=4) == Work(7, 25)


def test_extra_forwards_add_forward_passes() -> None:
    plain = training_flops(TINY, "full", Work(100, 1000), checkpointing=False)
    dpo = training_flops(TINY, "full", Work(100, 1000, 1.0), checkpointing=False)
    kto = training_flops(TINY, "full", Work(100, 1000, 3.0), checkpointing=False)
    assert dpo / plain == pytest.approx(4 / 3)
    assert kto / plain == pytest.approx(2)


def test_hours_from_peak_and_utilisation() -> None:
    fast, slow = training_hours(3600 * 100e12, 100)
    assert (fast, slow) == (pytest.approx(1 / 0.45), pytest.approx(4))
    assert training_hours(3600 * 100e12, 100, 4)[1] == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "method", "tokens", "batch", "traced"),
    [  # whole-model traces with fake tensors, rank 16, checkpointing, without the CUDA context
        ("qwen2.5-7b", "lora", 2048, 1, 15.9), ("qwen2.5-7b", "full", 2048, 1, 56.8),
        ("llama-3-8b", "lora", 2048, 1, 16.7), ("llama-3-8b", "full", 2048, 1, 59.8),
        ("glm-4-9b", "lora", 2048, 1, 19.6), ("glm-4-9b", "full", 2048, 1, 70.1),
        ("llama-3-8b", "lora", 4096, 2, 21.4),
    ],
)  # fmt: skip
def test_memory_is_near_what_traces_found(name: str, method: Method, tokens: int, batch: int, traced: float) -> None:
    memory = training_memory(_known(name), method, tokens, batch_size=batch)
    assert memory.total - CONTEXT_GIB == pytest.approx(traced, rel=BAND / 4)


def test_memory_grows_with_length_and_falls_with_gpus() -> None:
    model = _known("qwen2.5-7b")
    assert training_memory(model, "lora", 4096).total > training_memory(model, "lora", 1024).total
    shards = [training_memory(model, "full", 1024, gpus=count).total for count in (1, 2, 4, 8)]
    assert shards == sorted(shards, reverse=True)


def _run(name: str, method: Method, epochs: int = 3) -> Run:
    return Run(_known(name), method, work_of([1000] * 1000), 1000, epochs)


def test_the_smallest_count_that_fits() -> None:
    assert smallest_fit(_run("qwen2.5-7b", "lora"), load_gpu("rtx-4090"))[::2] == (1, True)
    assert smallest_fit(_run("qwen2.5-7b", "full"), load_gpu("a100-80gb"))[::2] == (1, True)
    assert smallest_fit(_run("qwen2.5-7b", "full"), load_gpu("rtx-4090"))[::2] == (4, True)
    assert smallest_fit(_run("qwen2.5-72b", "full"), load_gpu("a10"))[::2] == (8, False)


def test_rent_by_the_hour_is_pro_rata() -> None:
    quote = quote_hardware(_run("qwen2.5-7b", "lora"), load_gpu("rtx-4090"), PriceBook({}, TODAY))
    assert quote.hours is not None
    assert quote.amount == pytest.approx(quote.hours * 2, abs=1e-4)
    assert (quote.count, quote.currency, quote.fits) == (1, "CNY", True)
    assert quote.hours_range is not None
    assert quote.hours_range[0] < quote.hours_range[1] == quote.hours


def test_rent_by_the_month_is_for_whole_months() -> None:
    quote = quote_hardware(_run("qwen2.5-7b", "lora"), load_gpu("a10"), PriceBook({}, TODAY))
    assert quote.amount == 4000
    long = quote_hardware(_run("qwen2.5-7b", "lora", epochs=4000), load_gpu("a10"), PriceBook({}, TODAY))
    assert long.hours is not None
    assert long.amount == 4000 * -(-long.hours // 730)
    by_hour = PriceBook(parse_prices(["local.a10=5"]), TODAY)
    assert quote_hardware(_run("qwen2.5-7b", "lora"), load_gpu("a10"), by_hour).amount != 4000


def test_no_rent_and_no_fit_have_no_amount() -> None:
    free = quote_hardware(_run("qwen2.5-7b", "lora"), load_gpu("h100"), PriceBook({}, TODAY))
    assert (free.amount, free.currency) == (None, None)
    assert "give --price local.h100=..." in free.formula
    huge = quote_hardware(_run("qwen2.5-72b", "full"), load_gpu("rtx-4090"), PriceBook({}, TODAY))
    assert (huge.fits, huge.hours, huge.amount) == (False, None, None)
