"""A role that the target does not know.

Why is this bad?
    The platform refuses the row, or the whole file. Runs where a target is given with `--target`.

Options:
    target=together

Bad:
    {"messages": [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}

Good:
    {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.edit import Edit
from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import written_messages

if TYPE_CHECKING:
    from dsforge.targets.profile import Target

_SAME = {"developer": "system", "function": "tool"}
"""Roles that are called otherwise elsewhere, and mean the same."""


def _check(seen: Seen, target: Target, report: Report) -> None:
    known = target.rows.roles
    roles = {message.role for message in seen.example.all_messages()}
    if not known or (roles <= set(known) and ("function" in known or "tool" not in roles)):
        return  # the result of a function in OpenAI's form of 2023 is decoded as that of a tool
    for written in written_messages(seen):
        role = "function" if written.fields.get("role") == "function" else written.message.role
        if role in known:
            continue
        place = written.at("from" if "from" in written.fields else "role")
        meant = _SAME.get(role)
        renamed = meant in known and role == "developer"  # the result of a function has other fields too
        report(f"{target.called} does not know the role {role!r}: it refuses the row", place,
               f"write {meant!r}" if meant in known else f"it knows {', '.join(known)}",
               fix=Edit("replace", place, meant) if renamed and "role" in written.fields else None)  # fmt: skip


RULE = TargetRule("X805", "error", _check, applies=lambda target: bool(target.rows.roles), fix="safe")
