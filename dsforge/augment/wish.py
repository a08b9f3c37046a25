"""What a user wants of a run of augment."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("zh", "en")

CANDIDATES = 3
"""Answers from which a preference pair is chosen: with n, 2 * (n choose 2) judgements."""


@dataclass(frozen=True)
class Wish:
    """What is wanted: `per_row` new rows from each seed, by `method` and `model`.

    `rows` limits the rows asked for in all, from the first seed on. `prompt` is a file in place of the method's own.
    None leaves a parameter to the server. `to_language` is "zh" or "en", for methods that translate; `by` is the field
    of a row that holds its category, for methods that bring categories to balance ("" is where formats have it).
    `strip_meta` leaves the provenance out of the rows. `json_schema` has a server that can keep answers in JSON to
    their form.

    `to_format` is the format of the new rows, "" for that of their seeds (or the method's, where it makes another kind
    of row). `candidates` are the answers from which a method chooses. `min_score` (1 to 5) has the model judge each new
    row; one with a lower score is not kept. `rubric` is what it judges by, "" for the prompt's own.
    """

    method: str
    model: str
    per_row: int = 1
    rows: int | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    prompt: str = ""
    format_name: str = "auto"
    to_language: str = ""
    by: str = ""
    strip_meta: bool = False
    json_schema: bool = True
    to_format: str = ""
    candidates: int = 0
    min_score: int | None = None
    rubric: str = ""
