r"""TRL: a prompt that ends in white space.

Why is this bad?
    Prompt and completion are counted apart and together; a space at the end of the prompt becomes one token with the
    word after it, so the two do not agree. TRL 1.16 then leaves the end of the prompt out, older versions train from
    the wrong token on; both say so once, in a warning. Write the space before the completion.

Options:
    target=trl

Bad:
    {"prompt": "The sky is ", "completion": "blue."}

Good:
    {"prompt": "The sky is", "completion": " blue."}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rules.trainer.trap import trap

if TYPE_CHECKING:
    from dsforge.lint.rule import Report, Seen
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    prompt = seen.value.get("prompt")
    if isinstance(prompt, str) and prompt[-1:] in (" ", "\t"):
        report(f"the prompt ends in white space: {target.title} cannot tell where the completion begins", "/prompt",
               "write the space before the completion")  # fmt: skip


RULE = trap("X920", "warning", _check, ("prompt-completion", "trl"))
