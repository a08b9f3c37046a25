"""What a trainer would make of each row, told before any GPU time: kept, changed, cut, untrained, dropped, or the end.

The rules find what is in a row, the target's profile says by its `effects` what becomes of it. Of several effects on
one row the worst is what happens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from dsforge.lint.run import LintResult

if TYPE_CHECKING:
    from dsforge.finding import Finding
    from dsforge.targets.constraints import Effect
    from dsforge.targets.profile import Target

EFFECTS: Mapping[Effect, str] = {
    "kept": "trained as they stand",
    "changed": "trained, but not as they stand",
    "cut": "cut off at the limit",
    "untrained": "kept, and not one token of them trained",
    "dropped": "left out, mostly without a word",
    "stops": "not taken: the run or the upload ends there",
}
"""What may become of a row, the worst last."""
_ORDER = list(EFFECTS)
_UNSEEN = "BDPQ"
"""Families of rules that ask what rows say, taken singly or together."""


class Outcome(msgspec.Struct, frozen=True):
    """What becomes of one row, and the finding that says why; row 0 is the dataset as a whole."""

    path: str
    row: int
    line: int
    effect: Effect
    code: str
    message: str
    pointer: str


class DryRun(msgspec.Struct):
    """The rows by what becomes of them, and each row that is not simply kept, in the order of the files."""

    target: str
    rows: int
    counts: dict[Effect, int]
    outcomes: list[Outcome]

    @property
    def verdict(self) -> str:
        """What comes of it all, in a sentence."""
        end = next((outcome for outcome in self.outcomes if outcome.effect == "stops"), None)
        if end is not None:
            return f"{self.target} would train nothing before this is mended: {end.message}"
        trained = self.rows - self.counts["dropped"] - self.counts["untrained"]
        return f"{self.target} would learn from {trained:,} of {self.rows:,} rows"


def effect_of(finding: Finding, target: Target) -> Effect:
    """What a finding means for its row: said by code and place, by code, else by family.

    Of an error that is not spoken of, the run ends; but no trainer looks at what rows say, or whether they repeat.
    """
    effects, place = target.effects, finding.pointer
    while place:
        if said := effects.get(finding.code + place):
            return said
        place = place.rpartition("/")[0]
    if said := effects.get(finding.code) or effects.get(finding.code[0]):
        return said
    return "stops" if finding.severity == "error" and finding.code[0] not in _UNSEEN else "kept"


def dry_run(result: LintResult, target: Target) -> DryRun:
    """What `target` would make of the rows that were checked for it."""
    worst: dict[tuple[str, int], Outcome] = {}
    for finding in result.findings:
        effect = effect_of(finding, target)
        place = finding.path, finding.row if finding.row else -finding.line
        before = worst.get(place)
        if effect == "kept" or (before and _ORDER.index(before.effect) >= _ORDER.index(effect)):
            continue
        worst[place] = Outcome(
            finding.path, finding.row, finding.line, effect, finding.code, finding.message, finding.pointer
        )
    outcomes = list(worst.values())
    counts = Counter(outcome.effect for outcome in outcomes if outcome.row)
    counts["kept"] = result.rows_in - counts.total()
    return DryRun(target.called, result.rows_in, {effect: counts[effect] for effect in EFFECTS}, outcomes)
