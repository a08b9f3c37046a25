r"""What the target takes, and advises against: few rows, a file too large for one upload, no byte order mark.

Why is this bad?
    With fewer rows than a platform advises the training usually changes little; larger files go up in parts, by another
    call; and some documents ask for a byte order mark, which `dsforge convert` does not write. Runs where a target is
    given with `--target`.

Options:
    target=azure

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}

Good (escaped):
    \xef\xbb\xbf{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dsforge.io.encoding import UTF8_BOM
from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import DatasetReport, DatasetRule
from dsforge.lint.target import target_of

if TYPE_CHECKING:
    from dsforge.targets.constraints import Advice


def _check(facts: Facts, settings: Settings, report: DatasetReport) -> None:
    target = target_of(settings)
    if target is None or not len(facts):
        return
    judged = sum(facts.preference)
    for count, least, what in ((len(facts) - judged, target.advised.rows, "rows"),
                               (judged, target.advised.pairs, "pairs")):  # fmt: skip
        if count and least is not None and count < least:
            report(f"{count:,} {what if count > 1 else what[:-1]}; {target.called} advises at least {least:,}",
                   help="write or generate more: dsforge augment")  # fmt: skip
    for name in dict.fromkeys(facts.path):
        if Path(name).is_file():
            _check_file(Path(name), target.advised, target.called, facts.path.index(name), report)


def _check_file(path: Path, advised: Advice, called: str, first: int, report: DatasetReport) -> None:
    size = path.stat().st_size
    if advised.file_bytes is not None and size > advised.file_bytes:
        report(f"{path} has {size:,} bytes; {called} takes no more than {advised.file_bytes:,} in one upload", first,
               "split the file, or upload it in parts")  # fmt: skip
    if advised.byte_order_mark:
        with path.open("rb") as file:
            head = file.read(len(UTF8_BOM))
        if head != UTF8_BOM:
            report(f"{path} has no byte order mark; the documents of {called} ask for one", first,
                   r"printf '\xef\xbb\xbf' | cat - FILE > OUT")  # fmt: skip


RULE = DatasetRule("X823", "warning", _check)
