"""The peers' own code reads what dsforge writes: every row is kept, with the roles and texts it had.

Optional: `sh benchmarks/peers.sh` installs the peers into an environment of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from dsforge.convert import convert
from tests.peers.judge import ask, needs_peers
from tests.peers.rows import (
    IMAGE,
    LABELLED,
    PAIRS,
    PARALLEL,
    PLAIN,
    REASONING,
    TOOLS,
    Row,
    Said,
    calls,
    said,
    write,
)  # fmt: skip
from tests.shared_data import real_files

pytestmark = needs_peers
REAL = {path.name: path for path in real_files()}


def _convert(
    folder: Path, name: str, rows: list[Row], to: str, rejected: int = 0, options: Mapping[str, str] | None = None
) -> Path:
    """`rows` written as `to`: the file `NAME.jsonl`."""
    source, output = write(folder / f"{name}.source.jsonl", rows), folder / f"{name}.jsonl"
    result = convert([str(source)], output, to, options=options)
    assert (result.rows_out, result.rows_rejected) == (len(rows) - rejected, rejected)
    return output


# -- LLaMA-Factory

_TAGS = {
    "role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt",
    "observation_tag": "observation", "function_tag": "function_call", "system_tag": "system",
}  # fmt: skip
_COLUMNS = {
    "alpaca": {"prompt": "instruction", "query": "input", "response": "output"},
    "sharegpt": {"messages": "conversations"},
}
_ROLES = {"observation": "tool", "function": "assistant"}


def _entry(path: Path, formatting: str) -> Row:
    """What dataset_info.json says of a file: every column that a row of it has."""
    found = set().union(*_rows(path))
    beside = {"system", "tools", "images", "chosen", "rejected", "kto_tag", "history"} & found
    columns = {name: key for name, key in _COLUMNS[formatting].items() if key in found}
    entry: Row = {
        "file_name": path.name,
        "formatting": formatting,
        "columns": {**columns, **{name: name for name in beside}},
    }
    if "label" in found:  # the published KTO file calls it so
        entry["columns"]["kto_tag"] = "label"
    if formatting == "sharegpt":
        entry["tags"] = _TAGS
        if "messages" in found:  # and its rows are OpenAI's
            entry["columns"]["messages"] = "messages"
            entry["tags"] = {**_TAGS, "role_tag": "role", "content_tag": "content",
                             "user_tag": "user", "assistant_tag": "assistant"}  # fmt: skip
    return {**entry, "ranking": True} if "chosen" in found else entry


def _ask_llamafactory(folder: Path, files: dict[str, tuple[Path, str]]) -> dict[str, list[Row]]:
    """The rows that LLaMA-Factory makes of files, by name."""
    info = {name: _entry(path, formatting) for name, (path, formatting) in files.items()}
    (folder / "dataset_info.json").write_text(json.dumps(info), encoding="utf-8")
    rows = iter(ask("llamafactory", folder, folder, *files))
    counts = {name: _count(path) for name, (path, _) in files.items()}
    answers = {name: [next(rows) for _ in range(count)] for name, count in counts.items()}
    assert next(rows, None) is None
    return answers


def _rows(path: Path) -> list[Row]:
    """The rows of a JSON array or of JSON lines, which U+2028 does not end."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        rows: list[Row] = json.loads(text)
        return rows
    return [json.loads(line) for line in text.split("\n") if line]


def _count(path: Path) -> int:
    return len(_rows(path))


def _seen(row: Row) -> Said:
    """Roles and texts as LLaMA-Factory sees them; the text of a call is not compared here."""
    system = [["system", row["_system"]]] if row["_system"] else []
    turns = row["_prompt"] + row["_response"]
    return system + [
        [_ROLES.get(turn["role"], turn["role"]), "" if turn["role"] == "function" else turn["content"]]
        for turn in turns
    ]


