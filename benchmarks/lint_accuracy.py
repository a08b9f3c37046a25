"""Plants every kind of defect, at known places, into clean rows of public datasets, and says what lint finds of it.

    python benchmarks/lint_accuracy.py [CODE ...]      all rules that run by default, or these

Clean rows are those of the public datasets beside the checkout (or in DSFORGE_SHARED_DATA; else of examples/) where
no default rule finds anything: English, Chinese, code, tool use, preference pairs. Each planter writes one defect in a
row as people make it. Recall is the share of planted rows in which the rule tells of it, at the very field where one is
named. Precision is the share of all findings of a rule, over the rows of all planters together, that stand in a row
where that defect was planted; a finding that a planted defect truly implies (a half-cut row has no closing fence
either) is neither, nor is what a rule says of the dataset as a whole. Defects of whole files are planted in file after
file, and left out of as many (file_planters.py). What targets take and refuse is measured on their case data,
tests/cases/targets. What rules find in the untouched files is for people to read.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from file_planters import FILE_PLANTERS, TRIALS, target_trials, trials

from dsforge.convert import convert_example
from dsforge.errors import RowError
from dsforge.formats.format import get_format
from dsforge.formats.read import decode_row
from dsforge.io.rows import Row, read_rows
from dsforge.lint.rule import DatasetRule, all_rules
from dsforge.lint.run import lint

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("DSFORGE_SHARED_DATA", ROOT.parent / "shared" / "data")) / "real"
PER_PLANTER, CLEAN = 60, 240
RECALL, PRECISION = 0.99, 0.95

JSONRow: TypeAlias = "dict[str, Any]"
Plant: TypeAlias = "Callable[[JSONRow, random.Random], JSONRow | bytes | None]"


@dataclass(frozen=True)
class Planter:
    """Writes the defect of one rule into a row; None where the row is not of the kind.

    `at` is the field, as a prefix of the pointer, that the finding has to name. `implies` are the codes of what the
    defect is as well. The row is added `beside` the one it was made of, or stands in its place.
    """

    code: str
    plant: Plant
    at: str = ""
    implies: frozenset[str] = field(default=frozenset())
    beside: bool = False


PLANTERS: list[Planter] = []


def planter(code: str, at: str = "", implies: str = "", beside: bool = False) -> Callable[[Plant], Plant]:
    """Register a function as a planter."""

    def add(plant: Plant) -> Plant:
        PLANTERS.append(Planter(code, plant, at, frozenset(implies.split()), beside))
        return plant

    return add


# -- bytes and JSON ----------------------------------------------------------------------------------


def _text(row: JSONRow) -> str:
    return json.dumps(row, ensure_ascii=False)


@planter("J001")
def trailing_comma(row: JSONRow, chance: random.Random) -> bytes:
    return (_text(row)[:-1] + chance.choice([",", ", "]) + "}").encode()


@planter("J001")
def missing_comma(row: JSONRow, chance: random.Random) -> bytes:
    return _text(row).replace(', "content"', ' "content"', 1).encode()


@planter("J001")
def single_quotes(row: JSONRow, chance: random.Random) -> bytes:
    return repr(row).encode()


@planter("J001")
def cut_off(row: JSONRow, chance: random.Random) -> bytes:
    text = _text(row)
    return text[: chance.randrange(len(text) // 2, len(text) - 1)].encode()


@planter("J001")
def comment(row: JSONRow, chance: random.Random) -> bytes:
    return (_text(row) + "  // checked").encode()


@planter("J001")
def raw_line_break(row: JSONRow, chance: random.Random) -> bytes | None:
    text = _text(row)
    return text.replace("\\n", "\t", 1).encode() if "\\n" in text else None


@planter("J001")
def two_on_a_line(row: JSONRow, chance: random.Random) -> bytes:
    return (_text(row) + chance.choice(["", " "]) + _text(row)).encode()


@planter("J002")
def key_twice(row: JSONRow, chance: random.Random) -> bytes:
    return _text(row).replace('{"role"', '{"role": "user", "role"', 1).encode()


@planter("J003")
def latin_1(row: JSONRow, chance: random.Random) -> bytes:
    return _text({**row, "source": "Caf\udce9"}).encode("utf-8", "surrogateescape")


@planter("J004")
def not_a_number(row: JSONRow, chance: random.Random) -> bytes:
    return _text({**row, "score": float(chance.choice(["nan", "inf", "-inf"]))}).encode()


@planter("J005", implies="J001")
def too_deep(row: JSONRow, chance: random.Random) -> bytes:
    return (_text(row)[:-1] + ', "tree": ' + "[" * 230 + "]" * 230 + "}").encode()


@planter("J011")
def half_a_character(row: JSONRow, chance: random.Random) -> bytes:
    return (_text(row)[:-1] + ', "note": "so \\ud83d"}').encode()


@planter("J012")
def huge_integer(row: JSONRow, chance: random.Random) -> JSONRow:
    return {**row, "id": chance.randrange(1 << 64, 1 << 80)}


@planter("J013")
def array_in_a_line(row: JSONRow, chance: random.Random) -> bytes:
    return json.dumps([row, row], ensure_ascii=False).encode()


# -- schema ------------------------------------------------------------------------------------------


def _messages(row: JSONRow, role: str) -> list[JSONRow]:
    return [message for message in row["messages"] if message["role"] == role]


def _copy(row: JSONRow) -> JSONRow:
    copied: JSONRow = orjson.loads(json.dumps(row))
    return copied


def _answer(row: JSONRow) -> JSONRow | None:
    """The last answer of a conversation, to be changed in place."""
    answers = [each for each in _messages(row, "assistant") if isinstance(each.get("content"), str) and each["content"]]
    return answers[-1] if answers and "chosen" not in row else None


@planter("S101")
def unknown_format(row: JSONRow, chance: random.Random) -> JSONRow:
    return {"asked": row["messages"][0]["content"], "said": "So."}


@planter("S112", "/_dsforge")
def idle_waiver(row: JSONRow, chance: random.Random) -> JSONRow:
    return {**row, "_dsforge": chance.choice([{"ignore": "Q501"}, {"ignore": ["Q999"]}, {"skip": ["Q501"]}, ["Q501"]])}


@planter("S103", "/messages/")
def unknown_role(row: JSONRow, chance: random.Random) -> JSONRow:
    row = _copy(row)
    row["messages"][0]["role"] = chance.choice(["bot", "gpt", "human", "User", "narrator", "sytem"])
    return row


@planter("S104", "/messages/")
def empty_answer(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    if (answer := _answer(row)) is None or answer.get("tool_calls"):
        return None
    answer["content"] = chance.choice(["", " ", "\n", None])
    return row


@planter("S105", "/messages/")
def wrong_type(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    if (answer := _answer(row)) is None:
        return None
    answer["content"] = chance.choice([42, True, {"text": "a"}])
    return row


@planter("S106")
def missing_role(row: JSONRow, chance: random.Random) -> JSONRow:
    row = _copy(row)
    del row["messages"][-1]["role"]
    return row


@planter("S111", "/")
def misspelt_field(row: JSONRow, chance: random.Random) -> JSONRow:
    return {**row, chance.choice(["tool", "toools", "lable", "chosn", "imags"]): None, "messages": row["messages"]}


@planter("S107", "/messages/")
def unknown_part(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    if (answer := _answer(row)) is None:
        return None
    answer["content"] = [{"type": chance.choice(["txt", "picture", "output"]), "text": answer["content"]}]
    return row


@planter("S108")
def mark_without_image(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    if "chosen" in row or not isinstance(row["messages"][0]["content"], str):
        return None
    row["messages"][0]["content"] = "<image><image>" + row["messages"][0]["content"]
    return {**row, "images": ["cat.jpg"]}


def _with_image(row: JSONRow, url: str) -> JSONRow | None:
    row = _copy(row)
    user = next((message for message in row["messages"] if message["role"] == "user"), None)
    if user is None or not isinstance(user["content"], str):
        return None
    user["content"] = [{"type": "text", "text": user["content"]}, {"type": "image_url", "image_url": {"url": url}}]
    return row


@planter("S114", "/messages/")
def no_reference(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _with_image(row, chance.choice(["", "https://lamps.at/a cat.jpg", "http:/lamps.at/x.png", "see attachment"]))


@planter("S115", "/messages/")
def broken_image(row: JSONRow, chance: random.Random) -> JSONRow | None:
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    words = [
        f"data:image/jpeg;base64,{png}",
        f"data:image/png;base64,{png[:61]}",
        "data:image/png;base64,@@@not base64@@@",
    ]
    return _with_image(row, chance.choice(words))


def _with_tools(row: JSONRow, change: Callable[[JSONRow], None]) -> JSONRow | None:
    """The row with its first function changed in place."""
    row = _copy(row)
    if not row.get("tools"):
        return None
    change(row["tools"][0]["function"])
    return row


@planter("S117", "/tools/", implies="T207")
def function_without_name(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _with_tools(row, lambda function: function.pop("name"))


@planter("S118", "/tools/", implies="T207")
def odd_function_name(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _with_tools(
        row, lambda function: function.update(name=chance.choice(["get weather", "天气", "a.b", "x" * 70]))
    )


@planter("S119", "/tools/")
def function_twice(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    if not row.get("tools"):
        return None
    row["tools"].append(row["tools"][0])
    return row


@planter("S120", "/tools/", implies="T213 T214")
def no_schema(row: JSONRow, chance: random.Random) -> JSONRow | None:
    words = [
        {"type": "dict", "properties": {}},
        {"type": "object", "properties": {"a": {"type": "str"}}},
        {"type": "array"},
    ]
    return _with_tools(row, lambda function: function.update(parameters=chance.choice(words)))


@planter("S121", "/tools/", implies="T213")
def required_and_undefined(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _with_tools(row, lambda function: function["parameters"].update(required=["no_such_argument"]))


@planter("S122", "/messages/", implies="Q502 T202 T203 L305 Q509")
def parts_as_text(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _answered(row, lambda text: json.dumps([{"type": "text", "text": text}], ensure_ascii=False))


# -- turns and tools ---------------------------------------------------------------------------------


@planter("T201")
def no_answer(row: JSONRow, chance: random.Random) -> JSONRow | None:
    if "chosen" in row or len(row["messages"]) != 2:
        return None
    return {**row, "messages": [message for message in row["messages"] if message["role"] != "assistant"]}


@planter("T202", "/messages/")
def question_at_the_end(row: JSONRow, chance: random.Random) -> JSONRow | None:
    if "chosen" in row:
        return None
    return {**row, "messages": [*row["messages"], {"role": "user", "content": "And why is that?"}]}


@planter("T203", "/messages/")
def two_questions(row: JSONRow, chance: random.Random) -> JSONRow | None:
    at = next((at for at, each in enumerate(row["messages"]) if each["role"] == "user"), None)
    if at is None:
        return None
    return {**row, "messages": [*row["messages"][:at], {"role": "user", "content": "Hello?"}, *row["messages"][at:]]}


@planter("T208", "/messages/", implies="T210")
def system_in_the_middle(row: JSONRow, chance: random.Random) -> JSONRow | None:
    if "chosen" in row:
        return None
    return {**row, "messages": [*row["messages"][:-1], {"role": "system", "content": "Be kind."}, row["messages"][-1]]}


def _calls(row: JSONRow) -> list[int]:
    return [at for at, each in enumerate(row["messages"]) if each.get("tool_calls")]


@planter("T204", "/messages/", implies="T203")
def result_left_out(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    for at in _calls(row):
        if row["messages"][at + 1 : at + 3] and row["messages"][at + 1]["role"] == "tool":
            del row["messages"][at + 1]
            return row
    return None


@planter("T205", "/messages/")
def result_out_of_nowhere(row: JSONRow, chance: random.Random) -> JSONRow | None:
    if _calls(row) or "chosen" in row or row["messages"][0]["role"] != "user":
        return None
    result = {"role": "tool", "tool_call_id": "1", "content": "{}"}
    return {**row, "messages": [row["messages"][0], result, *row["messages"][1:]]}


@planter("T206", "/messages/")
def arguments_not_json(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    for at in _calls(row):
        function = row["messages"][at]["tool_calls"][0]["function"]
        function["arguments"] = chance.choice(['{"a": }', "city=Ulm", "{'a': 1}", '{"a": 1'])
        return row
    return None


@planter("T207", "/messages/")
def undefined_tool(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    if not row.get("tools"):
        return None
    for at in _calls(row):
        row["messages"][at]["tool_calls"][0]["function"]["name"] += "_v2"
        return row
    return None


@planter("T209", "/messages/", implies="T203")
def assistant_first(row: JSONRow, chance: random.Random) -> JSONRow | None:
    if row["messages"][0]["role"] != "user":
        return None
    return {**row, "messages": [{"role": "assistant", "content": "Hello! How may I help?"}, *row["messages"]]}


@planter("T210", "/messages/")
def result_passed_over(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    for at, message in enumerate(row["messages"][:-1]):
        if message["role"] == "tool" and row["messages"][at + 1]["role"] == "assistant":
            row["messages"].insert(at + 1, {"role": "user", "content": "And what else?"})
            return row
    return None


@planter("T211", "/messages/", implies="T204 T205")
def one_id_twice(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    for at in _calls(row):
        call = {**row["messages"][at]["tool_calls"][0], "id": "call_1"}
        row["messages"][at]["tool_calls"] = [call, call]
        return row
    return None


def _with_arguments(row: JSONRow, change: Callable[[JSONRow], object]) -> JSONRow | None:
    """The row with other arguments of its first call."""
    row = _copy(row)
    for at in _calls(row):
        function = row["messages"][at]["tool_calls"][0]["function"]
        arguments = json.loads(function["arguments"])
        if not isinstance(arguments, dict) or not arguments or not row.get("tools"):
            return None
        function["arguments"] = json.dumps(change(arguments))
        return row
    return None


@planter("T212", "/messages/", implies="T213")
def arguments_in_a_list(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _with_arguments(row, lambda arguments: chance.choice([list(arguments.values()), json.dumps(arguments), 5]))


@planter("T213", "/messages/")
def required_argument_left_out(row: JSONRow, chance: random.Random) -> JSONRow | None:
    required = [
        name for tool in row.get("tools", []) for name in tool["function"].get("parameters", {}).get("required", [])
    ]
    return _with_arguments(row, lambda arguments: {}) if required and len(row["tools"]) == 1 else None


@planter("T214", "/messages/")
def argument_made_up(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return (
        _with_arguments(row, lambda arguments: {**arguments, "made_up": True})
        if len(row.get("tools", [])) == 1
        else None
    )


@planter("T215", "/messages/")
def question_reasons(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    row["messages"][0]["reasoning_content"] = "Let me think."
    return row if row["messages"][0]["role"] != "assistant" else None


@planter("T216", "/messages/")
def think_in_the_middle(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _answered(row, lambda text: f"{text}\n<think>\nIs that so?\n</think>\nYes.")


# -- length ------------------------------------------------------------------------------------------


@planter("L302", "/messages/")
def fence_left_open(row: JSONRow, chance: random.Random) -> JSONRow | None:
    if "```" in json.dumps(row["messages"]):
        return None
    return _answered(row, lambda text: f"{text}\n\n```python\nprint('Hello')\nx = 1")


@planter("L303", "/messages/", implies="Q509")
def json_cut_off(row: JSONRow, chance: random.Random) -> JSONRow | None:
    whole = json.dumps({"name": "Ulm", "rivers": ["Danube", "Iller"], "minster": {"height": 161.53, "begun": 1377}})
    return _answered(row, whole[: chance.randrange(20, len(whole) - 3)].rstrip())


@planter("L305", implies="Q509")
def sentence_left_open(row: JSONRow, chance: random.Random) -> JSONRow | None:
    if row.get("label") is False:  # a bad answer may be cut off
        return None
    words = ["It lies on the river Danube, and the", "It has a very tall tower and", "First, open the door and then,"]
    return _answered(
        row, f"Ulm is a town in the south of Germany that is famous for its minster. {chance.choice(words)}"
    )


@planter("L304", "/messages/", implies="T216")
def tag_left_open(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _answered(row, lambda text: chance.choice([f"<think>\n{text}", f"<answer>{text}"]))


# -- text quality ------------------------------------------------------------------------------------


def _answered(row: JSONRow, text: str | Callable[[str], str]) -> JSONRow | None:
    """The row with another last answer, or with the answer changed."""
    row = _copy(row)
    if row.get("label") is False:  # meant to be bad
        return None
    if (answer := _answer(row)) is None or answer.get("tool_calls"):
        return None
    answer["content"] = text(answer["content"]) if callable(text) else text
    return row


def _within(chance: random.Random, what: str) -> Callable[[str], str]:
    """Puts a text somewhere between two words, or at the end where there is no white space."""

    def put(text: str) -> str:
        places = [at for at, char in enumerate(text) if char in " 。，\n" and text.count("```", 0, at) % 2 == 0]
        at = chance.choice(places or [len(text)])
        return f"{text[:at]} {what}{text[at:]}"

    return put


@planter("Q501", "/messages/")
def mojibake(row: JSONRow, chance: random.Random) -> JSONRow | None:
    broken = chance.choice(["don’t", "“quoted”", "caffè", "naïve", "你好世界朋友们", "乌尔姆大教堂"])
    codec = chance.choice(["cp1252", "mac_roman"]) if broken[0] < "\u4e00" else chance.choice(["mac_roman", "gb18030"])
    read = broken.encode().decode(codec, "replace" if codec == "gb18030" else "strict") if codec != "cp1252" else ""
    if codec == "cp1252":
        read = "".join(chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([byte]).decode("cp1252")
                       for byte in broken.encode())  # fmt: skip
    return _answered(row, _within(chance, read))


@planter("Q502", "/messages/")
def placeholder(row: JSONRow, chance: random.Random) -> JSONRow | None:
    words = [
        "[Your Name]",
        "{{customer_name}}",
        "[Insert date here]",
        "[您的姓名]",
        "<YOUR_API_KEY>",
        "【您的公司】",
        "Lorem ipsum",
    ]
    return _answered(row, _within(chance, chance.choice(words)))


@planter("Q524", "/messages/")
def model_speaks(row: JSONRow, chance: random.Random) -> JSONRow | None:
    asked = json.dumps(row["messages"][:-1], ensure_ascii=False).lower()
    words = (
        "ai",
        "artificial",
        "language model",
        "chat",
        "bot",
        "you",
        "assistant",
        "人工智能",
        "模型",
        "助手",
        "你",
        "您",
    )
    if "tools" in row or any(word in asked for word in words):
        return None
    said = chance.choice(
        ["As an AI language model, I can tell you this. ", "作为一个AI助手，我建议如下：", "I'm just an AI, so: "]
    )
    return _answered(row, lambda text: said + text)


@planter("Q504", "/messages/", implies="Q509 D701 D703")
def refusal(row: JSONRow, chance: random.Random) -> JSONRow | None:
    if "tools" in row:  # to say that none is fit is what such rows are for
        return None
    words = [
        "As an AI language model, I don't have feelings.", "I'm sorry, but I cannot assist with that request.",
        "作为一个人工智能语言模型，我没有情感。", "很抱歉，我无法回答这个问题。",
        "I apologize, but I'm unable to provide that.",
        "Sorry, I can't help with that.", "作为AI助手，我不能这样做。",
    ]  # fmt: skip
    return _answered(row, chance.choice(words))


@planter("Q505", "/messages/")
def no_answer_given(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _answered(row, chance.choice(["N/A", "n/a", "TODO", "...", "TBD", "No output", "暂无", "placeholder"]))


@planter("Q506", "/messages/")
def html_left_over(row: JSONRow, chance: random.Random) -> JSONRow | None:
    words = ("html", "web", "code", "tag", "url", "css", "script", "react", "网", "代码", "标签", "xml")
    if any(word in json.dumps(row["messages"], ensure_ascii=False).lower() for word in (*words, "</", "def ")):
        return None
    return _answered(row, _within(chance, chance.choice(["&nbsp;", "<br>", "&amp;", "</p>", "&quot;"])))


@planter("Q507", "/messages/", implies="L305 Q509")
def loop(row: JSONRow, chance: random.Random) -> JSONRow | None:
    phrase = chance.choice(
        ["I am not sure about that. ", "and so on and so forth, ", "他说他也不知道为什么，", "Yes, of course it is. "]
    )
    return _answered(row, lambda text: f"{text} {phrase * chance.randrange(12, 60)}".rstrip())


@planter("Q508", "/messages/")
def question_repeated(row: JSONRow, chance: random.Random) -> JSONRow | None:
    if len(row["messages"]) != 2 or len(row["messages"][0]["content"] or "") < 40:
        return None
    asked = row["messages"][0]["content"].strip()
    return _answered(row, lambda text: chance.choice([asked, f"{asked}\n\n{text}"]))


@planter("Q509", "/messages/")
def wrong_language(row: JSONRow, chance: random.Random) -> JSONRow | None:
    asked = "请你详细地介绍一下乌尔姆这座城市的历史和著名的建筑物"
    answer = "Ulm lies on the Danube and is known for its minster, whose steeple is the tallest of all churches."
    if chance.random() < 0.5:
        asked, answer = (
            "Tell me about the town of Ulm and its well known minster, please",
            "乌尔姆位于多瑙河畔，以其大教堂闻名，它的塔是世界上所有教堂里最高的，每年都有许多游客前来登塔参观。",
        )
    asked = f"{asked} ({chance.randrange(10**6)})"
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}


@planter("Q510", "/messages/")
def token_left_in(row: JSONRow, chance: random.Random) -> JSONRow | None:
    words = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "[/INST]", "<end_of_turn>", "<｜end▁of▁sentence｜>", "</s>"]
    return _answered(
        row, lambda text: text.rstrip() + chance.choice(words) if text.count("```") % 2 == 0 else text + "<|im_end|>"
    )


@planter("Q511", "/messages/")
def white_space(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _answered(row, lambda text: chance.choice([f"{text.strip()}\n", f"\n{text.strip()}", f"{text.strip()} "]))


@planter("Q512", "/messages/")
def invisible(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _answered(row, _within(chance, chance.choice(["\u200b", "\ufeff", "\u202e", "\u2060", "\u00ad"])))


@planter("Q513", "/messages/")
def control(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _answered(row, _within(chance, chance.choice(["\x00", "\x08", "\x1b[0m", "\x0b", "\x7f"])))


@planter("Q514", "/messages/")
def full_width(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _answered(row, _within(chance, chance.choice(["１２３", "ＡＢＣ", "第５章", "ｏｋ"])))


@planter("Q515", "/messages/")
def link_alone(row: JSONRow, chance: random.Random) -> JSONRow | None:
    asked = json.dumps(row["messages"], ensure_ascii=False).lower()
    if any(
        word in asked for word in ("url", "link", "site", "web", "http", "address", "endpoint", "网", "链接", "地址")
    ):
        return None
    return _answered(row, f"https://www.lamps.at/{chance.randrange(10**6)}/answer.html")


@planter("Q516", "/messages/")
def image_not_there(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    if "chosen" in row or len(row["messages"]) != 2 or not isinstance(row["messages"][0]["content"], str):
        return None
    if any(mark in row["messages"][0]["content"] for mark in ("http", ".png", ".jpg", "![", "<im", ".gif")):
        return None
    words = [
        "What do you see in the image above?",
        "Describe the attached photo.",
        "如图所示，求阴影部分的面积。",
        "这张图片中有什么？",
    ]
    row["messages"][0]["content"] += "\n" + chance.choice(words)
    return row


@planter("T218", implies="T203")
def pair_of_two_questions(row: JSONRow, chance: random.Random) -> JSONRow | None:
    if "chosen" not in row:
        return None
    row = _copy(row)
    for side, question in (("chosen", "Name a river."), ("rejected", chance.choice(["Name a hill.", "说出一座山。"]))):
        row[side] = [{"role": "user", "content": question}, row[side]]
    return row


@planter("Q503")
def equal_pair(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return {**row, "rejected": row["chosen"]} if "chosen" in row else None


@planter("Q517", implies="Q504")
def refusal_chosen(row: JSONRow, chance: random.Random) -> JSONRow | None:
    if "chosen" not in row or any(
        word in row["rejected"]["content"] for word in ("cannot", "can't", "orry", "not able")
    ):
        return None
    row = _copy(row)
    row["chosen"]["content"] = chance.choice(["I'm sorry, but I can't assist with that.", "抱歉，我无法回答这个问题。"])
    return row


@planter("Q518")
def nearly_equal(row: JSONRow, chance: random.Random) -> JSONRow | None:
    if "chosen" not in row or len(row["chosen"]["content"]) < 40:
        return None
    row = _copy(row)
    row["rejected"]["content"] = row["chosen"]["content"].strip().rstrip(".!") + chance.choice([".", "!", "..."])
    return row if row["rejected"]["content"].split() != row["chosen"]["content"].split() else None


@planter("Q519", "/messages/", implies="Q509")
def wrong_sum(row: JSONRow, chance: random.Random) -> JSONRow | None:
    one, other, sign = chance.randrange(3, 900), chance.randrange(3, 90), chance.choice("+-*×")
    right = one + other if sign == "+" else one - other if sign == "-" else one * other
    return _answered(
        row, f"First we calculate {one} {sign} {other} = {right + chance.choice([1, 10, -2])}. That is all."
    )


@planter("Q520", "/messages/")
def two_instructions(row: JSONRow, chance: random.Random) -> JSONRow | None:
    return _answered(row, lambda text: f"{text}\n\n## {chance.randrange(2, 30)}. Instruction:\nName three rivers.")


@planter("Q521", "/messages/")
def no_input(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    if "chosen" in row or len(row["messages"]) != 2:
        return None
    row["messages"][0]["content"] += chance.choice(["\n<noinput>", "\n<no input>"])
    return row


@planter("Q522", "/messages/")
def odd_space(row: JSONRow, chance: random.Random) -> JSONRow | None:
    answer = _answer(row)
    text = answer["content"] if answer else ""
    places = [at for at in range(1, len(text) - 1) if text[at] == " " and (text[at - 1] + text[at + 1]).isalpha()]
    if not text.isascii() or len(places) < 10 or "`" in text:
        return None
    at = chance.choice(places)
    return _answered(row, text[:at] + chance.choice("\u00a0\u2003\u2009") + text[at + 1 :])


@planter("Q523", "/messages/")
def blank_lines(row: JSONRow, chance: random.Random) -> JSONRow | None:
    answer = _answer(row)
    if answer is None or "\n\n" not in answer["content"] or "```" in answer["content"]:
        return None
    return _answered(row, lambda text: text.replace("\n\n", "\n" * chance.randrange(4, 8), 1))


# -- privacy -----------------------------------------------------------------------------------------


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))


def _beside(chance: random.Random, what: str) -> Callable[[str], str]:
    """Puts personal data where people do: after a space, or right beside Chinese characters."""
    before = chance.choice(["Contact: ", "我的联系方式是", "(", "：", "see "])
    after = chance.choice(["。", "，谢谢。", ".", ").", " and more."])
    return lambda text: f"{text.rstrip()} {before}{what}{after}"


@planter("P601", "/messages/")
def secret(row: JSONRow, chance: random.Random) -> JSONRow | None:
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789"

    def by_chance(count: int) -> str:
        return "".join(chance.sample(letters, min(count, len(letters))))

    words = [
        f"sk-proj-{by_chance(48)}", f"sk-ant-api03-{by_chance(50)}", f"hf_{by_chance(34)}", f"ghp_{by_chance(36)}",
        f"glpat-{by_chance(20)}", f"AIza{by_chance(35)}", f"xoxb-{by_chance(30)}", f"npm_{by_chance(36)}",
        f"sk_live_{by_chance(24)}", f"postgres://app:{by_chance(12)}@db.lamps.at/shop",
        "AKIA" + "".join(chance.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16)),
        f"-----BEGIN PRIVATE KEY-----\nMIIE{by_chance(50)}",
    ]  # fmt: skip
    return _answered(row, _beside(chance, chance.choice(words)))


@planter("P602", "/messages/")
def email(row: JSONRow, chance: random.Random) -> JSONRow | None:
    name = chance.choice(["li.na", "zhangwei", "maria_huber", "j.smith+news", "r2d2"])
    return _answered(
        row,
        _beside(
            chance,
            f"{name}{_digits(chance, 2)}@{chance.choice(['qq.com', 'lamps.at', 'gmail.com', 'mail.uni-ulm.de'])}",
        ),
    )


@planter("P603", "/messages/")
def phone(row: JSONRow, chance: random.Random) -> JSONRow | None:
    between = chance.randrange
    mobile = f"1{chance.choice('3456789')}{chance.randrange(1, 10)}{_digits(chance, 7)}{chance.randrange(1, 10)}"
    words = [
        mobile, f"+86 {mobile[:3]} {mobile[3:7]} {mobile[7:]}", f"{mobile[:3]}-{mobile[3:7]}-{mobile[7:]}",
        f"+49 731 {_digits(chance, 5)}{between(11, 99)}", f"+44 20 {between(3000, 9000)} {between(1001, 9999)}",
        f"({between(201, 499)}) {between(601, 899)}-{between(1001, 9999)}", f"010-{between(6 * 10**7, 7 * 10**7)}",
    ]  # fmt: skip
    return _answered(row, _beside(chance, chance.choice(words)))


@planter("P604", "/messages/")
def identity_number(row: JSONRow, chance: random.Random) -> JSONRow | None:
    from dsforge.lint.rules.privacy.chinese_id_number import is_identity_number

    region = chance.choice(["110105", "310101", "440306", "510104"])
    birthday = f"19{chance.randrange(50, 99)}{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}"
    start = region + birthday + _digits(chance, 3)
    return _answered(
        row, _beside(chance, next(start + check for check in "0123456789X" if is_identity_number(start + check)))
    )


@planter("P605", "/messages/")
def card(row: JSONRow, chance: random.Random) -> JSONRow | None:
    from dsforge.lint.rules.privacy.bank_card_number import is_luhn

    start = chance.choice(["4", "62220", "5105", "3571"]) + _digits(chance, 11)
    start = (start + _digits(chance, 5))[:15]
    number = next(start + check for check in "0123456789" if is_luhn(start + check))
    grouped = " ".join(number[at : at + 4] for at in range(0, 16, 4))
    return _answered(
        row,
        lambda text: (
            f"{text.rstrip()} {chance.choice([f'My card is {number}.', f'卡号{number}。', f'付款到{grouped}。'])}"
        ),
    )


@planter("P606", "/messages/")
def account(row: JSONRow, chance: random.Random) -> JSONRow | None:
    from dsforge.lint.rules.privacy.iban import is_iban

    body = _digits(chance, 18)
    number = next(f"DE{check:02}{body}" for check in range(2, 99) if is_iban(f"DE{check:02}{body}"))
    grouped = " ".join(number[at : at + 4] for at in range(0, 22, 4))
    return _answered(row, _beside(chance, chance.choice([number, grouped])))


@planter("P607", "/messages/")
def address(row: JSONRow, chance: random.Random) -> JSONRow | None:
    first, between = chance.choice([47, 93, 129, 185, 203]), chance.randrange
    words = [
        f"{first}.{between(10, 90)}.{between(115, 250)}.{between(1, 250)}",
        f"2606:{between(1000, 9999)}:{between(100, 999)}:1::{between(1, 99)}",
    ]
    return _answered(row, _beside(chance, chance.choice(words)))


@planter("P609", "/messages/")
def social_security(row: JSONRow, chance: random.Random) -> JSONRow | None:
    between = chance.randrange
    return _answered(row, _beside(chance, f"{between(101, 665)}-{between(11, 99)}-{between(1001, 9999)}"))


@planter("P610", "/messages/")
def company(row: JSONRow, chance: random.Random) -> JSONRow | None:
    from dsforge.lint.rules.privacy.chinese_company_code import is_credit_code

    start = f"91{chance.choice(['110108', '310115', '440305'])}MA{_digits(chance, 6)}X"
    code = next(start + check for check in "0123456789ABCDEFGHJKLMNPQRTUWXY" if is_credit_code(start + check))
    return _answered(row, _beside(chance, code))


# -- duplicates --------------------------------------------------------------------------------------


@planter("D701", beside=True)
def copy_of_a_row(row: JSONRow, chance: random.Random) -> JSONRow:
    row = _copy(row)
    asked = _messages(row, "user")[0] if _messages(row, "user") else row["messages"][0]
    asked["content"] = chance.choice(["{}", "{} ", " {}"]).format(asked["content"])
    return row


@planter("D703", beside=True)
def another_answer(row: JSONRow, chance: random.Random) -> JSONRow | None:
    row = _copy(row)
    if row.get("label") is False or (answer := _answer(row)) is None or len(row["messages"]) != 2:
        return None
    answer["content"] = "It depends on what you mean by that."
    return row


# -- the measure -------------------------------------------------------------------------------------


def rows_to_plant_in() -> list[JSONRow]:
    """ChatML rows of every kind in which no default rule finds anything."""
    files = sorted(path for path in SHARED.glob("*.json*") if path.name != "mllm_demo.json")
    files = files or [ROOT / "examples" / "support" / "support.chatml.jsonl"]
    chatml = get_format("chatml")
    rows: list[bytes] = []
    for file in files:
        for row in read_rows(file):
            if isinstance(row, Row):
                try:
                    rows.append(convert_example(decode_row(row.value)[1], chatml)[0])
                except RowError:
                    continue
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_bytes(b"\n".join(rows))
        told = {finding.row for finding in lint([path]).findings}
    return [orjson.loads(row) for number, row in enumerate(rows, 1) if number not in told]


class Score:
    """What was planted and found, by code."""

    def __init__(self) -> None:
        planted = {planter.code for planter in PLANTERS}
        self._of_all_rows = {code for code, rule in all_rules().items() if isinstance(rule, DatasetRule)} - planted
        self.planted: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.false: Counter[str] = Counter()
        self.of_files: set[str] = set()
        self.missed: dict[str, list[str]] = defaultdict(list)
        self.wrong: dict[str, list[str]] = defaultdict(list)

    def run(self, planter: Planter, rows: Sequence[JSONRow], folder: Path) -> None:
        """Plant, lint, and count."""
        chance = random.Random(planter.plant.__name__)
        shuffled = chance.sample(rows, len(rows))
        lines: list[bytes] = [orjson.dumps(row) for row in shuffled[:CLEAN]]
        planted: set[int] = set()
        for row in shuffled[CLEAN:]:
            if len(planted) == PER_PLANTER:
                break
            made = planter.plant(row, chance)
            if made is None:
                continue
            if planter.beside:
                lines.insert(len(lines) // 2, orjson.dumps(row))
                planted = {number + 1 if number > len(lines) // 2 else number for number in planted}
            lines.append(made if isinstance(made, bytes) else json.dumps(made, ensure_ascii=False).encode())
            planted.add(len(lines))
        path = folder / "rows.jsonl"
        path.write_bytes(b"\n".join(lines) + b"\n")
        told: dict[int, set[str]] = defaultdict(set)
        for finding in lint([path]).findings:
            at_place = finding.pointer.startswith(planter.at) if finding.code == planter.code else True
            if at_place:
                told[finding.row].add(finding.code)
        self._count(planter, planted, told, lines)

    def run_files(self, rows: list[JSONRow], asked: set[str], folder: Path) -> None:
        """Plant the defects of whole files, and run the case data of targets."""
        for planter in FILE_PLANTERS:
            if asked and planter.code not in asked:
                continue
            self.of_files.add(planter.code)
            place = folder / planter.make.__name__
            place.mkdir()
            for trial, (planted, told) in enumerate(trials(planter, rows, place)):
                self._count_trial(planter.code, planted, told, f"{planter.make.__name__}, trial {trial}")
        for case, code, found in target_trials(folder):
            for each in {code} & found if code else ():
                self._count_trial(each, True, True, case)
            if code and code not in found:
                self._count_trial(code, True, False, case)
            for each in found - {code}:
                self._count_trial(each, False, True, case)

    def _count_trial(self, code: str, planted: bool, told: bool, what: str) -> None:
        self.planted[code] += planted
        self.found[code] += planted and told
        self.false[code] += told and not planted
        if planted != told:
            (self.missed if planted else self.wrong)[code].append(what)

    def _count(self, planter: Planter, planted: set[int], told: dict[int, set[str]], lines: list[bytes]) -> None:
        self.planted[planter.code] += len(planted)
        for number in range(1, len(lines) + 1):
            codes = told[number]
            if number in planted:
                if planter.code in codes:
                    self.found[planter.code] += 1
                else:
                    self.missed[planter.code].append(
                        f"{planter.plant.__name__}: {lines[number - 1].decode('utf-8', 'replace')[-400:]}"
                    )
            for code in codes - self._of_all_rows - ({planter.code} | planter.implies if number in planted else set()):
                self.false[code] += 1
                self.wrong[code].append(
                    f"{planter.plant.__name__}: {lines[number - 1].decode('utf-8', 'replace')[-400:]}"
                )


def main() -> None:
    """Plant every kind of defect, print the table, and fail where a rule falls short."""
    asked = set(sys.argv[1:])
    rows = rows_to_plant_in()
    score = Score()
    with tempfile.TemporaryDirectory() as folder:
        for planter in PLANTERS:
            if not asked or planter.code in asked:
                score.run(planter, rows, Path(folder))
        score.run_files(rows, asked, Path(folder))
    short = 0
    print(f"{len(rows):,} clean rows; {PER_PLANTER} of each kind planted among {CLEAN} others")
    print(
        f"defects of files (*): planted in {TRIALS} files each, and left out of {TRIALS}; X: the case data of targets\n"
    )
    print("code  name                            planted  recall  precision")
    for code, rule in all_rules().items():
        planted, found, false = score.planted[code], score.found[code], score.false[code]
        if not planted and not false:
            continue
        recall = found / planted if planted else 1.0
        precision = found / (found + false) if found + false else 1.0
        fails = recall < RECALL or precision < PRECISION
        short += fails
        if asked and code not in asked:
            continue
        name = f"{code}{'*' if code in score.of_files else ' '} {rule.name:30}"
        print(f"{name} {planted:8,}  {recall:6.3f}  {precision:9.3f}{'  <' if fails else ''}")
        if fails:
            for line in [*score.missed[code][:3], *score.wrong[code][:3]]:
                print(f"      {line}")
    if not asked:
        unplanted = [code for code, rule in all_rules().items() if rule.default and not score.planted[code]]
        print(f"\nnot planted here: {' '.join(unplanted) or 'none'}")
    raise SystemExit(bool(short))


if __name__ == "__main__":
    main()
