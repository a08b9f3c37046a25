"""A tool call, or its result, whose id is not of the form that the target asks for.

Why is this bad?
    The platform refuses the file. `dsforge convert` gives calls and results ids that fit. Runs where a target is given
    with `--target`.

Options:
    target=mistral

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}, {"role": "assistant", "content": "Sunny."}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "aB3dE6gH9", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "aB3dE6gH9", "content": "sunny"}, {"role": "assistant", "content": "Sunny."}]}
"""  # noqa: E501

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import Written, written_messages

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    pattern = target.tools.id_pattern
    if not pattern or not any(one.tool_calls or one.role == "tool" for one in seen.example.all_messages()):
        return
    for written in written_messages(seen):
        for what, found, place in _ids(written):
            if found is None:
                said = f"the {what} has no id"
            elif re.fullmatch(pattern, found):
                continue
            else:
                said = f"the id of the {what} is {found!r}"
            report(f"{said}; {target.called} wants {target.tools.id_form or pattern}", place,
                   f"dsforge convert FILE --to {target.formats[0]} -o OUT.jsonl gives ids that fit")  # fmt: skip


def _ids(written: Written) -> list[tuple[str, str | None, str]]:
    """`(what, id, place)` of the calls of a message, or of the result that it is."""
    ids: list[tuple[str, str | None, str]] = []
    for index, call in enumerate(written.message.tool_calls):
        place = f"{written.at('tool_calls')}/{index}" if "tool_calls" in written.fields else written.text_pointer
        ids.append((f"call of {call.name}", call.id, f"{place}/id" if call.id is not None else place))
    if written.message.role == "tool":
        ids.append(("tool result", written.message.tool_call_id, written.at("tool_call_id")))
    return ids


RULE = TargetRule("X815", "error", _check, applies=lambda target: bool(target.tools.id_pattern))
