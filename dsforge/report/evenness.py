"""How evenly rows are spread over groups."""

from __future__ import annotations

import math
from collections.abc import Iterable


def effective_number(counts: Iterable[int]) -> float:
    """How many groups of equal size would be as even as groups of these sizes: e to the power of the entropy.

    Source: the Hill number of order 1 (Hill, Diversity and Evenness, Ecology 1973).
    """
    sizes = [count for count in counts if count]
    total = sum(sizes)
    return math.exp(-sum(size / total * math.log(size / total) for size in sizes)) if total else 0.0
