"""Small rows with everything that a mask can get wrong, and runs of seconds on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dsforge.train.app import compose_config
from dsforge.train.config import TrainConfig
from dsforge.train.manifest import Manifest
from dsforge.train.recipe import Step
from dsforge.train.run import prepared, train


def _tool(name: str, **properties: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"type": "function", "function": {"name": name, "description": f"{name} it", "parameters": parameters}}


def _call(name: str, arguments: str) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}


def _says(role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


PLAIN = {"messages": [_says("user", "Where is the lamp?"), _says("assistant", "On the table. 在桌子上。💡")]}
SYSTEM = {"messages": [_says("system", "Be brief."), *PLAIN["messages"]]}
TURNS = {
    "messages": [
        _says("user", "Hello"),
        _says("assistant", "Good morning!"),
        _says("user", "Do you ship to Paris?"),
        _says("assistant", "Yes, within two days."),
    ]
}
WEIGHTS = {
    "messages": [
        _says("user", "What is 2+2?"),
        _says("assistant", "Five, I believe.", weight=0),
        _says("user", "Think again."),
        _says("assistant", "Four.", weight=1),
    ]
}
REASONING = {
    "messages": [
        _says("user", "Is 9 prime?"),
        _says("assistant", "No.", reasoning_content="9 is 3 times 3."),
    ]
}
WEATHER = {
    "messages": [
        _says("user", "The weather in Paris?"),
        _says("assistant", "", tool_calls=[_call("weather", '{"city": "Paris"}')]),
        _says("tool", "18 degrees", tool_call_id="c1"),
        _says("assistant", "It is 18 degrees in Paris."),
    ],
    "tools": [_tool("weather", city="string")],
}
TIME = {
    "messages": [
        _says("user", "The time in Tokyo?"),
        _says("assistant", "One moment.", tool_calls=[_call("time", '{"tz": "Asia/Tokyo", "at": {"h": 24}}')]),
        _says("tool", "09:30", tool_call_id="c1"),
        _says("assistant", "Half past nine."),
    ],
    "tools": [_tool("time", tz="string", at="object")],
}
KINDS = {
    "plain": PLAIN, "system": SYSTEM, "turns": TURNS, "weights": WEIGHTS, "reasoning": REASONING,
    "weather": WEATHER, "time": TIME,
}  # fmt: skip

BAD_LINES = [
    b'{"messages": [{"role": "user", "content": "cut sh',
    b'{"messages": [{"role": "user", "content": "nobody answers"}]}',
    b'{"prompt": "2+2?", "chosen": "4", "rejected": "5"}',
    '{"messages": [{"role":"user","content":"w"},{"role":"assistant","content":"半","weight":0.5}]}'.encode(),
]
"""Rows that cannot be trained on; each has to come out byte for byte."""


def write_rows(path: Path, rows: list[dict[str, Any]], bad: list[bytes] | None = None) -> Path:
    """A JSONL file of `rows`, then of `bad` lines."""
    lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    path.write_bytes(b"\n".join([*lines, *(bad or [])]) + b"\n")
    return path


def lamp_rows(count: int) -> list[dict[str, Any]]:
    """Rows with something to learn: the same answer over and over."""
    return [
        {"messages": [_says("user", f"Lamp {index}: in stock?"), _says("assistant", "Yes, it is in stock.")]}
        for index in range(count)
    ]


def config(data: Path, folder: Path, *overrides: str) -> TrainConfig:
    """A run of the smallest model."""
    small = ["model=tiny", "model.width=64", "model.layers=1", "model.vocabulary=400", "trl.learning_rate=2e-2"]
    return compose_config([*small, f"data.path={data}", f"run.folder={folder}", "run.name=small", *overrides])


def run(settings: TrainConfig) -> tuple[Manifest, list[Step]]:
    """Train as the command line does."""
    steps: list[Step] = []
    with prepared(settings) as ready:
        return train(ready, steps.append), steps
