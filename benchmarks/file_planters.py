"""Defects of whole files, for lint_accuracy.py: each is planted in some files, and left out of as many like them.

A maker gets clean ChatML rows, chance, and whether to plant; it gives files by name. The files without the defect
have all that goes with it (categories, labels, a second split), so that a rule cannot find it by its company alone.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from dsforge.lint.facts import Settings
from dsforge.lint.run import lint

JSONRow: TypeAlias = "dict[str, Any]"
Maker: TypeAlias = "Callable[[list[JSONRow], random.Random, bool], dict[str, bytes]]"
TRIALS, ROWS = 20, 120
ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "cases" / "targets"


@dataclass(frozen=True)
class FilePlanter:
    """Makes files with the defect of one rule or without; `benchmark` is the file that rows must not overlap with."""

    code: str
    make: Maker
    settings: Settings = field(default_factory=Settings)
    benchmark: str = ""


FILE_PLANTERS: list[FilePlanter] = []


def file_planter(code: str, benchmark: str = "", **settings: Any) -> Callable[[Maker], Maker]:
    """Register a function as a maker of files."""

    def add(make: Maker) -> Maker:
        FILE_PLANTERS.append(FilePlanter(code, make, Settings(**settings), benchmark))
        return make

    return add


def trials(planter: FilePlanter, rows: list[JSONRow], folder: Path) -> Iterator[tuple[bool, bool]]:
    """`(whether the defect was planted, whether the rule told of it)`, file by file."""
    chance = random.Random(planter.make.__name__)
    for _ in range(TRIALS):
        for planted in (True, False):
            files = planter.make(
                [json.loads(json.dumps(row)) for row in chance.sample(rows, len(rows))], chance, planted
            )
            for name, content in files.items():
                (folder / name).write_bytes(content)
            settings = planter.settings
            if planter.benchmark:
                settings = Settings(benchmarks=(str(folder / planter.benchmark),))
            paths = [folder / name for name in files if name != planter.benchmark]
            yield planted, bool(lint(paths, select=[planter.code], settings=settings).findings)


def _lines(rows: list[JSONRow]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def _plain(rows: list[JSONRow]) -> list[JSONRow]:
    """Rows of one question and one answer."""
    return [row for row in rows if [message["role"] for message in row["messages"]] == ["user", "assistant"]
            and set(row) == {"messages"}]  # fmt: skip


def _in(rows: list[JSONRow], ascii: bool) -> list[JSONRow]:
    """Such rows in English, or in Chinese."""
    return [row for row in _plain(rows) if all(_is_of(message["content"], ascii) for message in row["messages"])]


def _is_of(text: str, ascii: bool) -> bool:
    return text.isascii() if ascii else sum("\u4e00" <= char <= "\u9fff" for char in text) * 2 > len(text)


# -- bytes -------------------------------------------------------------------------------------------


@file_planter("J006")
def byte_order_mark(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    return {"rows.jsonl": (b"\xef\xbb\xbf" if planted else b"") + _lines(rows[:ROWS])}


@file_planter("J007")
def blank_line(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    lines = _lines(rows[:ROWS]).splitlines(keepends=True)
    if planted:
        lines.insert(chance.randrange(1, ROWS), chance.choice([b"\n", b"  \n", b"\r\n"]))
    return {"rows.jsonl": b"".join(lines)}


@file_planter("J008")
def broken_array(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    lines = _lines(rows[:ROWS]).splitlines()
    between = [b",\n"] * (ROWS - 1)
    end = b"\n]"
    if planted and chance.random() < 0.5:
        between[chance.randrange(ROWS - 1)] = b"\n"
    elif planted:
        end = chance.choice([b",\n]", b"\n", b""])
    return {"rows.json": b"[" + b"".join(map(bytes.__add__, lines, [*between, b""])) + end}


@file_planter("J009")
def over_several_lines(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    indent = 2 if planted else None
    return {"rows.jsonl": b"\n".join(json.dumps(row, ensure_ascii=False, indent=indent).encode() for row in rows[:40])}


@file_planter("J010")
def other_encoding(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    encoding = chance.choice(["utf-16-le", "utf-16-be"]) if planted else "utf-8"
    mark = "\ufeff" if planted else ""  # a file in UTF-16 without a mark is refused as a whole
    return {"rows.jsonl": (mark + _lines(rows[:ROWS]).decode()).encode(encoding)}


# -- schema, turns and length ------------------------------------------------------------------------


@file_planter("S102")
def mixed_formats(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    some = rows[:ROWS]
    if planted:
        some.insert(chance.randrange(ROWS), {"instruction": "Name a river.", "input": "", "output": "The Danube."})
    return {"rows.jsonl": _lines(some)}


@file_planter("T217")
def reasoning_in_some(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    some = _plain(rows)[:ROWS]
    for row in some[: ROWS - chance.randrange(1, 10)] if planted else some:
        row["messages"][1]["content"] = "<think>\nLet me see.\n</think>\n\n" + row["messages"][1]["content"]
    return {"rows.jsonl": _lines(some)}


@file_planter("L301", max_tokens=600, tokenizer="approximate")
def over_the_limit(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    some = [row for row in _in(rows, ascii=True) if len(json.dumps(row)) < 1200][:ROWS]
    if planted:
        message = chance.choice(some)["messages"][chance.randrange(2)]
        message["content"] += "\n" + "The river is long and slow. " * 150
    return {"rows.jsonl": _lines(some)}


@file_planter("L306")
def far_longer(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    some = [row for row in _plain(rows) if all(len(each["content"]) < 900 for each in row["messages"])][:ROWS]
    if planted:
        chance.choice(some)["messages"][chance.randrange(2)]["content"] += "\nAnd so on, as above." * 20_000
    return {"rows.jsonl": _lines(some)}


@file_planter("L307")
def nearly_empty(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    some = [row for row in _plain(rows) if len(row["messages"][1]["content"]) > 110][:ROWS]
    if planted:
        chance.choice(some)["messages"][1]["content"] = chance.choice([".", "-", "a", "好", "1."])
    return {"rows.jsonl": _lines(some)}


# -- balance -----------------------------------------------------------------------------------------


@file_planter("B401")
def lopsided(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    shares = [90, 4, 26] if planted else [40, 30, 50]
    names = [name for name, share in zip(["math", "code", "chat"], shares, strict=True) for _ in range(share)]
    return {"rows.jsonl": _lines([{**row, "category": name} for row, name in zip(rows, names, strict=False)])}


@file_planter("B404")
def stray_language(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    main, stray = (_in(rows, ascii) for ascii in chance.sample([True, False], 2))
    return {"rows.jsonl": _lines(main[:100] + (stray[:3] if planted else []))}


@file_planter("B406")
def similar_systems(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    some = _plain(rows)[:ROWS]
    ways = [
        "You are a helpful assistant.",
        chance.choice(["You are a helpful assistant", "you are a helpful assistant."]),
    ]
    other = "You are a careful translator."
    for row in some:
        system = chance.choice(ways if planted else [ways[0], other])
        row["messages"].insert(0, {"role": "system", "content": system})
    return {"rows.jsonl": _lines(some)}


@file_planter("B407")
def repeated_opening(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    some = _plain(rows)[:200]
    opening = chance.choice(
        ["Sure! Here is what you asked for. ", "Certainly, I would be glad to. ", "好的，我来为您详细解答。"]
    )
    for row in some[: 40 if planted else 10]:
        row["messages"][1]["content"] = opening + row["messages"][1]["content"]
    return {"rows.jsonl": _lines(some)}


@file_planter("B408")
def repeated_answer(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    some = _plain(rows)[:ROWS]
    for row in some[: chance.randrange(5, 12) if planted else 2]:
        row["messages"][1]["content"] = "It depends on what you want to do with it, and on how much time there is."
    return {"rows.jsonl": _lines(some)}


def _pairs(rows: list[JSONRow]) -> list[JSONRow]:
    return [{**row, "chosen": {"role": "assistant", "content": "Short and right."},
             "rejected": {"role": "assistant", "content": "Wrong."}} for row in _plain(rows)
            if row["messages"].pop()]  # fmt: skip


@file_planter("B409")
def longer_chosen(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    some = _pairs(rows)[:200]
    for row in some:
        longer = chance.random() < (0.85 if planted else 0.5)
        row["chosen" if longer else "rejected"]["content"] += " And this is how it comes about." * chance.randrange(
            1, 9
        )
    return {"rows.jsonl": _lines(some)}


def _labelled(rows: list[JSONRow], chance: random.Random, share: float) -> dict[str, bytes]:
    some = _plain(rows)[:ROWS]
    return {"rows.jsonl": _lines([{**row, "label": chance.random() < share} for row in some])}


@file_planter("B410")
def one_label(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    return _labelled(rows, chance, chance.choice([0.0, 1.0]) if planted else 0.5)


@file_planter("B411")
def lopsided_labels(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    return _labelled(rows, chance, chance.choice([0.15, 0.85]) if planted else 0.5)


@file_planter("B412")
def unfit_sizes(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    held, trained = chance.choice([(60, 80), (8, 700)]) if planted else (60, 540)
    return {"train.jsonl": _lines(rows[held : held + trained]), "validation.jsonl": _lines(rows[:held])}


@file_planter("B413")
def drifted(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    some = _plain(rows)[:600]
    for row in some[:100] if planted else ():
        row["messages"][0]["content"] += (
            "\nWrite for a child of ten, and give an example of each kind that you name." * 2
        )
    return {"train.jsonl": _lines(some[100:]), "validation.jsonl": _lines(some[:100])}


# -- duplicates and leakage --------------------------------------------------------------------------


@file_planter("D704")
def leaked(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    some = _plain(rows)[:ROWS]
    held = some[:20]
    if planted:
        copy = json.loads(json.dumps(some[chance.randrange(20, ROWS)]))
        copy["messages"][0]["content"] = copy["messages"][0]["content"].upper() + chance.choice(["", " ", "\n"])
        held.append(copy)
    return {"train.jsonl": _lines(some[20:]), "validation.jsonl": _lines(held)}


@file_planter("D705", benchmark="benchmark.jsonl")
def benchmark_item(rows: list[JSONRow], chance: random.Random, planted: bool) -> dict[str, bytes]:
    some = _in(rows, ascii=True)
    items = [row["messages"][0]["content"] for row in some if len(row["messages"][0]["content"].split()) > 15]
    questions, trained = items[:30], [row for row in some if row["messages"][0]["content"] not in items][:ROWS]
    if planted:
        asked = chance.choice(questions)
        around = chance.choice(["{}", "Please answer this: {}", "{}\nThink step by step."])
        trained[0]["messages"][0]["content"] = around.format(asked)
    benchmark = [{"question": question} for question in questions]
    return {"benchmark.jsonl": _lines(benchmark), "rows.jsonl": _lines(trained)}


# -- targets -----------------------------------------------------------------------------------------


def target_trials(folder: Path) -> Iterator[tuple[str, str, set[str]]]:
    """`(case, the code that is to be found or "", the codes of the errors found)` of each target's case data."""
    sys.path.insert(0, str(ROOT))  # the tests are no part of the package
    from tests.targets.cases import linted

    for path in sorted(CASES.glob("*.yaml")):
        cases = yaml.safe_load(path.read_text("utf-8"))
        for case in cases["accepted"] + cases["rejected"]:
            result = linted(path.stem, case, folder)
            code = case.get("code", "")  # of an accepted case a warning
            found = {each.code for each in result.findings if each.severity == "error" or each.code == code}
            yield f"{path.stem}: {case['name']}", code, found - {*case.get("also", ())}
