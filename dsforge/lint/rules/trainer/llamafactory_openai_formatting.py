"""LLaMA-Factory: `formatting: openai` in dataset_info.json, which adds to the system prompt.

Why is this bad?
    It appends "detailed thinking off" to the system prompt of every row without tools, or makes it the system prompt,
    and says so nowhere (LLaMA-Factory 0.9.5, `OpenAIDatasetConverter`). `formatting: sharegpt` with tags of `role` and
    `content` reads the same rows as they are. Runs for a dataset_info.json in the folder of the rows.

Options:
    target=llamafactory

Bad in dataset_info.json:
    {"mine": {"file_name": "train.jsonl", "formatting": "openai", "columns": {"messages": "messages"}, "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"}}}

Bad in train.jsonl:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}

Good in dataset_info.json:
    {"mine": {"file_name": "train.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"}}}

Good in train.jsonl:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.described_rows import described_files
from dsforge.lint.rules.trainer.trap import dataset_trap

if TYPE_CHECKING:
    from dsforge.lint.facts import Facts, Settings
    from dsforge.lint.rule import DatasetReport
    from dsforge.targets.profile import Target


def _check(facts: Facts, settings: Settings, target: Target, report: DatasetReport) -> None:
    for file in described_files(facts):
        if file.formatting != "openai":
            continue
        tools = file.columns.get("tools", "")
        for index, row in file.rows(facts):
            if not row.get(tools):
                report(f"{file.info.name}: {file.name} is read with formatting openai: {target.title} adds 'detailed "
                       "thinking off' to the system prompt", index,
                       'write "formatting": "sharegpt", with tags of role and content')  # fmt: skip


RULE = dataset_trap("X904", "error", _check)
