"""An e-mail address of a person.

Why is this bad?
    A model repeats what it was trained on, to anyone who asks, also where the question gave it. Addresses in domains
    that are reserved for examples (example.com, .test, .invalid), those of an office (info@, support@), of John Doe,
    and in questions of how an address is checked by a program are not reported.

Bad:
    {"instruction": "How do I reach the support?", "output": "Write to maria.huber@lamps.at."}

Good:
    {"instruction": "How do I reach the support?", "output": "Write to support@example.com."}
"""

import re
from collections.abc import Iterator

from dsforge.lint.rule import ExampleRule
from dsforge.lint.rules.privacy.personal import Stretch, personal_data

_LOCAL = re.compile(r"[0-9A-Za-z_%+-][0-9A-Za-z._%+-]{0,63}\Z")
_DOMAIN = re.compile(
    r"(?:[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.)+[A-Za-z]{2,24}(?![0-9A-Za-z_(\[]|-[0-9A-Za-z])"
)
_RESERVED = re.compile(
    r"(?:^|[.-])example(?:[.-]|$)|\.(?:test|invalid|localhost|local)$|^xx+\.\w+$"
    r"|^(?:your|my|our|the)?-?(?:domain|company|e?mail|website|site|address|organization|school|university|business)"
    r"(?:-?name)?\.(?:com|org|net|edu)$",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"git|hg|root|(?:do-?)?not?-?reply|(?:j[aeo]\w{2,3}|mr)[._-]?doe\d{0,3}|doe|max[._-]?mustermann"
    r"|(?:info|support|service|contact|help|helpdesk|sales|office|admin|administrator|webmaster|postmaster|hostmaster"
    r"|press|media|jobs|careers?|hr|team|hello|billing|accounts?|orders?|privacy|legal|security|abuse|feedback"
    r"|marketing|enquir(?:y|ies)|inquir(?:y|ies)|reservations?|bookings?|customer[._-]?(?:service|support|care)|returns"
    r"|newsletter|news|subscribe|unsubscribe|all|everyone|staff|editor|editors|questions|donate|donations|events)"
    r"|(?:example|sample|test|your|my|some)[._-]?\w*|user(?:name)?\d?|name|e?mail|someone|xxx+",
    re.IGNORECASE,
)

_NAMED = re.compile(r"e-?mail|\baddress|邮|地址", re.IGNORECASE)


def _find(text: str) -> Iterator[Stretch]:
    at = text.find("@")
    while at >= 0:
        local, domain = _LOCAL.search(text, max(0, at - 64), at), _DOMAIN.match(text, at + 1)
        if (
            local
            and domain
            and not _NOBODY.fullmatch(local.group())
            and not _RESERVED.search(domain.group())
            and text[local.start() - 1 : local.start()] not in ("/", ":")
        ):
            yield local.start(), domain.end()
        at = text.find("@", at + 1)


RULE = ExampleRule(
    "P602",
    "warning",
    personal_data("an e-mail address", "[EMAIL]", _find, named=_NAMED),
    triggers=("@",),
    fix="unsafe",
)
