"""dsforge: fine-tuning data converted, checked, cleaned, priced and trained.

The public names are below, each imported when it is first used:

    >>> import dsforge
    >>> result = dsforge.lint_files(["rows.jsonl"])
    >>> result.counts
    {'S104': 2}
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from dsforge.api import augment
    from dsforge.convert import convert as convert_files
    from dsforge.dedup.run import dedup as dedup_files
    from dsforge.errors import DsforgeError
    from dsforge.example import Example, Media, Message, Text, ToolCall
    from dsforge.finding import Finding
    from dsforge.formats.format import all_formats, get_format
    from dsforge.formats.read import read_examples
    from dsforge.lint.run import lint as lint_files
    from dsforge.split import split as split_files

_HOME = {
    "augment": "dsforge.api:augment",
    "read_examples": "dsforge.formats.read:read_examples",
    "convert_files": "dsforge.convert:convert",
    "lint_files": "dsforge.lint.run:lint",
    "dedup_files": "dsforge.dedup.run:dedup",
    "split_files": "dsforge.split:split",
    "all_formats": "dsforge.formats.format:all_formats",
    "get_format": "dsforge.formats.format:get_format",
    "Example": "dsforge.example:Example",
    "Message": "dsforge.example:Message",
    "Text": "dsforge.example:Text",
    "Media": "dsforge.example:Media",
    "ToolCall": "dsforge.example:ToolCall",
    "Finding": "dsforge.finding:Finding",
    "DsforgeError": "dsforge.errors:DsforgeError",
}

__all__ = [
    "DsforgeError",
    "Example",
    "Finding",
    "Media",
    "Message",
    "Text",
    "ToolCall",
    "__version__",
    "all_formats",
    "augment",
    "convert_files",
    "dedup_files",
    "get_format",
    "lint_files",
    "read_examples",
    "split_files",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'dsforge' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
