"""What is measured of a trained model and of its base, over rows that were held out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsforge.tokens.template import IGNORED
from dsforge.train.after import compare
from dsforge.train.evaluate import Exam, Look, exam_of, metrics, samples
from dsforge.train.held_out import HeldRow, HeldSequence, held_rows
from dsforge.train.likelihood import likelihoods
from dsforge.train.manifest import Manifest
from dsforge.train.saved import find_saved, load_saved
from dsforge.train.speak import answers
from dsforge.train.token_rows import TokenRows

Run = tuple[Path, Manifest]


def _rows(tokenizer: Any, texts: list[tuple[str, str]]) -> TokenRows:
    rows = TokenRows()
    for number, (question, answer) in enumerate(texts, 1):
        chat = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        before = tokenizer(prompt)["input_ids"]
        after = tokenizer(answer + "<|im_end|>")["input_ids"]
        rows.append_row([(before + after, [IGNORED] * len(before) + after)], number=number)
    return rows


def _lamps(tokenizer: Any, count: int) -> TokenRows:
    return _rows(tokenizer, [(f"Lamp {'x' * index}: in stock?", "Yes, it is in stock.") for index in range(count)])


def test_the_run_says_what_was_measured(lora_run: Run) -> None:
    folder, manifest = lora_run
    evaluation = manifest.evaluation
    assert evaluation is not None
    assert (evaluation.rows, evaluation.answered) == (4, 4)
    found = {metric.name: metric for metric in evaluation.metrics}
    assert set(found) == {"loss", "token accuracy", "exact match", "ROUGE-L"}
    best = min(loss for _, loss in manifest.validation_losses)
    assert found["loss"].trained.value == pytest.approx(best, abs=1e-3)  # the trainer's own, a mean over batches
    assert found["loss"].base is not None
    assert found["loss"].base.value > found["loss"].trained.value
    assert manifest.sampled == "validation"
    answered = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    assert [row["row"] for row in answered] == [1, 2, 3, 4]
    assert [sample.row for sample in manifest.samples] == [1, 2, 3]
    assert {row["reference"] for row in answered} == {"Yes, it is in stock."}
    assert all(row["before"] != row["after"] for row in answered)


def test_without_held_out_rows_a_few_of_the_training_are_answered_and_nothing_is_measured(full_run: Run) -> None:
    _, manifest = full_run
    assert manifest.evaluation is None
    assert manifest.sampled == "training"
    assert [sample.after for sample in manifest.samples] == ["Yes, it is in stock."] * 3
    assert all(sample.before not in (None, sample.after) for sample in manifest.samples)


def test_likelihoods_are_those_of_the_model_whatever_the_batch(full_run: Run) -> None:
    import torch

    model, tokenizer = load_saved(find_saved(str(full_run[0])))
    sequences = [row.sequences[0] for row in held_rows(_lamps(tokenizer, 5), 5, 1)]
    for sequence, (nats, hits, tokens) in zip(sequences, likelihoods(model, sequences, 0), strict=True):
        ids = torch.tensor([sequence.ids])
        theirs = model(input_ids=ids, labels=torch.tensor([sequence.labels]))
        assert nats / tokens == pytest.approx(theirs.loss.item(), abs=1e-4)
        right = theirs.logits[0, :-1].argmax(-1) == ids[0, 1:]
        assert hits == int(right[torch.tensor(sequence.labels[1:]) != IGNORED].sum())
        assert tokens == len(sequence.labels) - sequence.labels.count(IGNORED)


def test_answers_of_a_batch_are_those_of_each_prompt_alone(full_run: Run) -> None:
    model, tokenizer = load_saved(find_saved(str(full_run[0])))
    prompts = [row.question.prompt for row in held_rows(_lamps(tokenizer, 6), 6, 1)]
    prompts.append(tokenizer("<|im_start|>user\nSomething else altogether")["input_ids"])
    together = answers(model, tokenizer, prompts, 20)
    assert together == [answers(model, tokenizer, [prompt], 20)[0] for prompt in prompts]
    assert tokenizer.decode(together[0]) == "Yes, it is in stock."  # it stops at the end of the turn
    assert not model.training


def test_a_full_run_is_compared_with_the_model_it_came_from(full_run: Run) -> None:
    saved = find_saved(str(full_run[0]))
    _, tokenizer = load_saved(saved)
    texts = [("Lamp 1: in stock?", "Yes, it is in stock."), ("Lamp 2: in stock?", "No.")] * 6
    compared = compare(saved, exam_of(_rows(tokenizer, texts), read=12, answered=12, longest=20, seed=1), "rows.jsonl")
    assert compared.evaluation is not None
    found = {metric.name: metric for metric in compared.evaluation.metrics}
    assert found["exact match"].trained.value == 0.5
    assert found["exact match"].base is not None
    assert found["exact match"].base.value == 0
    assert found["choice accuracy"].trained.value == 0.5
    assert found["loss"].verdict == "better"
    alone = compare(saved, exam_of(_rows(tokenizer, texts), read=2, answered=0, longest=20, seed=1), "x", base=False)
    assert alone.evaluation is not None
    assert all(metric.base is None for metric in alone.evaluation.metrics)


def _pair(chosen: list[int], rejected: list[int]) -> HeldRow:
    sequences = [
        HeldSequence([1, *ids], [IGNORED, *ids], good, False) for ids, good in ((chosen, True), (rejected, False))
    ]
    return HeldRow(1, sequences)


def test_a_pair_is_preferred_where_its_chosen_answer_is_likelier_as_a_whole() -> None:
    exam = Exam([_pair([5], [6]), _pair([5], [6])], [], 8)
    base = Look([[(9.0, 0, 1), (1.0, 0, 1)], [(9.0, 0, 1), (1.0, 0, 1)]])
    trained = Look([[(1.0, 1, 1), (2.0, 0, 1)], [(2.0, 0, 1), (1.0, 0, 1)]])
    found = {metric.name: metric for metric in metrics(exam, [], trained, base)}
    assert found["preference accuracy"].trained.value == 0.5
    assert found["preference accuracy"].base is not None
    assert found["preference accuracy"].base.value == 0
    assert found["loss of good answers"].trained.value == 1.5  # the chosen ones
    assert found["token accuracy"].trained.value == 0.5
    scored = Exam(exam.rows, [], 8, scores=True)
    (found_by_score,) = metrics(scored, [], Look(rewards=[[0.5, 0.1], [0.5, 0.1]]), None)
    assert (found_by_score.name, found_by_score.trained.value) == ("preference accuracy", 1.0)


def test_the_last_answer_is_asked_for_and_one_that_was_cut_is_no_reference(tokenizer: Any) -> None:
    rows = TokenRows()
    rows.append_row([([1, 2, 3, 4, 5, 6], [IGNORED, 2, IGNORED, 4, 5, IGNORED])], number=7)
    rows.append_row([([1, 2, 3], [IGNORED, 2, 3])], limit=2, number=9)
    first, second = held_rows(rows, 5, 1)
    assert (first.number, first.question.prompt, first.question.reference) == (7, [1, 2, 3], [4, 5])
    assert (second.number, second.question.prompt, second.question.reference) == (9, [1], None)
    exam = Exam([], [second], 4)
    (sample,) = samples(exam, tokenizer, None, Look(said=["x"]))
    assert (sample.row, sample.reference, sample.before, sample.after) == (9, None, None, "x")


def test_rows_are_drawn_by_the_seed_and_stay_in_order() -> None:
    rows = TokenRows()
    for number in range(50):
        rows.append_row([([1, 2], [IGNORED, 2])], number=number)
    drawn = [row.number for row in held_rows(rows, 10, 3)]
    assert drawn == sorted(drawn)
    assert drawn != list(range(10))
    assert drawn == [row.number for row in held_rows(rows, 10, 3)]
    assert [row.number for row in held_rows(rows, 99, 3)] == list(range(50))


def test_the_looks_of_a_reward_model_are_its_scores() -> None:
    exam = exam_of(TokenRows(), read=3, answered=3, longest=4, seed=1, scores=True)
    assert (exam.rows, exam.asked) == ([], [])


def test_an_answer_is_given_room_by_the_longest_reference(tokenizer: Any) -> None:
    exam = exam_of(_lamps(tokenizer, 4), read=0, answered=4, longest=256, seed=1)
    reference = len(exam.asked[0].question.reference or [])
    assert reference < exam.longest < 3 * reference + 20
    assert exam_of(_lamps(tokenizer, 4), read=0, answered=4, longest=5, seed=1).longest == 5
