"""What lint says of the rows that are to be trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from dsforge.errors import InputError
from dsforge.finding import Finding
from dsforge.io.source import open_source
from dsforge.lint.facts import Facts, Settings
from dsforge.lint.rule import all_rules
from dsforge.lint.run import lint
from dsforge.train.config import DataConfig

TARGET = "trl"
_LEAK = "D704"
_OTHERS_DO = ("L301", "X")
"""Rules that are not asked: rows over the limit are counted by the preflight, in tokens of the model itself; the X
rules judge a file that is handed to TRL as it is, while `train` decodes the rows and hands over tokens."""
_SHOWN = 5


class LintedRows(msgspec.Struct, frozen=True):
    """The findings of severity error in the files of a run; `leaks` are the rows of validation that training has too.

    `rows_in` counts the rows that were looked at.
    """

    rows_in: int
    errors: list[Finding]

    @property
    def counts(self) -> dict[str, int]:
        """Errors by code."""
        return dict(sorted(Counter(finding.code for finding in self.errors).items()))

    @property
    def leaks(self) -> int:
        """Findings that a row of one file stands in another too."""
        return sum(finding.code == _LEAK for finding in self.errors)

    def lines(self) -> list[str]:
        """The first error of each of the first few rules, and the counts, a line each."""
        of_rule: dict[str, Finding] = {}
        for error in self.errors:
            of_rule.setdefault(error.code, error)
        first = [
            f"{one.code} {one.name}  {one.path}, row {one.row}: {one.message}"
            if one.row
            else f"{one.code} {one.name}  {one.path}: {one.message}"
            for one in list(of_rule.values())[:_SHOWN]
        ]
        more = len(self.errors) - len(first)
        counts = ", ".join(f"{code} {number:,}" for code, number in self.counts.items())
        return [*first, *([f"and {more:,} more"] if more > 0 else []), f"by rule: {counts}"]


def check_rows(data: DataConfig, workers: int = 1) -> LintedRows:
    """Lint the files of a run by the rules whose findings spoil it, at the severities that training by TRL gives them.

    Raises:
        InputError: a file cannot be read as rows.
    """
    validation = data.validation if isinstance(data.validation, str) else None
    paths = [*data.paths, *([validation] if validation else [])]
    if "-" in paths:
        raise InputError("train reads its rows more than once: save standard input to a file first")
    for path in paths:
        open_source(path).close()  # a folder or a glob is no file of rows here
    result = lint(
        paths,
        select=_codes(leaks=validation is not None),
        settings=Settings(format=data.format, target=TARGET),
        workers=workers,
    )
    found = [finding for finding in result.findings if finding.severity == "error" and finding.code != _LEAK]
    if validation and result.facts:
        found += _leaks(result.facts, validation)
    return LintedRows(result.rows_in, [one for one in found if data.limit is None or one.row <= data.limit])


def _codes(*, leaks: bool) -> list[str]:
    """The rules that can find an error."""
    rules = all_rules().values()
    codes = [rule.code for rule in rules if rule.severity == "error" and not rule.code.startswith(_OTHERS_DO)]
    return [code for code in codes if leaks or code != _LEAK]


def _leaks(facts: Facts, validation: str) -> Iterator[Finding]:
    """Rows of validation that ask what a row for training asks; the rule itself goes by what files are called."""
    rule = all_rules()[_LEAK]
    trained: dict[int, int] = {}
    for index, path in enumerate(facts.path):
        if path != validation:
            trained.setdefault(facts.prompt_key[index], index)
    for index, path in enumerate(facts.path):
        if path == validation and (earlier := trained.get(facts.prompt_key[index])) is not None:
            message = f"asks the same as {facts.where(earlier, index)}, which is trained"
            place = path, facts.row[index], facts.line[index], facts.column[index]
            yield Finding(rule.code, rule.name, "error", message, *place, "", "data.validation=0.1 holds out rows anew")
