"""TRL: a column that is there and says nothing.

Why is this bad?
    `images` or `image` makes the rows those of a vision model, be it null; `chat_template_kwargs` of null is no object;
    `tools` of "" is no JSON; no message at all has no first one. Each stops the run (TRL 1.16: ValueError, TypeError,
    JSONDecodeError, IndexError). Leave the column out.

Options:
    target=trl

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}], "tools": ""}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_EMPTY: dict[str, tuple[object, ...]] = {"images": (None, []), "image": (None, ""), "chat_template_kwargs": (None,),
                                         "tools": ("",), "messages": ([],)}  # fmt: skip


def _check(seen: Seen, target: Target, report: Report) -> None:
    if not isinstance(seen.value, dict):
        return
    for name in _EMPTY.keys() & seen.value.keys():
        if seen.value[name] in _EMPTY[name]:
            report(f"/{name} says nothing: {target.title} stops at it", f"/{name}", f"leave {name} out")


RULE = trap("X922", "error", _check)
