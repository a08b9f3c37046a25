"""A preference pair in a form that the target does not take.

Why is this bad?
    Platforms write pairs differently, and refuse the file over a pair that ends with the assistant before its answers,
    has several messages for an answer, or stands in another format. `dsforge convert` writes the form they read. Runs
    where a target is given with `--target`.

Options:
    target=together

Bad:
    {"input": {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hm"}]}, "preferred_output": [{"role": "assistant", "content": "Hello!"}], "non_preferred_output": [{"role": "assistant", "content": "What?"}]}

Good:
    {"input": {"messages": [{"role": "user", "content": "Hi"}]}, "preferred_output": [{"role": "assistant", "content": "Hello!"}], "non_preferred_output": [{"role": "assistant", "content": "What?"}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.example import Message
from dsforge.formats.expect import kind_of
from dsforge.lint.place import value_at
from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import either, written_messages

if TYPE_CHECKING:
    from dsforge.targets.constraints import PairRules
    from dsforge.targets.profile import Target

_TYPES = {"array": list, "object": dict}


def _check(seen: Seen, target: Target, report: Report) -> None:
    example, rules = seen.example, target.pairs
    if example.chosen is None or example.rejected is None:
        return
    if rules.formats and seen.format not in rules.formats:
        if seen.format in target.formats:  # else rule X801 tells
            report(f"the pair is written as {seen.format}; {target.called} takes pairs as {either(rules.formats)}",
                   len(example.messages), f"dsforge convert FILE --to {rules.formats[0]} -o OUT.jsonl")  # fmt: skip
        return
    last = example.messages[-1].role if example.messages else ""
    if rules.ends and last not in rules.ends:
        said = f"ends with the {last}" if last else "is empty"
        report(f"the prompt {said}; {target.called} refuses a pair whose prompt does not end with the "
               f"{' or the '.join(rules.ends)}", max(0, len(example.messages) - 1),
               "let the prompt end before what chosen and rejected answer")  # fmt: skip
    if rules.text_only:
        for index, message in enumerate(example.all_messages()):
            if message.media:
                report(f"a pair with {message.media[0].kind}s; {target.called} takes pairs of text alone", index,
                       "leave the pair out, or describe what is seen in words")  # fmt: skip
    places = {written.number: written.pointer for written in written_messages(seen)}
    first = len(example.messages)
    for answer in (example.chosen, example.rejected):
        pointer = "/" + places.get(first, "/").split("/")[1]
        _check_answer(seen, target, rules, answer, first, pointer, report)
        first += len(answer)


def _check_answer(
    seen: Seen, target: Target, rules: PairRules, answer: list[Message], first: int, pointer: str, report: Report
) -> None:
    value = value_at(seen.value, pointer)
    if rules.written and not isinstance(value, _TYPES[rules.written]):
        wanted = "an array of messages" if rules.written == "array" else "one message"
        report(f"{pointer} is {kind_of(value)}; {target.called} wants {wanted} there", pointer, f"write {wanted}")
        return
    roles = [message.role for message in answer]
    if "assistant" not in roles:
        report(f"an answer without a message of the assistant; {target.called} refuses the pair", first,
               "an answer is what the assistant says")  # fmt: skip
    elif rules.one_message and len(answer) > 1:
        report(f"an answer of {len(answer)} messages; {target.called} refuses more than one", first + 1,
               "keep one message, and move what both answers share to the prompt")  # fmt: skip
    for index, role in enumerate(roles):
        if rules.roles and role not in rules.roles and "assistant" in roles:
            report(f"a message of the {role} in an answer; {target.called} takes {' and '.join(rules.roles)} there",
                   first + index, "move it to the prompt")  # fmt: skip


RULE = TargetRule("X807", "error", _check)
