"""A function that is called and not defined, or defined without what the target asks for.

Why is this bad?
    The platform refuses the file. Rule T207 tells of functions that are missing among those defined. Runs where a
    target is given with `--target`.

Options:
    target=mistral

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "aB3dE6gH9", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "aB3dE6gH9", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}], "tools": [{"type": "function", "function": {"name": "weather", "description": "Weather in a city", "parameters": {"type": "object", "properties": {}}}}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.place import value_at
from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import place_of, tools_place

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    rules, example = target.tools, seen.example
    if rules.defined and not example.tools:
        for index, message in enumerate(example.all_messages()):
            if message.tool_calls:
                report(f"{message.tool_calls[0].name} is called, and the row defines no tools; {target.called} refuses "
                       "calls of functions that are not defined", place_of(seen, "tools", index),
                       "define the function in tools")  # fmt: skip
                break
    for index, tool in enumerate(example.tools if rules.described else ()):
        function = tool.get("function", tool)
        fields = function if isinstance(function, dict) else {}
        called = fields.get("name", "a function")
        place = f"{tools_place(seen)}/{index}"
        if value_at(seen.value, f"{place}/function") is not None:
            place += "/function"
        for name, kind, what in (("description", str, "text"), ("parameters", dict, "a JSON Schema")):
            if not isinstance(fields.get(name), kind):
                report(f"the definition of {called} has no {name}; {target.called} refuses it",
                       f"{place}/{name}" if name in fields else place, f"write {name}: {what}")  # fmt: skip


RULE = TargetRule("X817", "error", _check, applies=lambda target: target.tools.defined or target.tools.described)
