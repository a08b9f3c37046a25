"""unsloth: a turn with a third field, or with something other than text, among the first ten rows.

Why is this bad?
    `standardize_sharegpt` looks at ten rows, and wants two fields in every turn, both of text: a `weight` ends the run
    with "Cannot standardize non text datasets", a `name` with an AssertionError that says nothing (unsloth_zoo
    2026.10.9, `standardize_data_formats`). In later rows such a field is passed over, and nothing is said. Before
    datasets 4.8 one turn anywhere gave its field to all of them.

Options:
    target=unsloth

Bad:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!", "weight": 1}]}

Good:
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.example import JSON
from dsforge.formats.expect import kind_of
from dsforge.io.rows import Refused, RowReader
from dsforge.lint.rules.trainer.trap import dataset_trap

if TYPE_CHECKING:
    from dsforge.lint.facts import Facts, Settings
    from dsforge.lint.rule import DatasetReport
    from dsforge.targets.profile import Target

_LOOKED_AT = 10
_TWO = {"from", "value", "role", "content"}


def _third(turns: JSON) -> str:
    """What a turn has that is not one of two texts; "" where there is nothing of the kind."""
    for index, turn in enumerate(turns if isinstance(turns, list) else ()):
        for name, value in turn.items():
            if name not in _TWO:
                return f"turn {index + 1} has a third field {name!r}"
            if not isinstance(value, str):
                return f"{name} of turn {index + 1} is {kind_of(value)}"
    return ""


def _check(facts: Facts, settings: Settings, target: Target, report: DatasetReport) -> None:
    if "sharegpt" not in facts.format[:_LOOKED_AT]:
        return
    first = {facts.row[at]: at for at in range(min(_LOOKED_AT, len(facts))) if facts.path[at] == facts.path[0]}
    for row in RowReader(facts.path[0]):
        if isinstance(row, Refused):
            continue
        if row.number not in first:
            return
        if isinstance(row.value, dict) and (found := _third(row.value.get("conversations"))):
            report(f"{found}; {target.title} wants two texts in the first {_LOOKED_AT} rows, and stops",
                   first[row.number], "keep from and value alone")  # fmt: skip


RULE = dataset_trap("X946", "error", _check)
