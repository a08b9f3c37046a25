"""What is asked of a conversion, as a value that goes to every worker and into the manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from dsforge.errors import UsageError, did_you_mean
from dsforge.formats.format import Format, all_formats, get_format

if TYPE_CHECKING:
    from dsforge.formats.dataset_info import Entry
    from dsforge.formats.layout import Layout

OnLoss: TypeAlias = Literal["report", "drop", "error"]
MediaMode: TypeAlias = Literal["keep", "embed", "bundle"]
CUSTOM = "custom"
"""The name of the format that a layout of the user's own makes."""


class Job(msgspec.Struct, frozen=True):
    """A conversion without its files.

    `options` are choices where trainers disagree, by name, for the format read and the format written.
    `layout` is a layout of the user's own, read unless `to` is custom; `entry` describes rows as LLaMA-Factory's
    dataset_info.json does. `on_loss` says what becomes of a row that would lose a feature: written and counted,
    rejected, or nothing is written at all. `keep_extra` is whether metadata and unknown fields go along where the
    target takes them. `hf_compat` writes what `datasets` before 4.8 reads. `media` says whether images and the like
    stay where they are, go into the rows, or into a zip with them; `media_root` is the folder they lie below.
    """

    to: str
    from_format: str = "auto"
    options: dict[str, str] = {}
    layout: Layout | None = None
    entry: Entry | None = None
    on_loss: OnLoss = "report"
    keep_extra: bool = True
    hf_compat: bool = False
    media: MediaMode = "keep"
    media_root: str = ""
    encoding: str = "auto"

    def source(self) -> Format | None:
        """The format of the rows, None where each row tells.

        Raises:
            UsageError: no such format, or two say what the rows are in.
        """
        own = self.layout if self.to != CUSTOM else None
        if sum((own is not None, self.entry is not None, self.from_format not in ("auto", CUSTOM))) > 1:
            raise UsageError("--map, --dataset-info and --format each say what the rows are in: give one of them")
        if self.entry is not None:
            from dsforge.formats.dataset_info import entry_format

            return entry_format(self.entry)
        if own is not None:
            from dsforge.formats.layout import layout_format

            return layout_format(own)
        if self.from_format == CUSTOM:
            raise UsageError("--format custom needs --map FIELD=PATH, as in --map prompt=question")
        return None if self.from_format == "auto" else get_format(self.from_format, self.options)

    def target(self) -> Format:
        """The format to write.

        Raises:
            UsageError: no such format, or an option that neither format has.
        """
        if self.to == CUSTOM:
            if self.layout is None:
                raise UsageError("--to custom needs --map FIELD=PATH, as in --map prompt=question")
            if any(step.isdigit() for _, path in self.layout.paths for step in path.split(".")):
                raise UsageError("--map with the number of an element can be read, not written")
            from dsforge.formats.layout import layout_format

            return layout_format(self.layout)
        return get_format(self.to, self.options)

    def readers(self) -> Mapping[str, Format]:
        """Every format a row may be found to be in, with the options chosen."""
        return {name: fmt.configured(self.options) for name, fmt in all_formats().items()}

    def check(self) -> None:
        """Raise UsageError for what does not go together, before the work."""
        formats = [*all_formats().values()] if self.source() is None else [self.source()]
        known = {option.name: option for fmt in (*formats, self.target()) if fmt for option in fmt.options}
        for name, choice in self.options.items():
            if name not in known:
                where = f"{self.to} and {self.from_format}" if self.source() else self.to
                raise UsageError(f"{where}: no option {name!r}{did_you_mean(name, known) if known else ''}")
            if choice not in known[name].choices:
                raise UsageError(f"option {name}: no choice {choice!r}{did_you_mean(choice, known[name].choices)}")

    def choices(self, read: Iterable[str]) -> dict[str, str]:
        """Every option in effect, chosen or by default, of the formats `read` (by name) and of the one written."""
        sources = [all_formats()[name] for name in read if name in all_formats()]
        preset = {**_preset(self.from_format), **_preset(self.to), **self.options}
        return {
            option.name: preset.get(option.name, option.default)
            for fmt in (*sources, self.target())
            for option in fmt.options
        }


def _preset(name: str) -> Mapping[str, str]:
    for fmt in all_formats().values():
        if name in fmt.dialects:
            return fmt.dialects[name]
    return {}
