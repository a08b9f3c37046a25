r"""ms-swift: calls of one message with different loss flags.

Why is this bad?
    Calls in a row are one message in training, and its `loss` is the first that one of them has; what the others say is
    passed over (ms-swift 4.6.0, `_preprocess_tool_call`).

Options:
    target=ms-swift

Bad:
    {"messages": [{"role": "user", "content": "Weather and time?"}, {"role": "tool_call", "content": "{\"name\": \"weather\", \"arguments\": {}}", "loss": true}, {"role": "tool_call", "content": "{\"name\": \"time\", \"arguments\": {}}", "loss": false}]}

Good:
    {"messages": [{"role": "user", "content": "Weather and time?"}, {"role": "tool_call", "content": "{\"name\": \"weather\", \"arguments\": {}}", "loss": true}, {"role": "tool_call", "content": "{\"name\": \"time\", \"arguments\": {}}", "loss": true}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    turns = seen.value.get("messages")
    before: dict[str, object] | None = None
    for index, turn in enumerate(turns if isinstance(turns, list) else ()):
        if turn.get("role") != "tool_call":
            before = None
            continue
        for flag in ("loss", "loss_scale") if before is not None else ():
            if before is not None and turn.get(flag) != before.get(flag):
                place = f"/messages/{index}/{flag}" if flag in turn else f"/messages/{index}"
                report(f"calls in a row are one message: {target.title} goes by the first {flag} of them", place,
                       "give all calls of one message the same flag")  # fmt: skip
        before = turn


RULE = trap("X934", "error", _check, ("swift",))
