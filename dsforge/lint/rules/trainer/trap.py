"""What the traps of this folder share: a trap runs only for trainers whose profile lists its code."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import TYPE_CHECKING

from dsforge.lint.rule import DatasetReport, DatasetRule, Report, Seen, TargetRule
from dsforge.lint.rules.turns.call_places import call_places
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


def report_written_arguments(seen: Seen, report: Report, who: str, format_name: str) -> None:
    """Tell of the first call of each message whose arguments are text, which `who` writes as JSON once more."""
    for index, message in enumerate(seen.example.all_messages()):
        for number, call in enumerate(message.tool_calls):
            if call.written is not None:
                report(f"the arguments of the call of {call.name} are text; {who} as JSON again",
                       index, f"write an object: dsforge convert FILE --to {format_name} -o OUT.jsonl",
                       beside=call_places(number, "arguments"))  # fmt: skip
                break


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
