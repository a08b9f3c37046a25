r"""Arguments of a tool call as an object, where the target reads JSON text.

Why is this bad?
    OpenAI's form has the arguments as JSON text, that of transformers as an object; a platform that reads the one refuses
    the other. `dsforge convert` writes either. Runs where a target is given with `--target`.

Options:
    target=openai

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Ulm"}}}]}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ulm\"}"}}]}]}
"""  # noqa: E501

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dsforge.formats.expect import kind_of
from dsforge.lint.edit import Edit
from dsforge.lint.place import value_at
from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import written_messages

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if not target.tools.arguments_as_text or not any(message.tool_calls for message in seen.example.all_messages()):
        return
    for written in written_messages(seen):
        for index, call in enumerate(written.message.tool_calls):
            if call.written is not None or call.arguments is None:
                continue
            place = f"{written.pointer}/function_call"
            if written.fields.get("tool_calls"):
                place = f"{written.pointer}/tool_calls/{index}"
            nested = value_at(seen.value, f"{place}/function") is not None
            place += "/function/arguments" if nested else "/arguments"
            fix: Edit | None = Edit("replace", place, json.dumps(call.arguments, ensure_ascii=False))
            if value_at(seen.value, place) is None:  # the call stands in a text or a part
                place, fix = written.text_pointer, None
            report(f"the arguments of the call of {call.name} are {kind_of(call.arguments)}; {target.called} wants "
                   "JSON text", place, f"dsforge convert FILE --to {target.formats[0]} -o OUT.jsonl",
                   fix=fix)  # fmt: skip


RULE = TargetRule("X824", "error", _check, applies=lambda target: target.tools.arguments_as_text, fix="safe")
