"""Where the prices of a plan come from: what the plan states, and the price cards where it states none."""

from __future__ import annotations

from dataclasses import dataclass

from dsforge.cost.bill import Origin
from dsforge.cost.plan import Priced, ProjectPlan
from dsforge.cost.prices import PriceBook


@dataclass(frozen=True)
class PlanPrices:
    """A plan, a file called `name`, and the price cards that hold beside it."""

    plan: ProjectPlan
    name: str
    book: PriceBook

    def currency(self, section: Priced) -> str:
        """The currency of a section's prices; "" where they are looked up."""
        return self.plan.currency_of(section)

    def origin(self, section: Priced) -> Origin:
        """(source, day) of the prices that a section states."""
        return section.source or f"stated in {self.name}", section.as_of or self.book.today
