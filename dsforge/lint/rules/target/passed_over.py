"""A part of a row that the target does not read.

Why is this bad?
    Nothing is refused, and nothing is said: an answer with weight 0 is trained all the same where weights are not
    read, reasoning in a field of its own is gone, and so are turns beyond the last that counts. Runs where a target is
    given with `--target`.

Options:
    target=bailian

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Go away.", "weight": 0}, {"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello!"}]}

Good:
    {"messages": [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello!"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.example import Example
from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import written_messages

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _has_more_than_content(example: Example) -> bool:
    """Whether a message may have fields beside role, content and calls; most have none, and need no closer look."""
    return any(
        message.weight is not None or message.name is not None or message.reasoning is not None or message.extra
        for message in example.all_messages()
    )


def _check(seen: Seen, target: Target, report: Report) -> None:
    told: set[str] = set()
    for written in written_messages(seen) if target.ignored and _has_more_than_content(seen.example) else ():
        for name, why in target.ignored.items():
            place = f"{written.pointer}/{name}"  # question and answer may share the fields of a turn
            if why and written.fields.get(name) is not None and place not in told:
                told.add(place)
                report(f"{target.called} does not read {name!r}: {why}", place,
                       "write the row so that it is right without it")  # fmt: skip
    most = target.rows.max_turns
    if most is not None and len(seen.example.messages) > most:
        asked = [index for index, message in enumerate(seen.example.messages) if message.role == "user"]
        if len(asked) > most:
            report(f"{len(asked):,} turns; {target.called} reads the first {most:,} and passes over the rest",
                   asked[most], "split the conversation")  # fmt: skip


RULE = TargetRule("X809", "warning", _check, applies=lambda target: bool(target.ignored or target.rows.max_turns))
