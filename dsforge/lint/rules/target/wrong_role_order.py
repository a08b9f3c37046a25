"""Messages in an order that the target refuses.

Why is this bad?
    Some platforms want the user to begin, one system message at most, or each kind of message at least once, and refuse
    the file otherwise. Rules T202, T203 and T208 tell of the end, of repeated turns and of late system messages. Runs
    where a target is given with `--target`.

Options:
    target=bedrock

Bad:
    {"schemaVersion": "bedrock-conversation-2024", "messages": [{"role": "assistant", "content": [{"text": "Hello!"}]}]}

Good:
    {"schemaVersion": "bedrock-conversation-2024", "messages": [{"role": "user", "content": [{"text": "Hi"}]}, {"role": "assistant", "content": [{"text": "Hello!"}]}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rule import Report, Seen, TargetRule

if TYPE_CHECKING:
    from dsforge.targets.profile import Target

_SYSTEM = ("system", "developer")
_TURNS = ("user", "assistant")


def _check(seen: Seen, target: Target, report: Report) -> None:
    rules = target.rows
    if seen.format == "text":
        return
    roles = [message.role for message in seen.example.messages]
    if rules.first:
        at = next((index for index, role in enumerate(roles) if role not in _SYSTEM), None)
        if at is not None and roles[at] not in rules.first:
            report(f"the {roles[at]} begins; {target.called} refuses a row that does not begin with the "
                   f"{' or the '.join(rules.first)}", at, "write what was asked before it, or remove it")  # fmt: skip
    for role in rules.needed:
        if all(role not in {message.role for message in whole} for whole in seen.example.conversations()):
            report(f"no {role} message; {target.called} refuses a row without one", help="write it or remove the row")
    if rules.alternate:
        for index in range(1, len(roles)):
            if roles[index] == roles[index - 1] and roles[index] not in _TURNS:
                report(f"two {roles[index]} messages in a row; {target.called} refuses them", index, "join them")
    if rules.max_system is not None:
        system = [index for index, role in enumerate(roles) if role in _SYSTEM]
        for index in system[rules.max_system :]:
            report(f"{len(system)} system messages; {target.called} refuses more than {rules.max_system}", index,
                   "join them at the beginning")  # fmt: skip


RULE = TargetRule("X806", "error", _check)
