"""Requests and tokens per minute: those that the user states, and those that the server tells in its headers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_MINUTE = 60.0
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_SPAN = re.compile(r"([\d.]+)(ms|[dhms])")
_BYTES_PER_TOKEN = 3


def seconds_of(text: str) -> float | None:
    """The seconds of `6m0s`, `17ms` or `59.5`; None where it is none of these."""
    parts = _SPAN.findall(text)
    try:
        if parts and "".join(number + unit for number, unit in parts) == text:
            return sum(float(number) * _UNITS[unit] for number, unit in parts)
        return max(0.0, float(text))
    except ValueError:
        return None


@dataclass
class Bucket:
    """So much may be taken; it refills by `rate` a second up to `capacity`. Times are in seconds."""

    capacity: float
    rate: float
    available: float
    as_of: float

    def refill(self, now: float) -> None:
        """Add what has come since the last time."""
        self.available = min(self.capacity, self.available + self.rate * (now - self.as_of))
        self.as_of = now

    def wait(self, amount: float) -> float:
        """Seconds until `amount` may be taken; of what is more than the whole bucket, until the bucket is full."""
        missing = min(amount, self.capacity) - self.available
        return missing / self.rate if missing > 1e-9 else 0.0


class Limit:
    """One limit: of requests, or of tokens. None and no header is no limit.

    The stated one lets a second's worth go at once, so that a minute holds no more than 61/60 of it.
    """

    def __init__(self, kind: str, per_minute: int | None, clock: Callable[[], float]) -> None:
        self._kind, self._clock = kind, clock
        self._stated: Bucket | None = None
        self._told: Bucket | None = None
        if per_minute is not None:
            rate = per_minute / _MINUTE
            self._stated = Bucket(max(1.0, rate), rate, max(1.0, rate), clock())

    def _buckets(self) -> list[Bucket]:
        buckets = [bucket for bucket in (self._stated, self._told) if bucket is not None]
        for bucket in buckets:
            bucket.refill(self._clock())
        return buckets

    def wait(self, amount: float) -> float:
        """Seconds until `amount` may be sent."""
        return max((bucket.wait(amount) for bucket in self._buckets()), default=0.0)

    def take(self, amount: float) -> None:
        """Count `amount` as sent; a negative one gives back what was counted too much."""
        for bucket in self._buckets():
            bucket.available -= amount

    def heard(self, headers: Mapping[str, str]) -> None:
        """Adapt to `x-ratelimit-limit-KIND`, `-remaining-KIND` and `-reset-KIND` (the time until all is there again).

        What remains by the header was counted before the requests that are in flight, so the lower count holds.
        """
        try:
            remaining = float(headers.get(f"x-ratelimit-remaining-{self._kind}", ""))
            limit = float(headers.get(f"x-ratelimit-limit-{self._kind}", "") or remaining)
        except ValueError:
            return
        if limit <= 0:
            return
        reset = seconds_of(headers.get(f"x-ratelimit-reset-{self._kind}", ""))
        used = limit - remaining
        rate = used / reset if reset and used > 0 else limit / _MINUTE
        now = self._clock()
        if self._told is not None:
            self._told.refill(now)
            remaining = min(remaining, self._told.available)
        self._told = Bucket(limit, rate, remaining, now)


class Pace:
    """When the next request may be sent. `requests` and `tokens` are per minute, None where the user sets no limit."""

    def __init__(
        self, requests: int | None = None, tokens: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._requests = Limit("requests", requests, clock)
        self._tokens = Limit("tokens", tokens, clock)

    def wait(self, tokens: int) -> float:
        """Seconds until a request of so many tokens may be sent, 0 where it may be now."""
        return max(self._requests.wait(1), self._tokens.wait(tokens))

    def take(self, tokens: int) -> None:
        """Count a request as sent."""
        self._requests.take(1)
        self._tokens.take(tokens)

    def correct(self, expected: int, used: int) -> None:
        """Replace the tokens that `take` was told by those that were used."""
        self._tokens.take(used - expected)

    def heard(self, headers: Mapping[str, str]) -> None:
        """Adapt to the headers of a response."""
        self._requests.heard(headers)
        self._tokens.heard(headers)


def expected_tokens(characters: str, max_tokens: int | None) -> int:
    """Roughly the tokens that a provider counts against the limit: those of the prompt and the longest answer."""
    return len(characters.encode()) // _BYTES_PER_TOKEN + (max_tokens or 0)
