"""axolotl: a role that it hands to the chat template as it is.

Why is this bad?
    It maps human and gpt, knows system, user, assistant and tool, and passes any other role on: the template writes
    `<|im_start|>observation`, or leaves the turn out, and no loss falls on a `function_call` (axolotl 0.19.0,
    `transform_message`). Give `roles` in the config, or `dsforge convert --to chatml`.

Options:
    target=axolotl

Bad:
    {"messages": [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}

Good:
    {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_KNOWN = {"human", "user", "assistant", "gpt", "system", "tool"}


def _check(seen: Seen, target: Target, report: Report) -> None:
    for key, name in (("messages", "role"), ("conversations", "from"), ("conversations", "role")):
        turns = seen.value.get(key)
        for index, turn in enumerate(turns if isinstance(turns, list) else ()):
            if name in turn and turn[name] not in _KNOWN:
                report(f"{target.title} hands the role {turn[name]!r} to the template as it is",
                       f"/{key}/{index}/{name}", "dsforge convert FILE --to chatml, or give roles")  # fmt: skip
                return


RULE = trap("X940", "error", _check, ("chatml", "sharegpt", "swift"))
