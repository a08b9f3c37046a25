"""Runs the selected rules on one row after another, and makes findings of what they report."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dsforge.errors import RowError
from dsforge.example import Example
from dsforge.finding import Finding, Severity
from dsforge.formats.format import Format
from dsforge.io.diagnose import Lines, Problem, escape_pointer
from dsforge.io.locate import find_value, nearest, offset_in_string
from dsforge.io.rows import Flaw, Refused, Row
from dsforge.lint.edit import Edit, Splice
from dsforge.lint.excerpt import excerpt
from dsforge.lint.facts import Settings
from dsforge.lint.kinds import bits_of, kinds_of
from dsforge.lint.place import Place, place_in_row, value_at
from dsforge.lint.rule import BytesRule, Check, ExampleRule, Report, Rule, Seen, TargetCheck, TargetRule
from dsforge.lint.trigger import Triggers, searched_bytes

if TYPE_CHECKING:
    from dsforge.targets.profile import Target

MAX_EXCERPTS = 200
"""Findings of a rule that carry an excerpt; a reader looks at the first few of each."""


class Decoded(NamedTuple):
    """A row that decoded, and the rules that it asks to be spared from."""

    row: Row
    format: Format
    example: Example
    waived: frozenset[str] = frozenset()

    def pointer(self, message: int) -> str:
        """Where the text of a message stands, counted over messages, chosen and rejected."""
        places = self.format.places(self.row.value, self.example)
        return places[message] if message < len(places) else ""


class Linter:
    """Checks rows; `findings` are in the order in which they were met, and `fixes` what would mend each, by index.

    A fix is an edit of a row that is valid JSON, or a splice of one that is not.
    """

    def __init__(
        self, path: str, rules: Sequence[Rule], target: Target | None = None, settings: Settings | None = None
    ) -> None:
        self.path = path
        self.findings: list[Finding] = []
        self.fixes: dict[int, Edit | Splice] = {}
        self._severity: dict[str, Severity] = dict(target.severities) if target else {}
        self._selected = {rule.code: rule for rule in rules}
        self._by_kind = {kind: rule for rule in rules if isinstance(rule, BytesRule) for kind in rule.kinds}
        prepared = (_prepared(rule, settings or Settings()) for rule in rules if isinstance(rule, ExampleRule))
        checked = [rule for rule in prepared if rule is not None]
        self._always = [
            (bits_of(rule.concerns), rule.check, self._report_as(rule)) for rule in checked if not rule.triggers
        ]
        self._of_kinds: dict[int, list[tuple[Check, Report]]] = {}
        asked = [rule for rule in checked if rule.triggers]
        self._when_triggered = [(bits_of(rule.concerns), rule.check, self._report_as(rule)) for rule in asked]
        self._triggers: Triggers | None = None
        if asked:
            self._triggers = Triggers([rule.triggers for rule in asked])
        self._target = target
        self._of_target = [
            (rule.formats, rule.check, self._report_as(rule))
            for rule in rules
            if isinstance(rule, TargetRule) and target and (rule.applies is None or rule.applies(target))
        ]
        self._of_formats: dict[str, list[tuple[TargetCheck, Report]]] = {}
        self._here: Decoded | None = None
        self._excerpts: Counter[str] = Counter()

    # -- what the reader hands out -----------------------------------------------------------------

    def refused(self, row: Refused) -> None:
        """Findings of a row that is not valid JSON."""
        text = row.raw.decode("utf-8", "surrogateescape")
        for problem in row.problems:
            if rule := self._by_kind.get(problem.kind):
                self._add(rule, problem.message, problem.help, row.number, row.place(problem), problem.pointer,
                          fix=problem.fix, text=text, mark=_mark_of(problem))  # fmt: skip

    def flaw(self, flaw: Flaw) -> None:
        """The finding of a mistake between rows."""
        if rule := self._by_kind.get(flaw.kind):
            self._add(rule, flaw.message, flaw.help, 0, (flaw.line, flaw.column))

    def undecodable(self, row: Row, error: RowError, waived: frozenset[str] = frozenset()) -> None:
        """The finding of a row that is not what its format says, unless its rule was not selected."""
        rule = self._selected.get(error.code)
        if rule is None or rule.code in waived:
            return
        text = row.raw.decode()
        mark = _mark_of_value(text, error.pointer)
        place = row.place(*_line_and_column(text, mark[0]))
        fix = Edit("replace", error.pointer, error.meant) if rule.fix and error.meant is not None else None
        if fix is not None and not _can_be_made(fix, text):
            fix = None
        self._add(rule, error.reason, "", row.number, place, error.pointer, fix=fix, text=text, mark=mark)

    def examples(self, rows: Sequence[Decoded]) -> None:
        """Run every rule that concerns one row on rows that decoded, many at once: so triggers are found faster."""
        kinds = [kinds_of(row.example) for row in rows]
        concerned: Mapping[int, Sequence[int]] = {}
        if self._triggers:
            raws = [row.row.raw for row in rows]
            concerned = self._triggers.concerned(searched_bytes(raws, [row.example for row in rows], kinds))
        for index, (here, kind) in enumerate(zip(rows, kinds, strict=True)):
            self._here = here
            example = here.example
            for check, report in self._of_kinds.get(kind) or self._find_of_kinds(kind):
                check(example, report)
            for asked in concerned.get(index, ()):
                concerns, check, report = self._when_triggered[asked]
                if concerns & kind:
                    check(example, report)
            if self._target is not None:
                seen = Seen(here.row.value, here.format.name, example, here.waived)
                for check_for, report in self._of_formats.get(seen.format) or self._find_of_format(seen.format):
                    check_for(seen, self._target, report)

    def _find_of_kinds(self, kinds: int) -> list[tuple[Check, Report]]:
        """The checks that rows of these kinds concern whatever they say; remembered, for rows are alike."""
        found = [(check, report) for concerns, check, report in self._always if concerns & kinds]
        self._of_kinds[kinds] = found
        return found

    def _find_of_format(self, name: str) -> list[tuple[TargetCheck, Report]]:
        """The checks of the target for rows of a format; remembered."""
        found = [(check, report) for formats, check, report in self._of_target if not formats or name in formats]
        self._of_formats[name] = found
        return found

    def take(self) -> list[Finding]:
        """What was found since the last call; its fixes, and how many excerpts were given, are forgotten with it."""
        found = self.findings
        self.findings, self.fixes = [], {}
        self._excerpts.clear()
        return found

    # -- findings ----------------------------------------------------------------------------------

    def _report_as(self, rule: Rule) -> Report:
        def report(
            message: str,
            at: int | str = "",
            help: str = "",
            *,
            span: tuple[int, int] | None = None,
            fix: str | Edit | None = None,
            beside: Sequence[str] = (),
        ) -> None:
            here = self._here
            assert here is not None
            if rule.code in here.waived:
                return
            self._report(rule, here, message, at, help, span, fix, beside)

        return report

    def _report(
        self, rule: Rule, here: Decoded, message: str, at: int | str, help: str, span: tuple[int, int] | None,
        fix: str | Edit | None, beside: Sequence[str],
    ) -> None:  # fmt: skip
        assert fix is None or rule.fix, f"{rule.code} offers a fix and does not say whether it is safe"
        row = here.row
        pointer = at if isinstance(at, str) else here.pointer(at)
        place = None
        if isinstance(at, int) and (span is not None or isinstance(fix, str)):
            said = here.example.all_messages()[at]
            place = place_in_row(row.value, pointer, said, span or (0, len(said.text)))
        if isinstance(fix, Edit) and fix.pointer.startswith("../"):
            fix = replace(fix, pointer=pointer.rpartition("/")[0] + fix.pointer[2:])
        if isinstance(fix, Edit) and not _can_be_made(fix, row.raw.decode()):
            fix = None
        if isinstance(fix, str):
            fix = Edit("text", place.pointer, fix, place.start, place.end) if place else None
        for name in beside:
            near = name if name.startswith("/") else f"{pointer.rpartition('/')[0]}/{name}"
            if value_at(row.value, near) is not None:
                pointer = near
                break
        if not pointer and place is None:
            self._add(rule, message, help, row.number, row.place(1, 1), fix=fix)
            return
        text = row.raw.decode()
        mark = (_mark_in(text, place) if place and span else None) or _mark_of_value(text, pointer)
        self._add(rule, message, help, row.number, row.place(*_line_and_column(text, mark[0])),
                  place.pointer if place else pointer, fix=fix, text=text, mark=mark)  # fmt: skip

    def _add(
        self, rule: Rule, message: str, help: str, row: int, place: tuple[int, int], pointer: str = "", *,
        fix: Edit | Splice | None = None, text: str = "", mark: tuple[int, int] = (0, 0),
    ) -> None:  # fmt: skip
        if self._is_told(rule, message, row, place, pointer):
            return
        shown, marked = "", (0, 0)
        if text and self._excerpts[rule.code] < MAX_EXCERPTS:
            self._excerpts[rule.code] += 1
            shown, marked = excerpt(text, *mark)
        if fix is not None:
            self.fixes[len(self.findings)] = fix
        severity = self._severity.get(rule.code, rule.severity)
        unsafe = fix is not None and rule.fix == "unsafe"
        found = rule.code, rule.name, severity, message, self.path, row, *place, pointer, help
        self.findings.append(Finding(*found, fix is not None, unsafe, shown, marked))

    def _is_told(self, rule: Rule, message: str, row: int, place: tuple[int, int], pointer: str) -> bool:
        """Whether the rule has just said the same of the same place: of two calls that stand in one text."""
        for one in islice(reversed(self.findings), _LOOKED_BACK):
            if one.row != row or one.code != rule.code:
                return False
            if (one.pointer, one.line, one.column, one.message) == (pointer, *place, message):
                return True
        return False


_LOOKED_BACK = 16


def _can_be_made(edit: Edit, text: str) -> bool:
    """Whether the row has the place of the edit, which its format may keep elsewhere, and no key twice after it."""
    if find_value(text, edit.pointer) is None:
        return False
    beside = edit.pointer.rpartition("/")[0]
    return edit.action != "rename" or find_value(text, f"{beside}/{escape_pointer(str(edit.value))}") is None


def _prepared(rule: ExampleRule, settings: Settings) -> ExampleRule | None:
    """The rule with its check for these settings, None where it has none."""
    if rule.prepare is None:
        return rule
    check = rule.prepare(settings)
    return dataclasses.replace(rule, check=check) if check else None


def _mark_of(problem: Problem) -> tuple[int, int]:
    length = problem.fix[1] - problem.fix[0] if problem.fix else 1
    return problem.offset, max(1, length if problem.fix and problem.fix[0] == problem.offset else 1)


_SHORT = 40


def _mark_of_value(text: str, pointer: str) -> tuple[int, int]:
    """Where the value at `pointer` begins, and how many characters are marked: all of a short one, else the first.

    Where there is none, the first character of the innermost value that would hold it.
    """
    spot = find_value(text, pointer)
    if spot is None:
        return nearest(text, pointer), 1
    length = spot.end - spot.start
    return spot.start, length if length <= _SHORT else 1


def _line_and_column(text: str, at: int) -> tuple[int, int]:
    return Lines(text).place(at) if "\n" in text else (1, at + 1)


def _mark_in(text: str, place: Place) -> tuple[int, int] | None:
    """Where in the text of the row the place begins, and its length there."""
    spot = find_value(text, place.pointer)
    if spot is None:
        return None
    start = offset_in_string(text, spot.start, place.start)
    return start, offset_in_string(text, spot.start, place.end) - start
