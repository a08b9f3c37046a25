"""Rows are read as LLaMA-Factory's dataset_info.json describes them, and what it would drop in silence stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsforge.errors import InputError, RowError, UsageError
from dsforge.formats.dataset_info import entry_format, read_entry

INFO: dict[str, Any] = {
    "qa": {"file_name": "qa.json", "columns": {"prompt": "question", "response": "reply", "system": "persona"}},
    "plain": {"file_name": "plain.json"},
    "chat": {
        "file_name": "chat.json",
        "formatting": "sharegpt",
        "columns": {"messages": "dialog", "tools": "functions"},
        "tags": {"role_tag": "who", "content_tag": "text", "user_tag": "me", "assistant_tag": "you"},
    },
    "pair": {
        "file_name": "pair.json",
        "formatting": "sharegpt",
        "ranking": True,
        "columns": {"messages": "conversations", "chosen": "good", "rejected": "bad"},
    },
    "openai": {
        "file_name": "openai.json",
        "formatting": "openai",
        "columns": {"messages": "messages"},
        "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant",
                 "observation_tag": "tool", "function_tag": "call", "system_tag": "system"},
    },
    "hub": {"hf_hub_url": "someone/something"},
}  # fmt: skip


@pytest.fixture
def info(tmp_path: Path) -> Path:
    path = tmp_path / "dataset_info.json"
    path.write_text(json.dumps(INFO))
    return path


def _says(info: Path, name: str, row: dict[str, Any]) -> list[list[str]]:
    example = entry_format(read_entry(info, name)).decode(row)
    return [[message.role, message.text] for message in example.all_messages()]


def test_columns_of_alpaca(info: Path) -> None:
    row = {"question": "q", "reply": "r", "persona": "p"}
    assert _says(info, "qa", row) == [["system", "p"], ["user", "q"], ["assistant", "r"]]
    assert _says(info, "plain", {"instruction": "q", "input": "i", "output": "r"})[0] == ["user", "q\ni"]


def test_a_column_that_is_not_listed_stays_with_the_row(info: Path) -> None:
    """LLaMA-Factory reads no `input` here, and says nothing; neither is it read here, but it is kept."""
    example = entry_format(read_entry(info, "qa")).decode({"question": "q", "reply": "r", "input": "more"})
    assert example.messages[0].text == "q"
    assert example.extra == {"input": "more"}


def test_tags_of_sharegpt_and_their_defaults(info: Path) -> None:
    """A system turn is read though system_tag is not given: LLaMA-Factory drops such rows."""
    row = {
        "dialog": [{"who": "system", "text": "s"}, {"who": "me", "text": "q"}, {"who": "you", "text": "r"}],
        "functions": '[{"name": "f"}]',
    }
    assert _says(info, "chat", row) == [["system", "s"], ["user", "q"], ["assistant", "r"]]
    fmt = entry_format(read_entry(info, "chat"))
    assert fmt.decode(row).tools[0]["function"] == {"name": "f"}
    assert fmt.places(row, fmt.decode(row))[1] == "/dialog/1/value"


def test_pairs_and_openai(info: Path) -> None:
    turn = {"from": "human", "value": "q"}
    row = {"conversations": [turn], "good": {"from": "gpt", "value": "a"}, "bad": {"from": "gpt", "value": "b"}}
    assert _says(info, "pair", row) == [["user", "q"], ["assistant", "a"], ["assistant", "b"]]
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    chat = [{"role": "user", "content": "q"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    example = entry_format(read_entry(info, "openai")).decode({"messages": chat})
    assert example.messages[1].tool_calls[0].name == "f"


def test_files_are_named_from_the_folder_of_the_description(info: Path) -> None:
    assert read_entry(info, "qa").files == (str(info.parent / "qa.json"),)
    assert read_entry(info, "hub").files == ()


@pytest.mark.parametrize(
    ("name", "row", "pointer", "said"),
    [
        ("qa", {"question": "q"}, "", "'reply'"),
        ("qa", {"question": 5, "reply": "r"}, "/question", "/question is a number"),
        ("chat", {"dialog": [{"who": "them", "text": "q"}]}, "/dialog/0/who", "none of the tags: me, you"),
        ("chat", {"dialog": [{"text": "q"}]}, "/dialog/0", "no 'who', the role_tag"),
    ],
)
def test_what_is_wrong_is_told_in_the_names_of_the_file(
    info: Path, name: str, row: dict[str, Any], pointer: str, said: str
) -> None:
    with pytest.raises(RowError) as caught:
        entry_format(read_entry(info, name)).decode(row)
    assert (caught.value.pointer, said in caught.value.reason) == (pointer, True), caught.value.reason


def test_descriptions_that_cannot_be_used(info: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="several datasets"):
        read_entry(info)
    with pytest.raises(UsageError, match="did you mean 'chat'"):
        read_entry(info, "chatt")
    with pytest.raises(InputError, match="cannot be read"):
        read_entry(tmp_path / "none.json")
    broken = tmp_path / "broken.json"
    broken.write_text('{"a": {"file_name": "x", "columns": {"promt": "y"}}}')
    with pytest.raises(InputError, match="did you mean 'prompt'"):
        read_entry(broken)
    broken.write_text('{"a": {"formatting": "chatml"}}')
    with pytest.raises(InputError, match="sharegpt or openai is expected"):
        read_entry(broken)
