"""What train asks of lint, split and cost before it starts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dsforge.cost.parameters import count_parameters
from dsforge.errors import InputError, OutputError
from dsforge.targets.load import find_model
from dsforge.train.config import DataConfig, TrainConfig
from dsforge.train.device import Device
from dsforge.train.recipe import Step
from dsforge.train.run import Prepared, prepared, resumes_at, train
from dsforge.train.workspace import locked
from dsforge.train_checks.disk import checkpoints_at_once, disk_of
from dsforge.train_checks.fit import Fit, Load, advice, fit_of, largest_batch, load_of
from dsforge.train_checks.held_out import hold_out, training_files
from dsforge.train_checks.rows import check_rows
from dsforge.train_checks.time import duration_of
from tests.train.small import BAD_LINES, config, lamp_rows, write_rows

_GIB = 1 << 30


def _says(question: str, answer: str = "It is so.") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


# -- lint --------------------------------------------------------------------------------------------


def test_errors_are_told_by_row_and_by_rule(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", lamp_rows(3), [BAD_LINES[0], b'{"messages": [{"role": "x"}]}'])
    linted = check_rows(DataConfig(path=str(rows)))
    assert (linted.rows_in, {error.row for error in linted.errors}) == (5, {4, 5})
    assert sum(linted.counts.values()) == len(linted.errors)
    assert linted.lines()[-1] == f"by rule: {', '.join(f'{code} {count}' for code, count in linted.counts.items())}"
    assert f"J001 invalid-json  {rows}, row 4: " in linted.lines()[0]
    assert check_rows(DataConfig(path=str(rows), limit=3)).errors == []


def test_formats_that_train_decodes_itself_are_no_error(tmp_path: Path) -> None:
    """TRL would take neither as they stand in the file."""
    alpaca = write_rows(tmp_path / "alpaca.jsonl", [{"instruction": "Name a colour.", "output": "Blue."}])
    turns = [{"from": "human", "value": "Name a colour."}, {"from": "gpt", "value": "Blue."}]
    sharegpt = write_rows(tmp_path / "sharegpt.jsonl", [{"conversations": turns}])
    for path in (alpaca, sharegpt):
        assert check_rows(DataConfig(path=str(path))).errors == []


def test_leaks_are_found_whatever_the_files_are_called(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "a.jsonl", [_says("One?"), _says("Two?")])
    held = write_rows(tmp_path / "b.jsonl", [_says("Three?"), _says("Two?", "Otherwise.")])
    linted = check_rows(DataConfig(path=str(rows), validation=str(held)))
    assert linted.leaks == 1
    assert (linted.errors[0].path, linted.errors[0].row) == (str(held), 2)
    assert "row 2 of " in linted.errors[0].message


# -- a share is held out -----------------------------------------------------------------------------


def _numbers(count: int, name: str) -> list[dict[str, Any]]:
    words = "red green blue amber violet black white grey pink brown olive teal".split()
    return [
        _says(f"{name} {words[at % 12]} {words[at // 12]} {at * 7919}: what of {words[-at % 12]}?")
        for at in range(count)
    ]


def _with_share(folder: Path, share: float, **data: Any) -> TrainConfig:
    plain = config(Path(data["path"] if isinstance(data["path"], str) else data["path"][0]), folder)
    return plain.model_copy(update={"data": DataConfig(validation=share, **data)})


def test_held_out_rows_keep_their_bytes_and_none_is_lost(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", _numbers(40, "a"), BAD_LINES[:1])
    asked = _with_share(tmp_path, 0.25, path=str(rows))
    files = hold_out(asked, tmp_path / "first")
    train, held = (Path(str(path)).read_bytes().splitlines() for path in (files.data.path, files.data.validation))
    assert Counter(train + held) == Counter(rows.read_bytes().splitlines())
    assert (len(train), len(held)) == (31, 10)
    assert train[-1] == BAD_LINES[0]  # the preflight rejects it, and it is counted there
    again = hold_out(asked, tmp_path / "second")
    assert Path(str(again.data.validation)).read_bytes().splitlines() == held


def test_each_file_is_split_by_itself(tmp_path: Path) -> None:
    paths = [str(write_rows(tmp_path / f"{name}.jsonl", _numbers(20, name))) for name in ("a", "b")]
    files = hold_out(_with_share(tmp_path, 0.1, path=paths, weights=[1, 0.5]), tmp_path / "out")
    assert files.data.weights == [1, 0.5]
    for path, name in zip(files.data.path, ("a", "b"), strict=True):
        texts = [json.loads(line)["messages"][0]["content"] for line in Path(path).read_bytes().splitlines()]
        assert len(texts) == 18
        assert all(text.startswith(f"{name} ") for text in texts)
    assert len(Path(str(files.data.validation)).read_bytes().splitlines()) == 4


def test_the_limit_comes_before(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", _numbers(40, "a"))
    files = hold_out(_with_share(tmp_path, 0.25, path=str(rows), limit=20), tmp_path / "out")
    sides = [Path(str(path)).read_bytes().splitlines() for path in (files.data.path, files.data.validation)]
    assert Counter(line for side in sides for line in side) == Counter(rows.read_bytes().splitlines()[:20])
    assert files.data.limit is None


def test_nothing_is_left_of_a_run_that_fails(tmp_path: Path) -> None:
    asked = _with_share(tmp_path / "runs", 0.25, path=str(write_rows(tmp_path / "rows.jsonl", _numbers(8, "a"))))

    def fail() -> None:
        with training_files(asked, check=False) as files:
            assert Path(str(files.data.path)).parent == tmp_path / "runs" / "small.unfinished" / "rows"
            raise InputError("later")

    with pytest.raises(InputError, match="later"):
        fail()
    assert list((tmp_path / "runs").iterdir()) == []
    with training_files(asked, check=True) as files:
        assert tmp_path not in Path(str(files.data.path)).parents


def test_a_run_that_was_cut_off_goes_on_with_the_same_rows(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", _numbers(32, "a"))
    runs = tmp_path / "runs"
    asked = config(rows, runs, "data.validation=0.25", "trl.num_train_epochs=2")

    def cut_off(step: Step) -> None:
        if step.step == 4:
            raise KeyboardInterrupt

    def held_out(folder: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (runs / folder / "rows").iterdir()}

    with pytest.raises(KeyboardInterrupt), training_files(asked, check=False) as files, prepared(files, asked) as ready:
        train(ready, cut_off)
    before = held_out("small.unfinished")
    assert resumes_at(asked) == 3
    with training_files(asked, check=False) as files, prepared(files, asked) as ready:
        manifest = train(ready, lambda step: None)
    assert len(manifest.losses) == 6
    assert held_out("small") == before
    assert len(before) == 2


def test_the_rows_of_a_run_in_the_making_are_left_alone(tmp_path: Path) -> None:
    asked = _with_share(tmp_path / "runs", 0.25, path=str(write_rows(tmp_path / "rows.jsonl", _numbers(8, "a"))))
    with training_files(asked, check=False) as files, locked(tmp_path / "runs" / "small.unfinished"):
        with pytest.raises(OutputError, match="being trained by another"), training_files(asked, check=False):
            raise AssertionError("two at a time")
        assert Path(str(files.data.path)).exists()


# -- memory, time, disk ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    folder = tmp_path_factory.mktemp("run")
    rows = write_rows(folder / "rows.jsonl", lamp_rows(24))
    with prepared(config(rows, folder, "peft=full", "run.batching=plain")) as ready:
        yield ready


def _cpu(gib: float) -> Device:
    return Device("cpu", "CPU", int(gib * _GIB))


def _qwen(run: Prepared, gib: float, **changes: Any) -> tuple[Load, Device]:
    """A model of half a billion on a GPU of so many GiB."""
    model = find_model("qwen2.5-0.5b")
    assert model is not None
    device = Device("cuda", "a GPU", int(gib * _GIB))
    load = fit_of(run, device).load
    setup = replace(load.setup, precision="mixed")
    return replace(load, model=model, setup=setup, tokens=1024, batch=8, **changes), device


def test_the_estimate_is_of_the_model_that_is_built(run: Prepared) -> None:
    from dsforge.train.tiny import build_model

    fit = fit_of(run, _cpu(8))
    assert fit.verdict == "fits"
    assert fit.load.tokens == run.training.rows.longest
    folder = Path(run.source.path)
    build_model(run.config.model, run.template.tokenizer, folder)  # type: ignore[arg-type]
    from transformers import AutoModelForCausalLM

    built = AutoModelForCausalLM.from_pretrained(folder)
    assert count_parameters(fit.load.model).total == built.num_parameters()
    assert fit.memory.weights * _GIB == 4 * built.num_parameters()  # float32 on a CPU
    assert fit.memory.optimizer == 2 * fit.memory.weights


def test_verdicts_leave_room_for_what_the_estimate_is_good_for(run: Prepared) -> None:
    load, device = _qwen(run, 80)
    total = load.memory.total / 0.95

    def verdict(share: float) -> str:
        return Fit(load, replace(device, memory=int(share * total * _GIB)), 0, "").verdict

    assert [verdict(share) for share in (0.75, 0.85, 1.0, 1.15, 1.25)] == [
        "does not fit", "may not fit", "may not fit", "may not fit", "fits",
    ]  # fmt: skip


def test_the_largest_batch_fits_and_the_next_does_not(run: Prepared) -> None:
    load, device = _qwen(run, 24)
    batch = largest_batch(load, device)
    assert batch > 1
    room = 24 * 0.95
    assert replace(load, batch=batch).memory.total <= room < replace(load, batch=batch + 1).memory.total


@pytest.mark.parametrize(
    ("gib", "words"),
    [
        (12, ["trl.per_device_train_batch_size=", "trl.gradient_accumulation_steps="]),
        (6, ["peft=lora"]),
        (0.5, []),
    ],
)
def test_the_advice_fits(run: Prepared, gib: float, words: list[str]) -> None:
    load, device = _qwen(run, gib)
    told = advice(run.config, load, device)
    assert all(word in told for word in words)
    assert bool(told) == bool(words)


def test_a_smaller_batch_keeps_the_step(run: Prepared) -> None:
    load, device = _qwen(run, 12)
    values = dict(word.split("=") for word in advice(run.config, load, device).split())
    batch = int(values["trl.per_device_train_batch_size"])
    assert batch * int(values["trl.gradient_accumulation_steps"]) >= load.batch > batch


def test_eight_bits_are_a_byte_for_each_weight_of_a_matrix(run: Prepared) -> None:
    load, _ = _qwen(run, 24)
    plain = replace(load, setup=replace(load.setup, method="lora", precision="bf16"))
    saved = plain.memory.weights - replace(plain, eight_bits=True).memory.weights
    assert saved * _GIB == pytest.approx(count_parameters(load.model).linear)
    quantized = config(Path(run.training.path), run.folder, "+peft.quantize=int8")
    assert load_of(replace(run, config=quantized), _cpu(8)).eight_bits


def test_time_is_the_work_over_what_was_measured(run: Prepared) -> None:
    device = _cpu(8)
    duration = duration_of(run, fit_of(run, device).load, device)
    assert (duration.steps, duration.epochs, duration.tokens) == (3, 1.0, run.training.rows.tokens)
    assert duration.seconds is not None
    fast, slow = duration.seconds
    assert fast > 0
    assert slow is None  # matrices alone are the least it takes


def test_a_registered_gpu_has_a_time_and_an_unknown_one_says_so(run: Prepared) -> None:
    load = fit_of(run, _cpu(8)).load
    known = duration_of(run, load, Device("cuda", "NVIDIA GeForce RTX 4090", 24 * _GIB))
    assert known.seconds is not None
    assert known.seconds[1] is not None
    assert known.seconds[0] < known.seconds[1]
    assert duration_of(run, load, Device("cuda", "a GPU", 24 * _GIB)).seconds is None


def test_the_disk_that_a_run_takes(run: Prepared) -> None:
    load = fit_of(run, _cpu(8)).load
    disk = disk_of(run, load)
    weights = int(load.memory.weights * _GIB)
    assert disk.final > 2 * weights  # the model, and the tiny one that it was made of
    assert disk.checkpoint > 3 * weights  # and two states of each weight
    assert replace(disk, free=disk.needed).fits
    assert not replace(disk, free=disk.needed - 1).fits


@pytest.mark.parametrize(
    ("trl", "most"),
    [
        ({"save_strategy": "no"}, 0),
        ({"save_strategy": "steps", "save_steps": 1}, 2),  # the one that is kept, and the one being written
        ({"save_strategy": "steps", "save_steps": 1, "save_total_limit": None}, 3),
        ({"save_strategy": "epoch"}, 1),
    ],
)
def test_how_many_checkpoints_stand_side_by_side(run: Prepared, trl: dict[str, Any], most: int) -> None:
    changed = run.config.model_copy(update={"trl": {**run.config.trl, **trl}})
    assert checkpoints_at_once(replace(run, config=changed)) == most
