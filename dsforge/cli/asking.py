"""The lines that `dsforge augment` prints while it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.cli.output import Output
from dsforge.cli.spending import money

if TYPE_CHECKING:
    from dsforge.augment.ask import Usage

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """A line now and then, and one when the run is asked to stop."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._next = SECONDS_BETWEEN_LINES
        self._told_stopping = False

    def __call__(self, usage: Usage) -> None:
        if usage.interrupted and not self._told_stopping:
            self._told_stopping = True
            self._out.note(
                "dsforge: stopping; requests in flight have a minute to finish (Ctrl-C again gives them up at once)"
            )
        elif self._out.seconds >= self._next:
            self._next = self._out.seconds + SECONDS_BETWEEN_LINES
            self._out.note(f"dsforge: {progress_line(usage, self._out.seconds)}")


def progress_line(usage: Usage, seconds: float) -> str:
    """Answers, tokens, money and time left after `seconds` of asking."""
    done = usage.answered + usage.from_journal
    parts = [
        f"{done:,} of {max(usage.wanted, done):,} answers" if usage.wanted else f"{done:,} answers",
        f"{usage.from_journal:,} of them from the journal",
        f"{usage.prompt_tokens + usage.completion_tokens:,} tokens",
    ]
    if usage.spent is not None:
        parts.append(f"{money(usage.spent, usage.currency)} spent")
    at_server, answered = getattr(usage, "at_server", 0), getattr(usage, "done", 0)
    if at_server:
        parts.append(f"{at_server:,} requests in batches at the server, {answered:,} of them answered")
    to_come = usage.wanted - done - usage.unpaid
    if usage.answered and to_come > 0:
        parts.append(f"about {span(seconds * to_come / usage.answered)} left")
    if usage.last_trouble:
        parts.append(f"{usage.retries:,} retries (last: {usage.last_trouble})")
    return f"{span(seconds)}: {', '.join(parts)}"


def span(seconds: float) -> str:
    """`45 s`, `12 min`, `3.4 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
