"""Pairs and labelled answers: what each method trains on is token for token what TRL makes of the same rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsforge.errors import ConfigError, InputError
from dsforge.tokens.template import IGNORED
from dsforge.train.app import compose_config
from dsforge.train.pairs import prompt_length
from dsforge.train.preflight import Preflight
from dsforge.train.recipe import Recipe, get_recipe
from dsforge.train.run import prepared
from tests.train.pairs import SUPPORT, Row, labelled, support_pairs, tool_pairs, trl_trainer
from tests.train.small import PLAIN, config, lamp_rows, run, write_rows

_COLUMNS = {
    "dpo": ("prompt_ids", "chosen_ids", "rejected_ids"),
    "kto": ("prompt_ids", "completion_ids", "label", "KL_completion_ids"),
    "reward": ("chosen_ids", "rejected_ids"),
    "orpo": tuple(
        f"{side}_{kind}" for side in ("chosen", "rejected") for kind in ("input_ids", "attention_mask", "labels")
    ),
}
PAIR: Row = {
    "prompt": [{"role": "user", "content": "Where is the lamp?"}],
    "chosen": [{"role": "assistant", "content": "On the table."}],
    "rejected": [{"role": "assistant", "content": "Who knows."}],
}


def _found(data: Path, method: str, *overrides: str) -> Preflight:
    with prepared(config(data, data.parent / "runs", f"method={method}", *overrides)) as ready:
        return ready.training


def _tiny(tokenizer: Any, recipe: Recipe) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM, Qwen3ForSequenceClassification

    kind = Qwen3ForSequenceClassification if recipe.scores else Qwen3ForCausalLM
    return kind(
        Qwen3Config(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=32, num_hidden_layers=1,
                    num_attention_heads=2, num_key_value_heads=1, head_dim=16, num_labels=1,
                    pad_token_id=tokenizer.pad_token_id)
    )  # fmt: skip


def _both(
    method: str, rows: list[Row], folder: Path, *overrides: str, **arguments: Any
) -> tuple[Preflight, list[Row], Any]:
    """What dsforge found, the dataset it hands over, and the trainer that TRL prepared from the same rows."""
    data = write_rows(folder / "rows.jsonl", rows)
    with prepared(config(data, folder, f"method={method}", *overrides)) as ready:
        tokenizer, recipe = ready.template.tokenizer, ready.recipe
        model = _tiny(tokenizer, recipe)
        if not recipe.scores:
            # full DPO and KTO load their reference by the model's name
            model.save_pretrained(folder / "model")
            model = str(folder / "model")
        batch = {"per_device_train_batch_size": ready.config.trl["per_device_train_batch_size"]}
        theirs = trl_trainer(recipe, model, tokenizer, rows, folder, **{**batch, **arguments})
        return ready.training, list(recipe.dataset(ready.training.rows, ready.config)), theirs


def _picked(rows: Any, method: str) -> list[Row]:
    return [{name: row[name] for name in _COLUMNS[method]} for row in rows]


@pytest.mark.parametrize("method", ["dpo", "kto", "reward", "orpo"])
def test_tokens_are_those_of_trl(method: str, tmp_path: Path) -> None:
    pairs = [*support_pairs(), *(tool_pairs()[2:] if method == "orpo" else tool_pairs())]
    rows = labelled(pairs) if method == "kto" else pairs
    found, ours, theirs = _both(method, rows, tmp_path, "trl.max_length=null", max_length=1024)
    assert found.rows_used == len(rows) == len(theirs.train_dataset)
    assert _picked(ours, method) == _picked(theirs.train_dataset, method)
    lists = [(ids, labels) for ids, labels in found.rows]
    assert found.tokens == sum(len(ids) for ids, _ in lists)
    assert found.trained == sum(label != IGNORED for _, labels in lists for label in labels)


@pytest.mark.parametrize("method", ["dpo", "kto", "orpo"])
def test_long_rows_are_cut_and_dropped_as_trl_does(method: str, tmp_path: Path) -> None:
    """What the collator leaves of every row, and the rows that TRL drops in silence, are counted and said."""
    import torch

    pairs = [*support_pairs()[:12], *(tool_pairs()[2:] if method == "orpo" else tool_pairs())]
    rows = labelled(pairs) if method == "kto" else pairs
    whole = _found(write_rows(tmp_path / "rows.jsonl", rows), method, "trl.max_length=null")
    limit = sorted(prompt_length(labels) for _, labels in whole.rows)[-6]  # some prompts alone fill it
    found, ours, theirs = _both(method, rows, tmp_path, f"trl.max_length={limit}", max_length=limit)
    # ORPOTrainer keeps rows with nothing to train, whose loss is no number
    kept = [row for row in theirs.train_dataset if set(row.get("chosen_labels", [0])) != {IGNORED}]
    assert 0 < len(kept) == found.rows_used < len(rows)
    assert found.over_length > len(found.rejects) == len(rows) - len(kept)
    assert {reject.code for reject in found.rejects} == {"L301"}
    expected, mine = (theirs.data_collator(_picked(data, method)) for data in (kept, ours))
    for name in {"input_ids", "attention_mask", "completion_mask", "KL_input_ids", "KL_completion_mask"} & set(
        expected
    ):
        assert torch.equal(expected[name], mine[name])
    masks = [expected[name] for name in ("completion_mask",) if name in expected]
    if masks:
        assert found.trained == int(masks[0].sum())
        assert found.tokens == int(expected["attention_mask"].sum())
    else:
        assert _picked(ours, method) == _picked(kept, method)
    assert whole.trained == found.trained + found.cut_trained
    limit = whole.longest - 1
    rejected = _found(tmp_path / "rows.jsonl", method, f"trl.max_length={limit}", "data.too_long=reject")
    assert len(rejected.rejects) == rejected.over_length == len(rows) - rejected.rows_used == 1
    assert whole.trained == rejected.trained + rejected.cut_trained
    assert rejected.longest == found.longest == whole.longest


def test_a_reward_model_reads_whole_rows(tmp_path: Path) -> None:
    """TRL drops a pair one of whose answers is over the limit; it is told, and none is cut."""
    rows = [*support_pairs()[:12], *tool_pairs()]
    whole = _found(write_rows(tmp_path / "rows.jsonl", rows), "reward", "trl.max_length=null")
    limit = sorted(len(ids) for ids, _ in whole.rows)[-8]
    found, ours, theirs = _both("reward", rows, tmp_path, f"trl.max_length={limit}", max_length=limit)
    assert 0 < len(theirs.train_dataset) == found.rows_used < len(rows)
    assert _picked(ours, "reward") == _picked(theirs.train_dataset, "reward")
    assert len(found.rejects) == found.over_length == len(rows) - found.rows_used
    assert "cannot train a part" in found.rejects[0].reason


def test_pairs_become_labelled_rows_that_are_no_neighbours(tmp_path: Path) -> None:
    """Chosen is good, rejected is bad; the two of a pair never stand in one batch, and batches hold both labels."""
    rows = [{**PAIR, "prompt": [{"role": "user", "content": f"Lamp {index}?"}]} for index in range(16)]
    data = write_rows(tmp_path / "rows.jsonl", rows)
    with prepared(config(data, tmp_path, "method=kto", "trl.per_device_train_batch_size=4")) as ready:
        made = list(ready.recipe.dataset(ready.training.rows, ready.config))
        decode = ready.template.tokenizer.decode
    assert (ready.training.rows_used, len(made)) == (16, 32)
    assert {(decode(row["completion_ids"]), row["label"]) for row in made} == {
        ("On the table.<|im_end|>\n", True), ("Who knows.<|im_end|>\n", False),
    }  # fmt: skip
    batches = [made[start : start + 4] for start in range(0, 32, 4)]
    for batch in batches:
        assert len({decode(row["prompt_ids"]) for row in batch}) == 4
        said = [row["completion_ids"] for row in batch]
        assert [row["KL_completion_ids"] for row in batch] == [said[-1], *said[:-1]]
    assert all({row["label"] for row in batch} == {True, False} for batch in batches[1:-1])


@pytest.mark.parametrize("method", ["dpo", "kto", "reward", "orpo"])
def test_a_pair_without_a_preference_is_rejected(method: str, tmp_path: Path) -> None:
    same, none = {**PAIR, "rejected": PAIR["chosen"]}, {**PAIR, "prompt": []}
    found = _found(write_rows(tmp_path / "rows.jsonl", [PAIR, same, none]), method)
    assert [(reject.row, reject.code) for reject in found.rejects] == [(2, "Q503"), (3, "X902")]


def test_answers_that_differ_only_beyond_the_limit_are_rejected(tmp_path: Path) -> None:
    words = "The lamp stands on the table beside the door of the house"
    rows = [PAIR, {**PAIR, "chosen": [{"role": "assistant", "content": f"{words} in Ulm."}],
                   "rejected": [{"role": "assistant", "content": f"{words} of glass."}]}]  # fmt: skip
    data = write_rows(tmp_path / "rows.jsonl", rows)
    length = _found(data, "dpo", "trl.max_length=null").longest
    found = _found(data, "dpo", f"trl.max_length={length - 8}")
    assert found.rows_used == 1
    assert "what is left of chosen and rejected is the same" in found.rejects[0].reason


def test_a_message_with_a_weight_is_rejected(tmp_path: Path) -> None:
    row = {"messages": [PAIR["prompt"][0], {"role": "assistant", "content": "a", "weight": 0.5}], "label": True}
    found = _found(write_rows(tmp_path / "rows.jsonl", [{**PLAIN, "label": True}, row]), "kto")
    assert [reject.code for reject in found.rejects] == ["T901"]


@pytest.mark.parametrize(
    ("rows", "method", "fitting"),
    [
        (lamp_rows(2), "dpo", "method=sft"),
        (lamp_rows(2), "kto", "method=sft"),
        ([PAIR], "sft", "method=dpo or method=kto or method=orpo or method=reward"),
        ([{**PLAIN, "label": False}, {**PLAIN, "label": True}], "reward", "method=kto"),
    ],
)
def test_rows_of_another_kind_name_the_method_they_are_for(
    rows: list[Row], method: str, fitting: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        _found(write_rows(tmp_path / "rows.jsonl", rows), method)
    assert f"such rows are for {fitting}" in str(caught.value).partition("\n")[0]


def test_a_row_of_another_kind_is_rejected_with_the_reason(tmp_path: Path) -> None:
    found = _found(write_rows(tmp_path / "rows.jsonl", [PLAIN, PAIR]), "dpo")
    assert [(reject.row, reject.code) for reject in found.rejects] == [(1, "X902")]
    assert "no pair" in found.rejects[0].reason


def test_both_answers_are_shown_with_the_trained_part(tmp_path: Path) -> None:
    found = _found(write_rows(tmp_path / "rows.jsonl", [PAIR]), "dpo")
    assert [shown.name for shown in found.shown] == ["chosen", "rejected"]
    assert [[piece.text for piece in shown.stretches if piece.trained] for shown in found.shown] == [
        ["On the table.<|im_end|>\n"], ["Who knows.<|im_end|>\n"],
    ]  # fmt: skip


def test_foreign_words_within_an_answer_are_counted(tmp_path: Path) -> None:
    found = _found(write_rows(tmp_path / "rows.jsonl", tool_pairs()), "dpo")
    assert (found.rows_used, found.foreign, found.drifting) == (4, 1, 0)


@pytest.fixture
def thinking(tmp_path: Path) -> tuple[Path, str]:
    """A model, and a template without marks that opens a thinking block wherever an answer is asked for."""
    data = write_rows(tmp_path / "rows.jsonl", [PAIR])
    run(config(data, tmp_path, "method=dpo", "run.max_steps=1", "peft=full"))
    return tmp_path / "small" / "model", (
        "{% for m in messages %}{% if m.role == 'assistant' %}A:{% if m.reasoning_content %}<think>"
        "{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}<|im_end|>{% else %}Q:{{ m.content }}{% endif %}"
        "{% endfor %}{% if add_generation_prompt %}A:<think>{% endif %}"
    )


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_answers_begin_where_they_part_from_the_prompt(method: str, thinking: tuple[Path, str], tmp_path: Path) -> None:
    """One answer goes on with the thinking that the prompt opens, the other does not: as TRL has it."""
    model, template = thinking
    (tmp_path / "think.jinja").write_text(template)
    thought = {**PAIR, "chosen": [{**PAIR["chosen"][0], "reasoning_content": "I saw it."}], "tools": []}
    rows = [thought]
    settings = compose_config([f"model.path={model}", f"model.template={tmp_path / 'think.jinja'}", "run.name=b",
                               f"data.path={write_rows(tmp_path / 'pair.jsonl', rows)}", f"method={method}",
                               f"run.folder={tmp_path}"])  # fmt: skip
    with prepared(settings) as ready:
        assert ready.training.drifting == 1
        ours = ready.recipe.dataset(ready.training.rows, settings)
        tokenizer = ready.template.tokenizer
        assert tokenizer.chat_template == template
        theirs = trl_trainer(ready.recipe, str(model), tokenizer, rows, tmp_path).train_dataset
    assert _picked(ours, method) == _picked(theirs, method)
    assert tokenizer.decode(ours[0]["prompt_ids"]).startswith("Q:Where is the lamp?A:")


def test_a_template_without_marks_is_taken_as_it_is(thinking: tuple[Path, str], tmp_path: Path) -> None:
    """Marks say what is trained of a conversation; of a pair the answers are."""
    model, template = thinking
    tokenizer = json.loads((model / "tokenizer_config.json").read_text())
    assert "chat_template" not in tokenizer
    (model / "chat_template.jinja").write_text(template)
    words = [f"model.path={model}", f"data.path={tmp_path / 'rows.jsonl'}", f"run.folder={tmp_path}", "run.name=c"]
    with prepared(compose_config([*words, "method=dpo"])) as ready:
        assert ready.template.origin == "the tokenizer's own"
    chats = write_rows(tmp_path / "chats.jsonl", [PLAIN])
    with (
        pytest.raises(InputError, match="no generation marks and asks"),
        prepared(compose_config([word.replace(str(tmp_path / "rows.jsonl"), str(chats)) for word in words])),
    ):
        pass


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (["method=kto", "trl.per_device_train_batch_size=1"], "set 2 or more"),
        (["method=kto", "+trl.train_sampling_strategy=group_by_length"], "sequential"),
        (["method=kto", "trl.loss_type=kta"], "did you mean 'kto'"),
        (["method=dpo", "trl.loss_type=sigmoyd"], "did you mean 'sigmoid'"),
        (["method=dpo", "trl.loss_type=[sigmoid,ipp]"], "ipp"),
        (["method=dpo", "trl.beta=0"], "above 0"),
        (["method=dpo", "+trl.sync_ref_model=true"], "peft=lora does without"),
        (["method=kto", "peft=full", "+trl.sync_ref_model=true", "trl.precompute_ref_log_probs=true"], "does without"),
        (["method=dpo", "trl.loss_type=exo_pair"], "label smoothing"),
        (["method=dpo", "+trl.train_sampling_strategy=group_by_lenght"], "did you mean 'group_by_length'"),
        (["method=dpo", "run.batching=pack"], "nothing that method=dpo can do"),
        (["method=kto", "run.batching=group"], "nothing that method=kto can do"),
        (["run.batching=pack", "+trl.train_sampling_strategy=group_by_length"], "contradict"),
        (["run.batching=pack", "trl.max_length=null"], "fills sequences of trl.max_length"),
        (["run.patience=2"], "add data.validation"),
        (["num_gpus=2"], "how they share the work"),
        (["+trl.load_best_model_at_end=true"], "run.best"),
        (["data.weights=[1,2]"], "2 weights for 1 files"),
        (["method=dpo", "+trl.padding_free=true"], "not supported yet"),
        (["method=dpo", "+trl.truncation_mode=keep_end"], "data.too_long"),
        (["method=dpo", "+trl.precompute_ref_log_prob=true"], "did you mean 'precompute_ref_log_probs'"),
        (["method=dpo", "+trl.label_smoothing=much"], "valid number"),
        (["method=dpo", "+trl.assistant_only_loss=true"], "no argument of TRL's DPOConfig"),
        (["method=reward", "+trl.beta=0.1"], "no argument of TRL's RewardConfig"),
        (["method=orpo", "+trl.max_completion_length=5"], "trl.max_length"),
        (["method=dpoo"], "did you mean 'dpo'"),
    ],
)
def test_arguments_are_checked_before_rows_are_read(tmp_path: Path, overrides: list[str], reason: str) -> None:
    data = write_rows(tmp_path / "rows.jsonl", [], [b"{never parsed"])
    with pytest.raises(ConfigError, match=reason), prepared(config(data, tmp_path, *overrides)):
        pass


def test_the_losses_that_are_known_are_those_of_trl() -> None:
    from dataclasses import fields

    from trl import DPOConfig

    [told] = [field.metadata["help"] for field in fields(DPOConfig) if field.name == "loss_type"]
    named = {word.strip("`' ") for word in told.partition("are:")[2].partition(". If")[0].split(", ")}
    assert set(get_recipe("dpo").trainer.words["loss_type"]) == named


def test_answers_of_a_ranking_that_are_not_trained_are_counted(tmp_path: Path) -> None:
    rows = [
        {
            "instruction": "Where?",
            "completions": [
                {"response": answer, "overall_score": score}
                for answer, score in (("Here.", 9), ("There.", 5), ("No.", 1))
            ],
        }
    ]
    found = _found(write_rows(tmp_path / "rows.jsonl", rows), "dpo")
    assert (found.rows_used, found.between) == (1, 1)


@pytest.mark.parametrize(
    ("labels", "overrides", "told"),
    [
        ([True] * 6 + [False] * 2, [], "6 good and 2 bad: set trl.desirable_weight between 0.33 and 0.44"),
        ([True] * 6 + [False] * 2, ["trl.desirable_weight=0.4"], None),
        ([True] * 4 + [False] * 4, [], None),
        ([True] * 8, [], "every row is labelled good"),
        ([True] * 5 + [False] * 4, ["trl.desirable_weight=0.9"], "the last batch is a single row"),
    ],
)
def test_kto_says_what_the_labels_want(
    labels: list[bool], overrides: list[str], told: str | None, tmp_path: Path
) -> None:
    """Equation 8 of its paper, which TRL only logs."""
    data = write_rows(tmp_path / "rows.jsonl", [{**PLAIN, "label": label} for label in labels])
    with prepared(config(data, tmp_path, "method=kto", *overrides)) as ready:
        order, *more = ready.recipe.cautions(ready.config, ready.training.rows)
    assert "in the order of the file" in order
    assert len(more) == (told is not None)
    assert told is None or more[0].startswith(told)


def test_the_example_is_read_as_it_is(tmp_path: Path) -> None:
    found = _found(SUPPORT, "dpo", f"run.folder={tmp_path}")
    assert (found.rows_in, found.rows_used, [reject.row for reject in found.rejects]) == (63, 61, [21, 36])
