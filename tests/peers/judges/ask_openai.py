"""Runs in the peers' environment: the validators of OpenAI's command line over prompt and completion rows.

A line of JSON a file of argv: the number of rows it read, and what it says must be mended.
"""

import json
import sys

from openai.lib._validators import get_validators, read_any_format

for path in sys.argv[1:]:
    frame, read = read_any_format(path, fields=["prompt", "completion"])
    said = [remedy for remedy in [read, *(check(frame) for check in get_validators())] if remedy is not None]
    errors = [remedy.error_msg or remedy.necessary_msg for remedy in said if remedy.error_msg or remedy.necessary_msg]
    print(json.dumps({"rows": len(frame), "errors": errors}))
