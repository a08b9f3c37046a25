"""Tool definitions and tool calls as the formats write them."""

from __future__ import annotations

import json

from dsforge.errors import RowError
from dsforge.example import JSON, ToolCall
from dsforge.formats.expect import WRONG_TYPE, as_list, as_object, as_text, kind_of, need, parse_json_text, parse_text

BAD_CALL = "T206"
BETWEEN_RESULTS = "\n</tool_response>\n<tool_response>\n"
"""What LLaMA-Factory puts between several results of tools, which it takes as one turn (its OpenAI converter)."""
_CALL_KEYS = frozenset({"id", "type", "function", "name", "arguments"})


def decode_tools(value: JSON, pointer: str = "/tools") -> list[dict[str, JSON]]:
    """Tool definitions in OpenAI's form, from that form or from bare functions, as a list or JSON text."""
    if isinstance(value, str):
        value = parse_json_text(value, pointer, "tool definitions") if value.strip() else []
    if value is None:
        return []
    tools = []
    for index, tool in enumerate(as_list(value, pointer)):
        definition = as_object(tool, f"{pointer}/{index}")
        tools.append(definition if "function" in definition else {"type": "function", "function": definition})
    return tools


def bare_functions(tools: list[dict[str, JSON]]) -> str:
    """Tool definitions as JSON text of bare functions, where nothing stands beside the function."""
    plain = [tool["function"] if set(tool) == {"type", "function"} else tool for tool in tools]
    return json.dumps(plain, ensure_ascii=False)


def decode_call(value: JSON, pointer: str) -> ToolCall:
    """A call in OpenAI's form (`{id, type, function: {name, arguments}}`) or bare (`{name, arguments}`)."""
    call = as_object(value, pointer)
    function = as_object(call["function"], f"{pointer}/function") if "function" in call else call
    name = as_text(need(function, "name", pointer), f"{pointer}/name")
    identifier = call.get("id")
    if identifier is not None and not isinstance(identifier, str):
        raise RowError(f"{pointer}/id is {kind_of(identifier)}; text is expected", f"{pointer}/id", WRONG_TYPE)
    extra = {key: field for key, field in call.items() if key not in _CALL_KEYS}
    if function is not call and (beside := {key: field for key, field in function.items() if key not in _CALL_KEYS}):
        extra["function"] = beside
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        return ToolCall(name, arguments, None, identifier, extra)
    return ToolCall(name, parse_text(arguments)[0], arguments, identifier, extra)


def encode_call(call: ToolCall, as_object: bool = False) -> dict[str, JSON]:
    """A call in OpenAI's form: the arguments are JSON text, or what it parses to.

    Raises:
        RowError: the arguments should be an object and parse to none.
    """
    written: JSON = call.written if call.written is not None else json.dumps(call.arguments, ensure_ascii=False)
    if as_object:
        written = call.arguments
        if not isinstance(written, dict):
            raise RowError(f"the arguments of {call.name!r} are no JSON object", code=BAD_CALL)
    encoded: dict[str, JSON] = {"id": call.id} if call.id is not None else {}
    beside = call.extra.get("function", {})
    rest = {key: field for key, field in call.extra.items() if key != "function"}
    return {**encoded, "type": "function", "function": {"name": call.name, "arguments": written, **beside}, **rest}


def bare_call(call: ToolCall) -> dict[str, JSON]:
    """A call as `{name, arguments}`: the arguments are an object where they parse to one."""
    parsed = call.arguments if call.arguments is not None or call.written is None else call.written
    return {"name": call.name, "arguments": parsed}
