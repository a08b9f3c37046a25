"""How `dsforge cost --plan` shows the bill of a whole project: a table for people, one object for programs."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsforge.errors import UsageError

if TYPE_CHECKING:
    from dsforge.cli.output import Output
    from dsforge.cost.bill import Bill, Line
    from dsforge.cost.calibrate import Calibration
    from dsforge.cost.count import TokenCount
    from dsforge.cost.currency import Rates
    from dsforge.cost.estimate import Choices, Estimate, Plan
    from dsforge.cost.plan import ProjectPlan


_FIELDS = {"method": "method", "rank": "rank", "targets": "lora_targets", "sharding": "sharding",
           "precision": "precision", "checkpointing": "checkpointing"}  # fmt: skip
"""What the plan calls the fields of a Setup."""


class PlanFile:
    """The plan that --plan names: read and looked up before any row is, so that a slip costs no time."""

    def __init__(self, path: str, prices: list[str], rates: Rates, calibration: Calibration) -> None:
        from dsforge.cost.plan import read_plan
        from dsforge.cost.project import resolve

        self.plan: ProjectPlan = read_plan(path)
        self.name = Path(path).name
        self.rates = rates.over(self.plan.rates)
        self.resolved: Plan = resolve(self.plan, self.name, prices, calibration)

    def compared(self, choices: Choices) -> Plan | None:
        """What is compared beside the bill: the plan's own training, where no option names anything else.

        Raises:
            UsageError: an option would change the training, which the plan describes.
        """
        from dsforge.cost.estimate import Choices
        from dsforge.cost.setup import Setup

        if choices.targets or choices.models or choices.gpus or self.plan.training is None:
            return None
        own = Choices(prices=choices.prices)
        changed = [name for name in ("method", "epochs", "max_tokens", "batch_size", "rank", "packing")
                   if getattr(choices, name) != getattr(own, name)]  # fmt: skip
        changed += [_FIELDS[name] for name, default in asdict(Setup()).items()
                    if choices.setup and getattr(choices.setup, name) != default]  # fmt: skip
        if changed:
            raise UsageError(f"with --plan, {changed[0]} is not an option: state training.{changed[0]} in {self.name}")
        return self.resolved

    def bill(self, count: TokenCount) -> Bill:
        """The bill, for rows that have been counted."""
        from dsforge.cost.estimate import estimate_cost
        from dsforge.cost.project import make_bill

        estimate: Estimate = estimate_cost(count, self.resolved)
        return make_bill(self.plan, self.name, len(count.columns), estimate, self.resolved.book, self.rates)


def _amount(amount: Decimal | None, currency: str) -> str:
    from dsforge.cost.prices import money

    return "?" if amount is None else f"{money(amount)} {currency}"


def _row(line: Line) -> tuple[str, ...]:
    what = line.what if line.counted else f"{line.what} (not counted)"
    return line.section, what, line.formula, _amount(line.amount, line.currency), line.as_of


def show_bill(out: Output, bill: Bill, rates: Rates, name: str) -> None:
    """Print the bill: its lines, their sources, the sums, when a bought machine pays for itself."""
    out.say()
    out.say(out.style(f"The whole project ({name})", "bold"))
    out.table(["for", "what", "how it is computed", "amount", "as of"], map(_row, bill.lines))
    for source in dict.fromkeys(line.source for line in bill.lines if line.source):
        told = ", ".join(dict.fromkeys(line.what for line in bill.lines if line.source == source))
        out.say(f"  {told}: {source}")
    for even in bill.break_even:
        months = f"after {even.months:,.1f} months: " if even.months is not None else ""
        out.say(f"  bought pays for itself against {even.against} {months}{even.formula}")
    for currency, amount in bill.subtotals.items():
        out.say(f"  in {currency}: {_amount(amount, currency)}")
    _show_total(out, bill, rates)
    for note in bill.notes:
        out.note(f"dsforge: {note}")


def _show_total(out: Output, bill: Bill, rates: Rates) -> None:
    total, least = bill.total(rates), "at least " if bill.unknown else ""
    if total:
        at = f" (at {total.rates})" if total.rates else ""
        out.say(out.style(f"  total: {least}{_amount(total.amount, total.currency)}{at}", "bold"))
    elif len(bill.subtotals) > 1:
        one, other = list(bill.subtotals)[:2]
        out.say(f"  no total: nothing is exchanged without a rate; give --rate {one}/{other}=...")
    if bill.unknown:
        out.say(f"  not in it, since a price is not known: {', '.join(bill.unknown)}")


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(round(amount, 4))


def bill_object(bill: Bill, rates: Rates) -> dict[str, Any]:
    """The bill for `--json`: amounts as numbers, to four decimals."""
    from msgspec.structs import asdict

    total = bill.total(rates)
    return {
        "lines": [{**asdict(line), "amount": _number(line.amount)} for line in bill.lines],
        "subtotals": {currency: _number(amount) for currency, amount in bill.subtotals.items()},
        "total": {**asdict(total), "amount": _number(total.amount)} if total else None,
        "unknown": bill.unknown,
        "break_even": [{**asdict(even), "months": _number(even.months)} for even in bill.break_even],
        "notes": bill.notes,
    }
