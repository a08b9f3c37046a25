"""LLaMA-Factory: turns of a role that `tags` of dataset_info.json leaves out.

Why is this bad?
    Where an entry has `tags`, those that it does not give are not their defaults but nothing: without `system_tag`
    every row that begins with a system turn is left out as abnormal, without `observation_tag` and `function_tag` so is
    every row with calls (LLaMA-Factory 0.9.5, `DatasetAttr.join`). 13 of 15 entries that it ships leave one out. Runs
    for a dataset_info.json in the folder of the rows.

Options:
    target=llamafactory

Bad in dataset_info.json:
    {"mine": {"file_name": "train.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}}}

Bad in train.jsonl:
    {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}

Good in dataset_info.json:
    {"mine": {"file_name": "train.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"}}}

Good in train.jsonl:
    {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.described_rows import described_files
from dsforge.lint.rules.trainer.trap import dataset_trap

if TYPE_CHECKING:
    from dsforge.lint.facts import Facts, Settings
    from dsforge.lint.rule import DatasetReport
    from dsforge.targets.profile import Target

_MEANT = {"system": "system_tag", "observation": "observation_tag", "tool": "observation_tag",
          "function_call": "function_tag", "human": "user_tag", "user": "user_tag", "gpt": "assistant_tag",
          "assistant": "assistant_tag"}  # fmt: skip


def _check(facts: Facts, settings: Settings, target: Target, report: DatasetReport) -> None:
    for file in described_files(facts):
        if file.formatting == "alpaca":
            continue
        known = {place for tag, place in file.tags.items() if tag not in ("role_tag", "content_tag")}
        role_key, column = file.tags.get("role_tag", ""), file.columns.get("messages", "")
        for index, row in file.rows(facts):
            turns = row.get(column)
            roles = [turn.get(role_key) for turn in turns if isinstance(turn, dict)] if isinstance(turns, list) else []
            lost = next((role for role in roles if isinstance(role, str) and role not in known), None)
            if lost is not None:
                tag = _MEANT.get(lost, "user_tag")
                report(f"{file.info.name}: {file.name} has no tag for turns of {lost!r}: {target.title} leaves the row "
                       "out", index, f'add "{tag}": "{lost}" to its tags')  # fmt: skip


RULE = dataset_trap("X903", "error", _check)
