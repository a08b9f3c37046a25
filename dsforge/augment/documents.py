"""Documents (.txt, .md, .pdf) cut into passages, each of which a method asks about as it does about a row."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dsforge.errors import InputError
from dsforge.example import JSON, Example, Message
from dsforge.extras import require
from dsforge.formats.format import Format, get_format
from dsforge.io.encoding import LOOK, told_encoding
from dsforge.io.rejects import Reject
from dsforge.io.rows import Row

if TYPE_CHECKING:
    from pypdf import PdfReader

_FORMAT = "chatml"  # of rows made of passages: those are in none
UNREADABLE = "A904"
"""The code of a reject that is a document of a folder which cannot be read."""
LONGEST = 3000
"""Characters of a passage, about 750 tokens of English; Chinese says as much in half of them, see `_weight`."""
SHORTEST = 200
"""A passage with fewer goes with the next one, or the one before: there is too little in it to ask about."""

_SUFFIXES = (".txt", ".md", ".markdown", ".pdf")
_HEADING = re.compile(r"(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*\Z")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])|\n")
_WIDE = re.compile("[\u2e80-\ufaff\uff00-\uffef\U00020000-\U000323af]")


class Block(NamedTuple):
    """A paragraph of a document: its text, the line (of a PDF, the page) where it begins, and the headings above it."""

    text: str
    line: int
    headings: tuple[str, ...] = ()


class PassageReader:
    """Iterates over `(row, example)` of the passages of a document, or of all in a folder, in the order of their names.

    A passage is the one message of its example; the metadata name the document and its headings, or its page. A row's
    `number` counts passages, `line` is that of the document (of a PDF: the page), `raw` the text.

    Raises:
        InputError: on construction, where a document cannot be read, or holds no text.
        MissingExtraError: one is a PDF and pypdf is not installed.
    """

    def __init__(self, source: str) -> None:
        self.path = source
        self.format: Format | None = get_format(_FORMAT)
        self.rejects: list[Reject] = []
        self.rows_in = 0
        self._documents: list[tuple[Path, list[Block]]] = []
        for path in _files(source):
            self._open(path, alone=str(path) == source)
        if not self._documents:
            raise InputError(f"{source}: none of its documents can be read, the first: {self.rejects[0].reason}")

    def _open(self, path: Path, alone: bool) -> None:
        """Read a document; one of a folder that cannot be read is a reject."""
        try:
            self._documents.append((path, _passages(path)))
        except InputError as error:
            if alone:
                raise
            self.rows_in += 1
            self.rejects.append(Reject(str(path), self.rows_in, 1, UNREADABLE, str(error), "", b""))

    def __iter__(self) -> Iterator[tuple[Row, Example]]:
        for path, passages in self._documents:
            for passage in passages:
                self.rows_in += 1
                place: dict[str, JSON] = {"document": path.name}
                if path.suffix.lower() == ".pdf":
                    place["page"] = passage.line
                if passage.headings:
                    place["heading"] = " > ".join(passage.headings)
                row = Row(self.rows_in, passage.line, 0, passage.text.encode(), None)
                yield row, Example([Message("user", passage.text)], meta=place)


def _files(source: str) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if each.suffix.lower() in _SUFFIXES and each.is_file())
        if not found:
            raise InputError(f"{source} holds no document: {', '.join(_SUFFIXES)} are read")
        return found
    if not path.is_file():
        raise InputError(f"{source} does not exist: name a document ({', '.join(_SUFFIXES)}) or a folder of them")
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{source} is none of the documents that are read: {', '.join(_SUFFIXES)}")
    return [path]


def _passages(path: Path) -> list[Block]:
    suffix = path.suffix.lower()
    if suffix == ".pdf":
        blocks = _pages(path)
    else:
        text = _text(path)
        blocks = list(markdown_blocks(text) if suffix != ".txt" else text_blocks(text))
    passages = list(joined(blocks))
    if not passages:
        raise InputError(f"{path} holds no text" + (" (a scan? recognise its text first)" if suffix == ".pdf" else ""))
    return passages


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return raw.decode(told_encoding(raw[:LOOK])).removeprefix("\ufeff")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (at byte {error.start:,}): save it as UTF-8") from error


def _pages(path: Path) -> list[Block]:
    pypdf: Any = require("pypdf", "documents", "reading a PDF")
    errors: Any = require("pypdf.errors", "documents", "reading a PDF")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of what it then reads, or raises
    try:
        reader: PdfReader = pypdf.PdfReader(path)
        locked = reader.is_encrypted and not reader.decrypt("")
        texts = [] if locked else [page.extract_text() for page in reader.pages]
    except errors.DependencyError as error:
        raise InputError(f"{path} is encrypted: save it without ({error})") from error
    except Exception as error:  # pypdf raises whatever a damaged file leads to
        raise InputError(f"{path} cannot be read as a PDF: {error or type(error).__name__}") from error
    if locked:
        raise InputError(f"{path} is locked with a password: save it without one")
    pages = (text.encode(errors="replace").decode().strip() for text in texts)
    return [Block(text, number) for number, text in enumerate(pages, 1) if text]


def text_blocks(text: str) -> Iterator[Block]:
    """The paragraphs of plain text: what stands between blank lines."""
    lines: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.strip():
            lines.append(line.rstrip())
        elif lines:
            yield Block("\n".join(lines), number - len(lines))
            lines = []


def markdown_blocks(text: str) -> Iterator[Block]:
    """The paragraphs of Markdown with the headings above each; what stands in a code fence is one with its lines."""
    headings: list[tuple[int, str]] = []
    lines: list[str] = []
    begin, fence = 1, ""
    for number, line in enumerate([*text.splitlines(), ""], 1):
        mark = _FENCE.match(line)
        heading = _HEADING.match(line) if not fence else None
        if lines and not fence and (heading or not line.strip()):
            yield Block("\n".join(lines), begin, tuple(title for _, title in headings))
            lines = []
        if heading:
            level = len(heading[1])
            headings = [*(each for each in headings if each[0] < level), (level, heading[2])]
        elif line.strip() or fence:
            begin = begin if lines else number
            lines.append(line.rstrip())
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
            fence = ""
    if any(line.strip() for line in lines):  # a fence that is never closed
        yield Block("\n".join(lines).rstrip(), begin, tuple(title for _, title in headings))


def joined(blocks: Iterable[Block]) -> Iterator[Block]:
    """Blocks joined to passages: up to `LONGEST`, a new one under each heading but where it would be too short."""
    passage: list[Block] = []
    before: Block | None = None

    def taken() -> Block:
        return Block("\n\n".join(block.text for block in passage), passage[0].line, _common(passage))

    for block in (piece for whole in blocks for piece in _cut(whole)):
        size = sum(_weight(each.text) for each in passage)
        another = passage and (
            size + _weight(block.text) > LONGEST or (block.headings != passage[-1].headings and size >= SHORTEST)
        )
        if another:
            if before is not None:
                yield before
            before = taken()
            passage = []
        passage.append(block)
    if not passage:
        return
    last = taken()
    if before is not None and _weight(last.text) < SHORTEST:
        last = Block(f"{before.text}\n\n{last.text}", before.line, _common([before, last]))
    elif before is not None:
        yield before
    yield last


def _common(blocks: Sequence[Block]) -> tuple[str, ...]:
    """The headings that stand above all blocks."""
    common: list[str] = []
    for titles in zip(*(block.headings for block in blocks), strict=False):
        if len(set(titles)) > 1:
            break
        common.append(titles[0])
    return tuple(common)


def _weight(text: str) -> int:
    """Characters, wide ones (Chinese, Japanese, Korean) counted twice."""
    return len(text) + len(_WIDE.findall(text))


def _cut(block: Block) -> Iterator[Block]:
    """A block in pieces of at most `LONGEST`, cut between sentences or lines where there are any."""
    if _weight(block.text) <= LONGEST:
        yield block
        return
    begin, cut, line = 0, 0, block.line
    ends = [match.end() for match in _SENTENCE.finditer(block.text)] + [len(block.text)]
    for end in ends:
        while _weight(block.text[begin:end]) > LONGEST:
            cut = cut if cut > begin else min(end, begin + LONGEST // 2)
            yield Block(block.text[begin:cut].strip(), line, block.headings)
            begin = cut
        cut = end
    if rest := block.text[begin:].strip():
        yield Block(rest, line, block.headings)
