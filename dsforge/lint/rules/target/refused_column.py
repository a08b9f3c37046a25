"""A field of the row that the target refuses, or refuses to read with another value.

Why is this bad?
    Some platforms take the fields of their format and no other: over an `id` or a `category` they refuse the whole file.
    `--unsafe-fixes` removes such fields; keep the file that has them. So it does over the `_dsforge` of a row that asks
    to be spared from rules: `dsforge convert --no-keep-extra` writes a file without. Runs where a target is given with `--target`.

Options:
    target=together

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}], "category": "greeting"}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.io.diagnose import escape_pointer
from dsforge.lint.edit import Edit
from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.waiver import KEY

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if not isinstance(seen.value, dict):
        return
    for name, value in target.constants.items():
        if seen.value.get(name, value) != value:
            place = f"/{escape_pointer(name)}"
            report(f"{name} is {seen.value[name]!r}; {target.called} refuses any but {value!r}", place,
                   f"write {value!r}", fix=Edit("replace", place, value))  # fmt: skip
    allowed = target.columns.get(seen.format)
    if not allowed:
        return
    mend = f"dsforge convert FILE --to {seen.format} --no-keep-extra -o OUT.jsonl"
    if seen.waived:  # its mark was taken out of the row when that was read, and stands in the file
        report(f"field {KEY!r}; {target.called} refuses rows with other fields than {', '.join(allowed)}", f"/{KEY}",
               mend)  # fmt: skip
    for name in seen.value:
        if name not in allowed:
            place = f"/{escape_pointer(name)}"
            # what the row says must not be taken out of it
            beside = name in seen.example.extra or name in seen.example.meta
            report(f"field {name!r}; {target.called} refuses rows with other fields than {', '.join(allowed)}", place,
                   mend if beside else "say it in one of these",
                   fix=Edit("remove", place) if beside else None)  # fmt: skip


RULE = TargetRule(
    "X810", "error", _check, applies=lambda target: bool(target.columns or target.constants), fix="unsafe"
)