@pytest.fixture(scope="module")
def llamafactory(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """All files in one go: its start takes longest."""
    folder = tmp_path_factory.mktemp("llamafactory")
    files = {
        "sft": (_convert(folder, "sft", [*PLAIN, *TOOLS], "sharegpt"), "sharegpt"),
        "alpaca": (_convert(folder, "alpaca", PLAIN, "alpaca"), "alpaca"),
        "reasoning": (_convert(folder, "reasoning", [REASONING], "sharegpt"), "sharegpt"),
        "parallel": (_convert(folder, "parallel", [PARALLEL], "llamafactory"), "sharegpt"),
        "image": (_convert(folder, "image", [IMAGE], "sharegpt"), "sharegpt"),
        "pairs": (_convert(folder, "pairs", PAIRS, "sharegpt"), "sharegpt"),
        "alpaca pairs": (_convert(folder, "alpaca-pairs", PAIRS, "alpaca"), "alpaca"),
        "labelled": (_convert(folder, "labelled", LABELLED, "sharegpt"), "sharegpt"),
    }
    for name, formatting in _PUBLISHED.items():
        if name in REAL:
            copy = folder / name
            copy.write_bytes(REAL[name].read_bytes())
            ours = folder / f"ours-{name}"
            convert([str(copy)], ours, "sharegpt")
            files[name], files[f"ours-{name}"] = (copy, formatting), (ours, "sharegpt")
    return _ask_llamafactory(folder, files)


_PUBLISHED = {
    "alpaca_en_demo.json": "alpaca",
    "alpaca_zh_demo.json": "alpaca",
    "identity.json": "alpaca",
    "dpo_en_demo.json": "sharegpt",
    "kto_en_demo.json": "sharegpt",
    "glaive_toolcall_en_demo.json": "sharegpt",
}


def test_llamafactory_sees_the_same_turns(llamafactory: dict[str, list[Row]]) -> None:
    assert list(map(_seen, llamafactory["sft"])) == list(map(said, [*PLAIN, *TOOLS]))
    assert list(map(_seen, llamafactory["alpaca"])) == list(map(said, PLAIN))
    assert list(map(_seen, llamafactory["pairs"])) == list(map(said, PAIRS))
    assert list(map(_seen, llamafactory["alpaca pairs"])) == list(map(said, PAIRS))


def test_llamafactory_sees_the_same_calls_and_tools(llamafactory: dict[str, list[Row]]) -> None:
    for row, source in zip(llamafactory["sft"][len(PLAIN) :], TOOLS, strict=True):
        (call,) = (turn for turn in row["_prompt"] if turn["role"] == "function")
        (written,) = (calls(message) for message in source["messages"] if "tool_calls" in message)
        assert [json.loads(call["content"])] == written
        assert json.loads(call["rendered"][0].removeprefix("<tool_call>").removesuffix("</tool_call>")) == written[0]
        assert json.loads(row["_tools"]) == [tool["function"] for tool in source["tools"]]


def test_llamafactory_sees_reasoning_images_and_labels(llamafactory: dict[str, list[Row]]) -> None:
    (thought,) = llamafactory["reasoning"]
    assert thought["_response"][0]["content"] == "<think>\n9 is 3 times 3.\n</think>\n\nNo."
    (seen,) = llamafactory["image"]
    assert seen["_images"] == ["cat.png"]
    assert seen["_prompt"][0]["content"].count("<image>") == 1
    good, bad = llamafactory["labelled"]
    assert [turn["content"] for turn in good["_response"]] == ["Hello!", ""]
    assert [turn["content"] for turn in bad["_response"]] == ["", "What?"]


def test_llamafactory_keeps_parallel_calls(llamafactory: dict[str, list[Row]]) -> None:
    assert llamafactory["parallel"][0]["_prompt"]


@pytest.mark.parametrize("name", [name for name in _PUBLISHED if name in REAL])
def test_llamafactory_sees_published_rows_as_before(llamafactory: dict[str, list[Row]], name: str) -> None:
    """Its own demo files and our conversion of them are one to it."""
    assert len(llamafactory[name]) > 50
    for before, after in zip(llamafactory[name], llamafactory[f"ours-{name}"], strict=True):
        for row in (before, after):
            for turn in row["_prompt"] + row["_response"]:
                if turn["role"] == "function":
                    turn.pop("rendered")
                    turn["content"] = json.loads(turn["content"])
            row["_tools"] = json.loads(row["_tools"]) if row["_tools"] else []
            row["_system"] = row["_system"] or ""
        assert before == after


# -- ms-swift


@pytest.fixture(scope="module")
def swift(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    folder = tmp_path_factory.mktemp("swift")
    rows = {
        "sft": [*PLAIN, *TOOLS, PARALLEL, REASONING],
        "image": [IMAGE],
        "pairs": PAIRS,
        "labelled": LABELLED,
    }
    files = {name: _convert(folder, name, given, "swift") for name, given in rows.items()}
    for name in ("alpaca_en_demo.json", "dpo_en_demo.json", "kto_en_demo.json", "glaive_toolcall_en_demo.json"):
        if name in REAL:
            files[name] = folder / name.replace(".json", ".jsonl")
            convert([str(REAL[name])], files[name], "swift")
    answers: dict[str, list[Row]] = {name: [] for name in files}
    by_file = {str(path): name for name, path in files.items()}
    for row in ask("swift", folder, *files.values()):
        answers[by_file[row["dataset"]]].append(row)
    return answers


def _swift_said(row: Row) -> Said:
    """What ms-swift should see: a call is a turn, and so is a result."""
    turns: Said = []
    for message in row["messages"]:
        if message["content"] or not message.get("tool_calls"):
            turns.append([{"tool": "tool_response"}.get(message["role"], message["role"]), message["content"]])
        turns += [["tool_call", json.dumps(call, ensure_ascii=False)] for call in calls(message)]
    return turns


def test_swift_sees_the_same_turns_calls_and_tools(swift: dict[str, list[Row]]) -> None:
    *rows, thought = swift["sft"]
    for row, source in zip(rows, [*PLAIN, *TOOLS, PARALLEL], strict=True):
        assert said(row) == _swift_said(source)
        assert (row["tools"] or []) == source.get("tools", [])
    assert thought["messages"][-1]["content"] == "<think>\n9 is 3 times 3.\n</think>\n\nNo."


def test_swift_sees_images_pairs_and_labels(swift: dict[str, list[Row]]) -> None:
    (image,) = swift["image"]
    assert [file["path"] for file in image["images"]] == ["cat.png"]
    assert image["messages"][0]["content"].count("<image>") == 1
    for row, pair in zip(swift["pairs"], PAIRS, strict=True):
        assert said(row) == said(pair, "messages", "chosen")
        assert row["rejected_response"] == pair["rejected"]["content"]
    assert [bool(row["label"]) for row in swift["labelled"]] == [row["label"] for row in LABELLED]
    assert [said(row) for row in swift["labelled"]] == [said(row) for row in LABELLED]


def test_swift_deletes_no_published_row(swift: dict[str, list[Row]]) -> None:
    for name, rows in swift.items():
        if name in REAL:
            assert len(rows) == _count(REAL[name]), name


# -- Mistral, Together, Qianfan, OpenAI


def test_mistral_takes_every_row(tmp_path: Path) -> None:
    rows = [*PLAIN, *TOOLS, PARALLEL]
    answers = ask("mistral", tmp_path, _convert(tmp_path, "rows", rows, "mistral"))
    for seen, row in zip(answers, rows, strict=True):
        assert isinstance(seen, list), seen
        assert [[role, text or ""] for role, text, _ in seen] == said(row)
        assert [count for _, _, count in seen] == [len(calls(message)) for message in row["messages"]]


@pytest.mark.skipif("glaive_toolcall_en_demo.json" not in REAL, reason="the public data is not here")
def test_mistral_takes_published_tool_calls(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    result = convert([str(REAL["glaive_toolcall_en_demo.json"])], output, "mistral")
    answers = ask("mistral", tmp_path, output)
    assert len(answers) == result.rows_out > 200
    assert [answer for answer in answers if isinstance(answer, str)] == []


def test_together_takes_conversations_and_pairs(tmp_path: Path) -> None:
    files = [_convert(tmp_path, "sft", PLAIN, "chatml"), _convert(tmp_path, "pairs", PAIRS, "dpo")]
    if "alpaca_zh_demo.json" in REAL:
        files.append(tmp_path / "zh.jsonl")
        convert([str(REAL["alpaca_zh_demo.json"])], files[-1], "chatml", keep_extra=False)
    verdicts = ask("together", tmp_path, *files)
    assert [(verdict["is_check_passed"], verdict["message"]) for verdict in verdicts] == [
        (True, "Checks passed")
    ] * len(files)
    assert [verdict["num_samples"] for verdict in verdicts] == list(map(_count, files))


def test_qianfan_takes_turns(tmp_path: Path) -> None:
    """Its schema of old wants each response in two arrays, which is an option."""
    output = _convert(tmp_path, "turns", PLAIN, "qianfan", options={"response": "nested"})
    (answer,) = ask("qianfan", tmp_path, output)
    assert (answer["valid"], answer["annotated"]) == (True, True)
    assert list(map(_qianfan_said, answer["rows"])) == list(map(said, PLAIN))


def _qianfan_said(turns: list[Row]) -> Said:
    system = [["system", turns[0]["system"]]] if turns[0].get("system") else []
    return system + [
        [role, text]
        for turn in turns
        for role, text in (("user", turn["prompt"]), ("assistant", turn["response"][0][0]))
    ]


def test_openai_reads_prompts_and_completions(tmp_path: Path) -> None:
    rows = [PLAIN[0], *({"messages": [{"role": "user", "content": f"{n} + 1?"},
                                      {"role": "assistant", "content": str(n + 1)}]} for n in range(200))]  # fmt: skip
    (verdict,) = ask("openai", tmp_path, _convert(tmp_path, "rows", rows, "prompt-completion"))
    assert verdict == {"rows": len(rows), "errors": []}
