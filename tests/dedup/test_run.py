import json
import random
import re
from itertools import combinations
from pathlib import Path

import pytest

from dsforge.dedup.run import dedup
from dsforge.errors import UsageError
from dsforge.formats.read import read_examples
from dsforge.similarity import sketch
from dsforge.similarity.compared import Compared, compared
from tests.dedup.rows import Row, alpaca, run, write
from tests.shared_data import real_files
from tests.similarity.brute import edited, jaccard, sentence


def planted(count: int, seed: int = 1) -> list[Row]:
    """Distinct rows, exact copies, and edits of 1 to 30% of the words, English and Chinese."""
    rng = random.Random(seed)
    rows: list[Row] = []
    for _ in range(count):
        kind = rng.random()
        if rows and kind < 0.15:
            rows.append(rng.choice(rows))
        elif rows and kind < 0.6:
            source = rng.choice(rows)
            share = rng.choice((0.01, 0.03, 0.1, 0.3))
            rows.append({key: edited(rng, str(text), share) for key, text in source.items()})
        else:
            chinese = rng.random() < 0.5
            rows.append(alpaca(sentence(rng, chinese, 12), sentence(rng, chinese, 50)))
    return rows


def least_jaccard(left: Row, right: Row) -> float:
    return min(jaccard(str(left[key]), str(right[key])) for key in ("instruction", "output"))


SHORT_CHINESE = re.split(
    " ",
    "你好 您好 你是谁？ 你叫什么名字？ 再见 谢谢 谢谢你 写一首诗。 写一首歌。 写一首关于春天的诗。 写一首秋天的诗。 "
    "翻译成英文：苹果 翻译成英文：香蕉 一加一等于几？ 一加二等于几？ hi hello",
)


def test_short_chinese_prompts_are_all_kept_and_their_copies_removed(tmp_path: Path) -> None:
    rows = [alpaca(prompt, "我是人工智能助手，很高兴为您服务。") for prompt in SHORT_CHINESE]
    result, kept = run(rows + rows, tmp_path)
    assert kept == rows
    assert (result.exact_duplicates, result.near_duplicates) == (len(rows), 0)
    result, kept = run(rows, tmp_path, on="prompt")
    assert kept == rows


def test_one_template_with_two_answers_is_two_rows(tmp_path: Path) -> None:
    template = "Classify the sentiment of the review as positive or negative, and answer with one word. Review: it was "
    rows = [alpaca(template + "good", "positive"), alpaca(template + "bad", "negative")]
    assert run(rows, tmp_path)[1] == rows


