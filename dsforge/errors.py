"""Every error dsforge raises on purpose.

    DsforgeError                 the command cannot do its work (exit code 2)
    ├── UsageError               an option or a name that does not exist
    ├── ConfigError              a configuration file or override that does not fit
    ├── InputError               a file that cannot be read as rows
    ├── OutputError              a place that cannot be written to
    ├── MissingExtraError        an optional dependency that is not installed
    ├── ServiceError             a server that did not give what was asked of it
    └── RowError                 one row that cannot be decoded or encoded; it goes to the rejects file

The message of each is one line for a person: what is wrong, where, and how to mend it.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class DsforgeError(Exception):
    """Base of all errors that dsforge raises on purpose."""


class UsageError(DsforgeError):
    """An option, a format, a rule or a target was named that does not exist."""


class ConfigError(DsforgeError):
    """A configuration file, profile or override does not fit its schema."""


class InputError(DsforgeError):
    """A file that cannot be read as rows: missing, empty, a directory, binary, not UTF-8."""


class OutputError(DsforgeError):
    """A place that cannot be written to."""


class MissingExtraError(DsforgeError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class ServiceError(DsforgeError):
    """A server (for example of a language model) did not give what was asked of it."""


class RowError(DsforgeError):
    """One row that cannot be decoded to an example, or an example that a format cannot hold.

    `pointer` is a JSON Pointer (RFC 6901) into the row; "" is the row itself. `code` is the lint
    rule under which the same flaw is reported. `meant` is what the text at the pointer should be, where
    that is beyond doubt.
    """

    def __init__(self, reason: str, pointer: str = "", code: str = "S101", meant: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pointer = pointer
        self.code = code
        self.meant = meant


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'; did you mean X?' where a known word is near, else the list of known words."""
    words = sorted(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(words)}"
