"""The public IP address of some machine.

Why is this bad?
    It is personal data where it is a person's, and an invitation where it is a server's. Private and documentation
    ranges, well-known public resolvers and what is rather a version number are not reported.

Bad:
    {"instruction": "Which server?", "output": "Connect to 93.184.216.34 by SSH."}

Good:
    {"instruction": "Which server?", "output": "Connect to 192.168.0.10 by SSH, version 10.2.33.4."}
"""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from dsforge.lint.rule import ExampleRule
from dsforge.lint.rules.privacy.personal import Stretch, personal_data

_V4 = re.compile(r"(?<![0-9A-Za-z_.+/-])(?:\d{1,3}\.){3}\d{1,3}(?![0-9A-Za-z_/-]|\.\d)")
_V6 = re.compile(r"(?<![0-9A-Za-z:.])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{4,34}(?![0-9A-Za-z:])")
_KNOWN = frozenset(
    "1.1.1.1 1.0.0.1 8.8.8.8 8.8.4.4 9.9.9.9 114.114.114.114 223.5.5.5 223.6.6.6 119.29.29.29 208.67.222.222"
    " 208.67.220.220 1.2.3.4 11.22.33.44 12.34.56.78".split()
)
_VERSION = re.compile(r"(?:version|release|build|revision|section|chapter|版本|版|节|章|v|§)[ :.=]*$", re.IGNORECASE)


def _is_public(written: str) -> bool:
    try:
        address = IPv6Address(written) if ":" in written else IPv4Address(written)
    except (AddressValueError, ValueError):
        return False
    return address.is_global and not address.is_multicast and written not in _KNOWN


def _find(text: str) -> Iterator[Stretch]:
    for match in _V4.finditer(text):
        if _is_public(match.group()) and not _VERSION.search(text, max(0, match.start() - 12), match.start()):
            yield match.span()
    for match in _V6.finditer(text):
        if _is_public(match.group()):
            yield match.span()


_BLOCKS = ("2001:", "2003:", "2400:", "2401:", "2402:", "2403:", "2404:", "2405:", "2406:", "2407:", "2408:", "2409:",
           "240a:", "240b:", "240c:", "240d:", "240e:", "240f:", "2600:", "2601:", "2602:", "2603:", "2604:", "2605:",
           "2606:", "2607:", "2608:", "2609:", "260a:", "260b:", "260c:", "260d:", "260e:", "260f:", "2610:", "2620:",
           "2630:", "2800:", "2801:", "2802:", "2803:", "2804:", "2806:", "2a00:", "2a01:", "2a02:", "2a03:", "2a04:",
           "2a05:", "2a06:", "2a07:", "2a08:", "2a09:", "2a0a:", "2a0b:", "2a0c:", "2a0d:", "2a0e:", "2a0f:", "2a10:",
           "2a11:", "2a12:", "2a13:", "2c0f:")  # fmt: skip
"""Beginnings of the IPv6 blocks that the registries have given out (IANA, 2025-10)."""

RULE = ExampleRule(
    "P607", "warning", personal_data("a public IP address", "[IP ADDRESS]", _find),
    triggers=(*_BLOCKS, "0.0.0", "0.00.0", "0.000.0"), fix="unsafe",
)  # fmt: skip
