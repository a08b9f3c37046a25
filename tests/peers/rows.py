"""Rows with everything that a peer can misread, in ChatML, and what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Said: TypeAlias = "list[list[str]]"
"""`[role, text]` of each message."""


def _user(text: str) -> Row:
    return {"role": "user", "content": text}


def _assistant(text: str, **more: Any) -> Row:
    return {"role": "assistant", "content": text, **more}


def _tool(name: str, **properties: str) -> Row:
    parameters = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"type": "function", "function": {"name": name, "description": f"{name} it", "parameters": parameters}}


def _call(name: str, arguments: Row, at: int) -> Row:
    written = json.dumps(arguments, ensure_ascii=False)
    return {"id": f"call0000{at}", "type": "function", "function": {"name": name, "arguments": written}}


SYSTEM = {"role": "system", "content": "Be brief. 请简短。"}
PLAIN = [
    {"messages": [_user("Where is the lamp?"), _assistant('On the "table". 在桌子上。💡\n\n\tThere.')]},
    {"messages": [SYSTEM, _user("Hi"), _assistant("Hello!")]},
    {
        "messages": [
            SYSTEM,
            _user("2 + 2?"),
            _assistant("4"),
            _user("And the null?\u2028\\n {'a': None}"),
            _assistant("<b>0</b>  "),
        ]
    },
]
"""Texts and turns that every format holds."""

TOOLS = [
    {
        "messages": [
            _user("The weather in 乌尔姆?"),
            _assistant("", tool_calls=[_call("weather", {"city": "乌尔姆", "days": 3}, 1)]),
            {"role": "tool", "content": '{"sky": "clear"}', "tool_call_id": "call00001", "name": "weather"},
            _assistant("It is clear."),
            _user("Thanks"),
            _assistant("You are welcome."),
        ],
        "tools": [_tool("weather", city="string", days="integer")],
    },
    {
        "messages": [
            SYSTEM,
            _user("And the time?"),
            _assistant("", tool_calls=[_call("time", {"zone": {"of": ["Berlin", None]}}, 2)]),
            {"role": "tool", "content": "09:30", "tool_call_id": "call00002", "name": "time"},
            _assistant("Half past nine."),
        ],
        "tools": [_tool("time", zone="object"), _tool("weather", city="string")],
    },
]
"""Calls with arguments of different kinds, which columns of one type each cannot hold."""

PARALLEL = {
    "messages": [
        _user("Weather and time?"),
        _assistant("", tool_calls=[_call("weather", {"city": "Ulm"}, 3), _call("time", {}, 4)]),
        {"role": "tool", "content": "clear", "tool_call_id": "call00003", "name": "weather"},
        {"role": "tool", "content": "09:30", "tool_call_id": "call00004", "name": "time"},
        _assistant("Clear, half past nine."),
    ],
    "tools": [_tool("weather", city="string"), _tool("time")],
}
REASONING = {"messages": [_user("Is 9 prime?"), _assistant("No.", reasoning_content="9 is 3 times 3.")]}
PAIRS = [
    {"messages": [_user("Hi")], "chosen": _assistant("Hello!"), "rejected": _assistant("What?")},
    {
        "messages": [SYSTEM, _user("Hi"), _assistant("Hello!"), _user("你好")],
        "chosen": _assistant("你好!"),
        "rejected": _assistant("Hi"),
    },
]
LABELLED = [
    {"messages": [_user("Hi"), _assistant("Hello!")], "label": True},
    {"messages": [SYSTEM, _user("Hi"), _assistant("What?")], "label": False},
]
IMAGE = {
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "cat.png"}},
                {"type": "text", "text": "What is it?"},
            ],
        },
        _assistant("A cat."),
    ]
}


def said(row: Row, *keys: str) -> Said:
    """Role and text of each message under `keys`, or of all."""
    messages: list[Row] = []
    for key in keys or ("messages", "chosen", "rejected"):
        value = row.get(key, [])
        messages += value if isinstance(value, list) else [value]
    return [[message["role"], message["content"]] for message in messages]


def calls(message: Row) -> list[Row]:
    """Name and arguments of the calls of a message."""
    return [
        {"name": call["function"]["name"], "arguments": json.loads(call["function"]["arguments"])}
        for call in message.get("tool_calls", [])
    ]


def write(path: Path, rows: list[Row]) -> Path:
    """A JSONL file of `rows`."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
