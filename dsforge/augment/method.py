"""What a method is: what its prompt may see of an example, and the new example made from an answer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from dsforge.augment.request import ChatMessage
from dsforge.augment.wish import Wish
from dsforge.errors import UsageError, did_you_mean
from dsforge.example import Example
from dsforge.feature import Feature
from dsforge.registry import values

NUMBER = "number"
"""The name under which every prompt sees which of the wanted rows (from 1) it asks for."""

OTHERS = "others"
"""That under which it sees the texts of the seeds before."""

FINDINGS = "findings"
"""The option of a method that mends what is wrong with a row, and the name under which its prompt sees that."""

_SHOWN_AS = {"by": "category"}
"""The name of a setting where it is not the setting's own."""


class Unusable(Exception):
    """An answer makes no row, for the reason said; `again` is whether the model may mend it when it is told."""

    def __init__(self, reason: str, *, again: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.again = reason, again


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to the model.

    `read` turns the text of an answer into what the method goes on with, and raises Unusable where it is none.
    `expected` is a text about as long as the answer, and `likely` what `read` might make of it: by these the cost of a
    run is estimated. The prompt sees `values`, beside what every prompt sees of the row; `messages` are sent in place
    of a prompt. `prompt` names one that is not the method's own. `draw` tells apart equal questions that want an answer
    each (None: by the number of the new row). `schema` is the JSON Schema of the answer, as text.
    """

    read: Callable[[str], Any]
    expected: str
    likely: Any
    values: Mapping[str, object] = field(default_factory=dict)
    messages: tuple[ChatMessage, ...] = ()
    prompt: str = ""
    draw: int | None = None
    schema: str = ""


Steps: TypeAlias = "Generator[Sequence[Ask], list[Any], Example]"
"""How a row is made: yields questions that may be asked at the same time, is sent what was read of their answers, and
returns the example, or raises Unusable."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to make a row from a row; its prompt is `conf/augment/NAME.jinja`.

    `variables` are the names its prompt may use, beside `number`; `show(example)` gives their values, with the
    `language` of the row among them, and raises RowError where the example is nothing the method can work on.
    `write(example, answer)` is the new example, and raises Unusable where the answer is not what the prompt asks for.
    `text(example)` is what the method writes anew, of a seed or a new example; none of the three changes the example.

    `closest` is the share of their n-grams that the text of a new row may have in common with that of its seed, or
    of another row made from it: beyond it the row is too close. `keeps_language` is whether that text is in the seed's
    language. `needs` is what the format of a seed must hold. `options` are the settings of a wish that it takes, beside
    those of every method; its prompt sees them too, `by` as the `category` of the row. `schema` is the JSON Schema of
    its answers, as text, "" where they are plain text. `neighbours` is of how many seeds before it the prompt of a seed
    sees the text, as `others`. `new_prompt` is whether the text is a prompt that no row may have had before, whatever
    else it holds.

    A method that asks more than once has `steps(example, number, wish)` in place of `write`. One that is `in_place`
    changes rows and makes no new ones: those that it has no use for stay as they are. `writes` is the format of its
    rows where the seeds' own cannot hold them. `of_documents` is whether its seeds are passages of documents. `notes`
    is the field of the metadata in which it says what it thinks of a row that it leaves otherwise as it is. One that
    `takes_faulty` seeds looks for faults, or replaces what they mostly lie in.
    """

    name: str
    summary: str
    variables: frozenset[str]
    show: Callable[[Example], Mapping[str, object]]
    text: Callable[[Example], str]
    write: Callable[[Example, str], Example] | None = None
    steps: Callable[[Example, int, Wish], Steps] | None = None
    closest: float = 0.9
    keeps_language: bool = True
    needs: frozenset[Feature] = frozenset()
    options: frozenset[str] = frozenset()
    schema: str = ""
    neighbours: int = 0
    new_prompt: bool = False
    in_place: bool = False
    writes: str = ""
    of_documents: bool = False
    notes: str = ""
    takes_faulty: bool = False

    @property
    def names(self) -> frozenset[str]:
        """All names that its prompt may use."""
        shown = {_SHOWN_AS.get(option, option) for option in self.options}
        return self.variables | shown | {NUMBER, *([OTHERS] if self.neighbours else [])}


@lru_cache(maxsize=1)
def all_methods() -> dict[str, Method]:
    """Every method by name, found by a walk over methods/."""
    return {method.name: method for method in values("dsforge.augment.methods", "METHOD", Method)}


def get_method(name: str) -> Method:
    """The method called `name`; UsageError where there is none."""
    try:
        return all_methods()[name]
    except KeyError:
        raise UsageError(f"no method {name!r}{did_you_mean(name, all_methods())}") from None
