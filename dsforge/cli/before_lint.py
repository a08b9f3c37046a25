"""What `dsforge lint` looks at before the work: a mistake in an option is told at once, not after an hour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dsforge.errors import UsageError


def with_rules(select: list[str], codes: Sequence[str]) -> list[str]:
    """The selection with rules that run only when selected, which an option of their own asks for."""
    from dsforge.lint.select import DEFAULT

    return [*(select or [DEFAULT]), *codes] if codes else select


def by_pattern(given: Sequence[str]) -> dict[str, list[str]]:
    """`PATTERN:RULES`, taken apart."""
    from dsforge.lint.select import matching_codes

    patterns: dict[str, list[str]] = {}
    for each in given:
        pattern, colon, rules = each.rpartition(":")
        if not colon or not pattern or not rules:
            raise UsageError(f"--per-file-ignores {each!r}: write PATTERN:RULES, such as raw/*:Q,P601")
        try:
            matching_codes([rules])  # of patterns that fit no file too
        except UsageError as error:
            raise UsageError(f"--per-file-ignores {each!r}: {error}") from None
        patterns.setdefault(pattern, []).append(rules)
    return patterns


def checked_inputs(inputs: Sequence[str], *, twice: bool) -> list[str]:
    """The files that the inputs name: they hold rows of JSON or tables, and where it is asked can be read `twice`."""
    from dsforge.io.expand import expand_sources
    from dsforge.lint.not_json import refuse_what_is_not_json

    names = expand_sources(inputs)
    if twice:
        from dsforge.lint.baseline import check_readable_twice

        check_readable_twice(names)
    refuse_what_is_not_json(names)
    return names


def check_words(folder: str) -> None:
    """Raise where the folder of word lists is none."""
    if folder and not Path(folder).is_dir():
        raise UsageError(f"--words {folder}: there is no such folder")
    if folder and not any(Path(folder).glob("*.txt")):
        raise UsageError(f"--words {folder}: it holds no lists such as violence.en.txt, a phrase to a line")
