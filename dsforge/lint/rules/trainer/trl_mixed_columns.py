"""TRL: a prompt as messages with an answer as text, or an answer as one message instead of a list.

Why is this bad?
    Prompt and answer are put together: all of them text, or all lists of messages. Anything else stops the run (TRL
    1.16: TypeError or AttributeError). `dsforge convert --to trl` writes lists.

Options:
    target=trl

Bad:
    {"prompt": [{"role": "user", "content": "Hi"}], "completion": "Hello!"}

Good:
    {"prompt": [{"role": "user", "content": "Hi"}], "completion": [{"role": "assistant", "content": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.formats.expect import kind_of
from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target

_COLUMNS = ("prompt", "completion", "chosen", "rejected")


def _check(seen: Seen, target: Target, report: Report) -> None:
    present = {name: seen.value[name] for name in _COLUMNS if seen.value.get(name) is not None}
    kind = type(next(iter(present.values()), ""))
    for name, value in present.items():
        if isinstance(value, dict):
            report(f"/{name} is one message; {target.title} wants text or a list of messages, and stops at the row",
                   f"/{name}", "put it into a list")  # fmt: skip
            return
        if type(value) is not kind:
            report(f"/{name} is {kind_of(value)}, {next(iter(present))} is not: {target.title} cannot join them, "
                   "and stops at the row", f"/{name}", "dsforge convert FILE --to trl -o OUT.jsonl")  # fmt: skip
            return


RULE = trap("X925", "error", _check, ("trl",))
