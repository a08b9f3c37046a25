"""Which server is asked and with which key. The key is held in memory and shown nowhere."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dsforge.errors import UsageError

KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
OPENAI = "https://api.openai.com/v1"
_SHORTEST_SECRET = 8  # a shorter key is a word such as "none", which may stand in any message


@dataclass(frozen=True)
class Server:
    """An OpenAI-compatible server: its address (without a slash at the end) and the key."""

    url: str
    key: str = field(repr=False)

    def without_key(self, text: str) -> str:
        """`text` with the key blotted out: servers repeat it in their errors."""
        return text.replace(self.key, "***") if len(self.key) >= _SHORTEST_SECRET else text


def server_url(base_url: str = "", variable: str = "") -> str:
    """The address: `base_url`, else what the environment's `variable` holds, else OPENAI_BASE_URL, else OpenAI's.

    Raises:
        UsageError: the variable is not set, or holds no address.
    """
    url, where = base_url.strip(), "--base-url"
    if not url:
        url, where = os.environ.get(variable or URL_VARIABLE, "").strip(), variable or URL_VARIABLE
        if variable and not url:
            raise UsageError(f"{variable} is not set: put the server's address into it, or give --base-url")
    return _checked_url(url or OPENAI, where)


def _checked_url(url: str, where: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError(f"{where} is no address: write it as http://127.0.0.1:8000/v1") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            f"{where} holds more than an address: leave out user, password and what follows '?'; the key goes "
            f"into {KEY_VARIABLE}"
        )
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        raise UsageError(f"{where} {url!r} is no address: write it as http://127.0.0.1:8000/v1")
    return url.rstrip("/")


def find_server(base_url: str = "", url_variable: str = "", key_variable: str = "") -> Server:
    """The server with its key, from the environment.

    Raises:
        UsageError: there is no key, or the address is none.
    """
    url = server_url(base_url, url_variable)
    variable = key_variable or KEY_VARIABLE
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UsageError(
            f"no key: set {variable} to the key of {url} (a local server needs no real one: {variable}=none)"
        )
    if not key.isascii() or not key.isprintable():
        raise UsageError(f"{variable} holds characters that no key has: set it anew")
    return Server(url, key)
