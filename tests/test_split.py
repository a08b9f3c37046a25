import json
import random
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from dsforge.errors import InputError, UsageError
from dsforge.similarity import sketch
from dsforge.split import SplitResult, choose_validation, quotas, split
from tests.shared_data import real_files
from tests.similarity.brute import edited, jaccard, sentence

Row = dict[str, object]


def dataset(count: int, seed: int = 3) -> list[Row]:
    """Rows in three categories; a third have an edited prompt of an earlier row, some its prompt and a new answer."""
    rng = random.Random(seed)
    rows: list[Row] = []
    for number in range(count):
        kind = rng.random()
        prompt = sentence(rng, rng.random() < 0.5, 12)
        if rows and kind < 0.1:
            prompt = str(rng.choice(rows)["instruction"])
        elif rows and kind < 0.4:
            prompt = edited(rng, str(rng.choice(rows)["instruction"]), 0.04)
        category = rng.choices(("refund", "发票", "other"), (6, 3, 1))[0]
        rows.append({"instruction": prompt, "output": f"answer {number}", "category": category})
    return rows


def run(rows: list[Row], folder: Path, **options: object) -> tuple[SplitResult, list[Row], list[Row]]:
    source = folder / "in.jsonl"
    source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    train, validation = folder / "train.jsonl", folder / "validation.jsonl"
    result = split([str(source)], train, validation, **options)  # type: ignore[arg-type]
    sides = ([json.loads(line) for line in path.read_bytes().splitlines()] for path in (train, validation))
    return result, *sides


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("seed", [1, 42])
def test_no_near_duplicates_on_two_sides(
    tmp_path: Path, seed: int, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if compiled:
        monkeypatch.setattr(sketch, "BATCH", 2000)
    result, train, validation = run(dataset(250), tmp_path, seed=seed)
    worst = max(
        jaccard(str(left["instruction"]), str(right["instruction"])) for left, right in product(train, validation)
    )
    assert worst < 0.8
    assert result.groups > 20
    assert result.grouped_rows >= 2 * result.groups


def test_no_row_is_lost_and_order_is_kept(tmp_path: Path) -> None:
    rows = dataset(150)
    result, train, validation = run(rows, tmp_path)
    assert sorted(train + validation, key=str) == sorted(rows, key=str)
    for side in (train, validation):
        assert [row for row in rows if row in side] == side
    assert (result.train_rows, result.validation_rows) == (len(train), len(validation))
    assert result.rows_in == 150
    assert result.ratio == pytest.approx(len(train) / 150, abs=1e-4)


@pytest.mark.parametrize("ratio", [0.5, 0.8, 0.95])
def test_each_category_gets_its_share(tmp_path: Path, ratio: float) -> None:
    result, _, validation = run(dataset(300), tmp_path, ratio=ratio)
    assert result.ratio == pytest.approx(ratio, abs=0.01)
    for category, count in result.categories.items():
        assert count.validation == sum(row["category"] == category for row in validation)
        assert count.validation == pytest.approx((1 - ratio) * (count.train + count.validation), abs=2)


def test_the_seed_decides_and_nothing_else(tmp_path: Path) -> None:
    rows = dataset(150)
    first = run(rows, tmp_path, seed=7)[1:]
    assert run(rows, tmp_path, seed=7, workers=2)[1:] == first
    assert run(rows, tmp_path, seed=8)[1:] != first


def test_rows_of_one_prompt_stay_together_whatever_their_answers(tmp_path: Path) -> None:
    rows: list[Row] = [{"instruction": f"question {n // 5} {'x' * (n // 5)}?", "output": str(n)} for n in range(60)]
    _, train, validation = run(rows, tmp_path)
    assert {row["instruction"] for row in train}.isdisjoint(row["instruction"] for row in validation)
    assert validation


def test_a_chain_of_edits_stays_together(tmp_path: Path) -> None:
    words = [f"word{number}" for number in range(40)]
    chain = [" ".join(["new"] * step + words[step:]) for step in range(0, 40, 2)]
    rows: list[Row] = [{"instruction": text, "output": "a"} for text in chain]
    rows += [{"instruction": f"{n} something else {n * n * 7919} entirely", "output": "b"} for n in range(20)]
    result, train, _ = run(rows, tmp_path, ratio=0.5)
    assert jaccard(chain[0], chain[-1]) < 0.1
    assert result.largest_group >= 15
    sides = Counter(text in {str(row["instruction"]) for row in train} for text in chain[: result.largest_group])
    assert len(sides) == 1


def test_quotas_add_up() -> None:
    rng = random.Random(0)
    for _ in range(300):
        counts = {str(n): rng.randint(1, 40) for n in range(rng.randint(1, 9))}
        total, share = sum(counts.values()), rng.uniform(0.01, 0.99)
        if total < 2:
            continue
        wanted = quotas(counts, share)
        assert wanted.total() == min(max(round(total * share), 1), total - 1)
        assert all(0 <= wanted[category] <= counts[category] for category in counts)


@pytest.mark.parametrize("sizes", [(9, 1), (5, 5), (1, 1), (50, 50, 50), (97, 1, 1, 1)])
def test_both_sides_get_something_where_there_are_two_groups(sizes: tuple[int, ...]) -> None:
    rows = iter(range(sum(sizes)))
    groups = [[next(rows) for _ in range(size)] for size in sizes]
    for seed in range(5):
        chosen = choose_validation(groups, ["(none)"] * sum(sizes), 0.8, seed)
        assert 0 < len(chosen) < sum(sizes)


def test_what_cannot_be_split_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one row cannot be split"):
        run([{"instruction": "a", "output": "b"}], tmp_path)
    with pytest.raises(InputError, match="the 2 rows are near-duplicates"):
        run([{"instruction": "a", "output": "b"}, {"instruction": "A", "output": "c"}], tmp_path)
    with pytest.raises(InputError, match="none of the 1 rows can be decoded"):
        run([{"what": 1}], tmp_path)
    for ratio in (0.0, 1.0, 80.0):
        with pytest.raises(UsageError, match="--ratio"):
            run(dataset(10), tmp_path, ratio=ratio)
    assert {path.name for path in tmp_path.iterdir()} == {"in.jsonl"}


def test_rows_that_cannot_be_decoded_are_kept_apart(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"instruction": "a", "output": "1"}\n{oops\n{"instruction": "b", "output": "2"}\n')
    result = split([str(source)], tmp_path / "train.jsonl", tmp_path / "validation.json", ratio=0.5)
    assert (result.rows_in, result.train_rows, result.validation_rows, result.rows_rejected) == (3, 1, 1, 1)
    assert json.loads((tmp_path / "train.rejects.jsonl").read_text())["raw"] == "{oops"
    assert len(json.loads((tmp_path / "validation.json").read_text())) == 1


@pytest.mark.parametrize("path", real_files() or [None], ids=lambda path: path.name if path else "none")
def test_real_files(path: Path | None, tmp_path: Path) -> None:
    if path is None:
        pytest.skip("the public datasets are not here")
    result = split([str(path)], tmp_path / "train.jsonl", tmp_path / "validation.jsonl")
    assert result.rows_in == result.train_rows + result.validation_rows
    assert result.ratio == pytest.approx(0.8, abs=0.5 / result.rows_in + 1e-3) or result.rows_in < 10
