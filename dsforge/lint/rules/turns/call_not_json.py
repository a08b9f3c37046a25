r"""A tool call that is not JSON.

Why is this bad?
    The arguments of a call are read by a program. Trained on text that does not parse, the model writes
    calls that do not parse; LLaMA-Factory stops at the row.

Bad:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": "{city: Ulm}"}}]}]}

Good:
    {"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Ulm\"}"}}]}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.io.diagnose import diagnose
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.turns.call_places import call_places


def _check(example: Example, report: Report) -> None:
    for index, message in enumerate(example.all_messages()):
        for number, call in enumerate(message.tool_calls):
            if call.written is None or call.arguments is not None or call.written.strip() == "null":
                continue
            problems = diagnose(call.written.encode("utf-8", "surrogatepass")).problems
            why = f": {problems[0].message}" if problems else ""
            help = problems[0].help if problems else "write the arguments as a JSON object"
            report(f"the arguments of the call of {call.name} are not JSON{why}", index, help,
                   beside=call_places(number, "arguments"))  # fmt: skip


RULE = ExampleRule("T206", "error", _check, concerns=("tools",))
