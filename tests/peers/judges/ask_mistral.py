"""Runs in the peers' environment: mistral-common's requests and its validators for fine-tuning, over a file.

A line of JSON a row: role and text of each message as mistral-common sees it, or what it says against the row.
"""

import json
import sys
from pathlib import Path

from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import (
    MistralRequestValidatorV3,
    MistralRequestValidatorV13,
    ValidationMode,
)

VALIDATORS = [kind(ValidationMode.finetuning) for kind in (MistralRequestValidatorV3, MistralRequestValidatorV13)]


def judged(row: dict) -> object:
    """What mistral-common makes of a row."""
    request = ChatCompletionRequest(messages=row["messages"], tools=row.get("tools"))
    for validator in VALIDATORS:
        validator.validate_request(request)
    return [
        [message.role, message.content, len(getattr(message, "tool_calls", None) or ())] for message in request.messages
    ]


for line in Path(sys.argv[1]).read_text(encoding="utf-8").split("\n"):
    if not line:
        continue
    try:
        print(json.dumps(judged(json.loads(line)), ensure_ascii=False))
    except Exception as error:  # noqa: BLE001 - whatever it says is the verdict
        print(json.dumps(f"{type(error).__name__}: {error}"))
