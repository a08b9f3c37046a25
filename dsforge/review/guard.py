"""Who may use the page: links with a token, cookies made of them, a password, and whence a request may come.

The page listens on this machine alone. What is guarded against is other pages in the same browser (they can send
requests here, and a name of theirs can be pointed here) and other users of the machine.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from dsforge.review.desk import Seat

_N, _R, _P = 1 << 14, 8, 1
"""What scrypt costs: 16 MB and about 50 ms for a try."""
_LONGEST_WAIT = 30.0

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Password:
    """A password, kept as its scrypt hash; tries that fail make the next one wait, twice as long each time."""

    def __init__(self, password: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._salt = secrets.token_bytes(16)
        self._hash = self._hashed(password)
        self._clock = clock
        self._failures, self._until = 0, 0.0
        self._lock = threading.Lock()

    def _hashed(self, password: str) -> bytes:
        return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=self._salt, n=_N, r=_R, p=_P)

    @property
    def wait(self) -> float:
        """Seconds until the next try is looked at."""
        return max(0.0, self._until - self._clock())

    def matches(self, password: str) -> bool:
        """Whether it is the password; False too for what comes before `wait` is over, whatever it is."""
        with self._lock:
            if self.wait > 0:
                return False
            if hmac.compare_digest(self._hashed(password), self._hash):
                self._failures = 0
                return True
            self._failures += 1
            self._until = self._clock() + min(_LONGEST_WAIT, 0.5 * 2**self._failures)
            return False


class Guard:
    """The links of a review and what they open.

    A token is told from the review's secret and a name: so links and cookies are good after a restart too. With a
    `password` a cookie is told from that too: another password shuts everyone out.
    """

    def __init__(self, secret: bytes, seats: Sequence[Seat], password: str = "") -> None:
        self.password = Password(password) if password else None
        self._secret = secret
        self._shared = hashlib.scrypt(password.encode(), salt=secret, n=_N, r=_R, p=_P) if password else b""
        self.cookie = f"dsforge_review_{self._made('cookie')[:8]}"
        self._seats = {self.token(seat): seat for seat in seats}
        self._cookies = {self.cookie_of(seat): seat for seat in seats}

    def _made(self, purpose: str, more: bytes = b"") -> str:
        return hmac.new(self._secret, purpose.encode() + b"\0" + more, hashlib.sha256).hexdigest()

    def token(self, seat: Seat) -> str:
        """The token in the link of somebody."""
        return self._made(f"token {'settle' if seat.final else 'annotate'} {seat.name}")[:43]

    def cookie_of(self, seat: Seat) -> str:
        """The cookie that a link is exchanged for."""
        return self._made(f"cookie {'settle' if seat.final else 'annotate'} {seat.name}", self._shared)

    def seat_of_token(self, token: str) -> Seat | None:
        """Whose link it is; None where it is nobody's."""
        return _found(self._seats, token)

    def seat_of_cookie(self, cookie: str) -> Seat | None:
        """Whose cookie it is; None where it is nobody's."""
        return _found(self._cookies, cookie)


def _found(known: Mapping[str, Seat], given: str) -> Seat | None:
    found = None
    for text, seat in known.items():  # all of them, so that the time says nothing
        if hmac.compare_digest(text.encode(), given.encode("utf-8", "surrogatepass")):
            found = seat
    return found


def is_own_host(host: str, port: int, bound: str) -> bool:
    """Whether a Host header names this server: against names of others that were pointed here (DNS rebinding).

    `bound` is the address listened on. A server for other machines is known by any address in numbers, as no name
    can be behind one, and by the name it was given.
    """
    name, _, given = host.rpartition(":") if not host.endswith("]") else (host, "", "80")
    name = name or host
    if given != str(port) and not (port == 80 and name == host):
        return False
    name = name.strip("[]").lower()
    if name in ("127.0.0.1", "localhost", "::1", bound.lower()):
        return True
    return not is_loopback(bound) and _is_address(name)


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_own_origin(origin: str | None, host: str) -> bool:
    """Whether a request that changes something comes from a page of this server (its Origin header says so)."""
    return origin is not None and urlsplit(origin).scheme == "http" and urlsplit(origin).netloc == host
