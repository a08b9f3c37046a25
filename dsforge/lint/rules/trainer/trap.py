"""What the traps of this folder share: a trap runs only for trainers whose profile lists its code."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import TYPE_CHECKING

from dsforge.lint.rule import DatasetReport, DatasetRule, Report, Seen, TargetRule
from dsforge.lint.target import target_of

if TYPE_CHECKING:
    from dsforge.finding import Severity
    from dsforge.lint.facts import Facts, Settings
    from dsforge.targets.profile import Target


def trap(
    code: str, severity: Severity, check: Callable[[Seen, Target, Report], None], formats: Container[str] = ()
) -> TargetRule:
    """A rule about one row, for trainers that list it; asked only about rows in `formats` (none given: any)."""

    return TargetRule(code, severity, check, applies=lambda target: code in target.traps, formats=formats)


def dataset_trap(
    code: str, severity: Severity, check: Callable[[Facts, Settings, Target, DatasetReport], None], *,
    counts_tokens: bool = False,
) -> DatasetRule:  # fmt: skip
    """A rule about all rows, for trainers that list it."""

    def check_where_listed(facts: Facts, settings: Settings, report: DatasetReport) -> None:
        target = target_of(settings)
        if target is not None and code in target.traps:
            check(facts, settings, target, report)

    return DatasetRule(code, severity, check_where_listed, frozenset({"tokens"} if counts_tokens else ()))
