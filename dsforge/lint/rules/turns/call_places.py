"""Where in its message a tool call stands."""

from __future__ import annotations


def call_places(call: int, field: str = "name") -> tuple[str, ...]:
    """Where a field of a message's call may stand beside its text, the closest first: for `beside` of a report."""
    whole = f"tool_calls/{call}"
    return f"{whole}/function/{field}", f"{whole}/{field}", whole, f"function_call/{field}", "function_call"