@pytest.mark.parametrize("threshold", [0.7, 0.8, 0.9])
@pytest.mark.parametrize("compiled", [False, True])
def test_every_removed_row_reaches_the_threshold_with_its_kept_row(
    tmp_path: Path, threshold: float, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if compiled:
        monkeypatch.setattr(sketch, "BATCH", 5000)
    rows = planted(250)
    result, kept = run(rows, tmp_path, threshold=threshold)
    assert result.near_duplicates > 20
    for removed in result.removed:
        similarity = least_jaccard(rows[removed.row - 1], rows[removed.kept_row - 1])
        assert similarity >= threshold
        assert removed.similarity == pytest.approx(similarity)
        assert removed.kept_row < removed.row
        assert rows[removed.kept_row - 1] in kept
        assert removed.exact <= (rows[removed.row - 1] == rows[removed.kept_row - 1])
    assert kept == [row for number, row in enumerate(rows, 1) if number not in {r.row for r in result.removed}]
    assert result.rows_in == 250 == result.rows_out + len(result.removed)


def test_hardly_a_pair_is_left(tmp_path: Path) -> None:
    _, kept = run(planted(250), tmp_path)
    left = [pair for pair in combinations(kept, 2) if least_jaccard(*pair) >= 0.8]
    assert len(left) <= 1


def test_a_row_is_compared_with_the_kept_one_and_not_with_a_removed_one(tmp_path: Path) -> None:
    words = [f"word{number}" for number in range(60)]
    chain = [" ".join(words[:start] + ["changed"] * 3 + words[start + 3 :]) for start in (0, 12, 24, 36)]
    steps = [alpaca("go on", " ".join(words)), *(alpaca("go on", text) for text in chain)]
    result, _ = run(steps, tmp_path)
    for removed in result.removed:
        assert least_jaccard(steps[removed.row - 1], steps[removed.kept_row - 1]) >= 0.8


def test_a_copy_of_a_removed_row_goes_with_it(tmp_path: Path) -> None:
    text = " ".join(f"word{number}" for number in range(60))
    near = text.replace("word30", "other")
    result, kept = run([alpaca("q", text), alpaca("q", near), alpaca("q", near)], tmp_path)
    assert kept == [alpaca("q", text)]
    assert [(removed.kept_row, removed.exact) for removed in result.removed] == [(1, False), (1, False)]
    assert result.clusters == 1


def test_exact_leaves_near_duplicates(tmp_path: Path) -> None:
    text = " ".join(f"word{number}" for number in range(60))
    rows = [alpaca("q", text), alpaca("q", text + " more"), alpaca("Q ", text.upper())]
    result, kept = run(rows, tmp_path, exact=True)
    assert kept == rows[:2]
    assert (result.exact_duplicates, result.near_duplicates) == (1, 0)


def test_bytes_and_order_are_those_of_the_input(tmp_path: Path) -> None:
    lines = [
        b'{"output": "\\u4f60\\u597d",   "instruction":"b"}',
        b'{"instruction":"a","output":"x","note":1.50}',
        b'{"instruction": "b", "output": "\xe4\xbd\xa0\xe5\xa5\xbd"}',
    ]
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\r\n".join(lines))
    dedup([str(source)], tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == lines[0] + b"\n" + lines[1] + b"\n"
    dedup([str(source)], tmp_path / "out.json")
    assert (tmp_path / "out.json").read_bytes() == b"[\n" + lines[0] + b",\n" + lines[1] + b"\n]\n"


def test_several_files_are_one_dataset(tmp_path: Path) -> None:
    first = write(tmp_path / "1.jsonl", [alpaca("a", "b"), alpaca("c", "d")])
    second = tmp_path / "2.json"
    second.write_text(
        json.dumps([{"messages": [{"role": "user", "content": "C"}, {"role": "assistant", "content": "d"}]}])
    )
    result = dedup([str(first), str(second)], tmp_path / "out.jsonl", clusters=tmp_path / "clusters.jsonl")
    kept, copy = map(json.loads, (tmp_path / "clusters.jsonl").read_text().splitlines())
    assert kept == {
        "cluster": 1, "path": str(first), "row": 2, "line": 2, "kept": True, "exact": False, "similarity": 1.0,
        "only_here": [], "only_in_kept": [],
    }  # fmt: skip
    assert copy == kept | {"path": str(second), "row": 1, "line": 1, "kept": False, "exact": True}
    assert (result.rows_in, result.rows_out) == (3, 2)


def test_rows_that_cannot_be_decoded_are_kept_apart_byte_for_byte(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b'{"instruction":"a","output":"b"}\n{broken\n[1]\n{"instruction":"a","output":"b"}\n')
    result = dedup([str(source)], tmp_path / "out.jsonl")
    assert (result.rows_in, result.rows_out, result.rows_rejected, result.exact_duplicates) == (4, 1, 2, 1)
    rejects = [json.loads(line) for line in (tmp_path / "out.rejects.jsonl").read_text().splitlines()]
    assert [(reject["raw"], reject["line"]) for reject in rejects] == [("{broken", 2), ("[1]", 3)]
    write(source, [alpaca("a", "b")])
    dedup([str(source)], tmp_path / "out.jsonl")
    assert not (tmp_path / "out.rejects.jsonl").exists()


def test_preference_pairs_that_contradict_each_other_are_both_kept(tmp_path: Path) -> None:
    good, bad = "a long and helpful answer to the question", "a short refusal that helps nobody at all"
    pairs = [
        {"prompt": "q", "chosen": good, "rejected": bad},
        {"prompt": "q", "chosen": bad, "rejected": good},
        {"prompt": "q", "chosen": good.upper(), "rejected": bad},
    ]
    result, kept = run(pairs, tmp_path)
    assert kept == pairs[:2]
    assert result.exact_duplicates == 1


def test_a_thousand_copies_and_empty_texts(tmp_path: Path) -> None:
    result, kept = run([alpaca("", "")] * 3 + [alpaca("x", "y")] * 1000 + [alpaca("x", "")] * 2, tmp_path)
    assert kept == [alpaca("", ""), alpaca("x", "y"), alpaca("x", "")]
    assert result.exact_duplicates == 1002


def test_threads_and_batches_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = planted(200)
    run(rows, tmp_path, clusters=tmp_path / "clusters")
    before = (tmp_path / "out.jsonl").read_bytes(), (tmp_path / "clusters").read_bytes()
    monkeypatch.setattr(sketch, "BATCH", 3000)
    for workers in (1, 3):
        run(rows, tmp_path, clusters=tmp_path / "clusters", workers=workers)
        assert before == ((tmp_path / "out.jsonl").read_bytes(), (tmp_path / "clusters").read_bytes())


def test_a_second_run_removes_nothing(tmp_path: Path) -> None:
    _, kept = run(planted(200), tmp_path)
    assert run(kept, tmp_path)[1] == kept


@pytest.mark.parametrize(
    "options", [{"on": "prompts"}, {"threshold": 0.0}, {"threshold": 1.5}, {"threshold": float("nan")}]
)
def test_options_that_do_not_exist(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        run([alpaca("a", "b")], tmp_path, **options)
    assert not (tmp_path / "out.jsonl").exists()


NEAR = {"glaive_toolcall_en_demo.json": 1}
"""Near-duplicates in the public files, looked at by eye: one dialogue about a tip, with other amounts."""


def texts(document: Compared) -> list[str]:
    return [part.decode("utf-8", "surrogatepass") for part in document.parts]


@pytest.mark.parametrize("path", real_files() or [None], ids=lambda path: path.name if path else "none")
def test_all_distinct_rows_of_real_files_are_kept_and_all_copies_removed(path: Path | None, tmp_path: Path) -> None:
    if path is None:
        pytest.skip("the public datasets are not here")
    examples = [example for _, example in read_examples(path)]
    distinct = len({compared(example).key for example in examples})
    result = dedup([str(path)], tmp_path / "out.jsonl")
    assert result.rows_rejected == 0
    assert result.near_duplicates == NEAR.get(path.name, 0)
    assert result.rows_out == distinct - result.near_duplicates
    assert result.exact_duplicates == len(examples) - distinct
    for removed in result.removed:
        ours, theirs = (compared(examples[number - 1]) for number in (removed.row, removed.kept_row))
        least = min(jaccard(left, right) for left, right in zip(*map(texts, (ours, theirs)), strict=True))
        assert least == pytest.approx(removed.similarity)
        assert least >= 0.8
        assert ours.guard == theirs.guard
