r"""The compiled scanner: rows of texts alone, from JSON to the texts that are compared, without a Python object each.

It accepts only what it understands to the last byte, and stops before any other row: another field, a key in another
order or twice, a value that is no text, an escape that is no character, bytes that are no UTF-8, a text whose
normal form depends on more than its single characters. Such a row is read the usual way.

Constants are compiled in: whoever changes one that is imported here raises `REVISION` (see `kernel`).
"""

from __future__ import annotations

from dsforge.similarity.kernel import compiled
from dsforge.similarity.scan import (
    ANSWERED,
    ASKED,
    COMPLEX,
    CONTEXT,
    CONTEXT_END,
    END,
    GUARD_BYTES,
    HEAD,
    I32,
    LINE_END,
    MOST_TURNS,
    SIDE_ANSWER,
    SIDE_CONTEXT,
    SIDE_PROMPT,
)
from dsforge.similarity.shingle import I64, U8

REVISION = 1

_QUOTE, _BACKSLASH, _SPACE, _TAB, _BREAK = 0x22, 0x5C, 0x20, 0x09, 0x0A
_OPEN, _CLOSE, _OPEN_LIST, _CLOSE_LIST, _COLON, _COMMA = 0x7B, 0x7D, 0x5B, 0x5D, 0x3A, 0x2C
_ZERO, _LESS, _SLASH, _BACKSPACE = 0x30, 0x3C, 0x2F, 0x08
_B, _F, _N, _R, _T, _U = 0x62, 0x66, 0x6E, 0x72, 0x74, 0x75
_STRETCH = 32
"""Bytes that are looked at together."""
_DIGITS = 45
"""Room for two lengths, and what stands around them."""


@compiled
def _skip(block: U8, at: int) -> int:
    """The place of the next byte that is neither space nor tab."""
    while at < len(block) and (block[at] == _SPACE or block[at] == _TAB):
        at += 1
    return at


@compiled
def _after(block: U8, at: int, sign: int) -> int:
    """The place behind a sign, and the white space on both sides of it; -1 where another is, or the place is none."""
    if at < 0:
        return -1
    at = _skip(block, at)
    if at < len(block) and block[at] == sign:
        return _skip(block, at + 1)
    return -1


@compiled
def _after_word(block: U8, at: int, words: U8, start: int, end: int) -> int:
    """The place behind a word that stands at a place; -1 where another does, or the place is none."""
    if at < 0 or at + end - start > len(block):
        return -1
    for step in range(end - start):
        if block[at + step] != words[start + step]:
            return -1
    return at + end - start


@compiled
def _word_at(block: U8, at: int, words: U8, starts: I64, first: int) -> tuple[int, int]:
    """`(which, place behind it)` of the words from the `first` on; -1 where none of them stands there."""
    for word in range(first, len(starts) - 1):
        behind = _after_word(block, at, words, starts[word], starts[word + 1])
        if behind >= 0:
            return word, behind
    return -1, -1


@compiled
def _text_end(block: U8, at: int) -> int:
    """The place of the quotation mark that ends the text that begins at a place; -1 where there is none in the line.

    Nor is there one where the text begins as reasoning does, or may do so.
    """
    if at + 4 < len(block):
        first, second = block[at], block[at + 1]
        if first == _LESS and second in (_T, _BACKSLASH):
            return -1
        if first == _BACKSLASH and second == _U and block[at + 2] == _ZERO and block[at + 3] == _ZERO:
            return -1
    while at < len(block):
        while at + _STRETCH <= len(block):  # the lanes of the processor look at many bytes together
            met = False
            for step in range(_STRETCH):
                byte = block[at + step]
                met |= (byte == _QUOTE) | (byte == _BACKSLASH) | (byte < _SPACE)
            if met:
                break
            at += _STRETCH
        byte = block[at]
        while byte != _QUOTE and byte != _BACKSLASH and byte >= _SPACE and at + 1 < len(block):
            at += 1
            byte = block[at]
        if byte == _QUOTE:
            return at
        if byte != _BACKSLASH:
            return -1
        at += 2
    return -1


@compiled
def _text_at(block: U8, at: int) -> tuple[int, int]:
    """`(start, end)` of the text in quotation marks at a place; -1 for the end where none is."""
    if at < 0 or at >= len(block) or block[at] != _QUOTE:
        return -1, -1
    return at + 1, _text_end(block, at + 1)


@compiled
def _hex(block: U8, at: int) -> int:
    """The number of four digits at a place, -1 where there are not four."""
    number = 0
    if at + 4 > len(block):
        return -1
    for step in range(4):
        digit = int(block[at + step])
        if _ZERO <= digit <= 0x39:
            digit -= _ZERO
        elif 0x61 <= digit | 0x20 <= 0x66:
            digit = (digit | 0x20) - 0x61 + 10
        else:
            return -1
        number = number * 16 + digit
    return number


@compiled
def _escaped(block: U8, at: int) -> tuple[int, int]:
    r"""`(code point, place behind it)` of the escape whose backslash stands at a place; -1 where it is none."""
    sign = block[at + 1]
    if sign in (_QUOTE, _BACKSLASH, _SLASH):
        return int(sign), at + 2
    if sign in (_N, _T, _R, _F):
        return _SPACE, at + 2
    if sign == _B:
        return _BACKSPACE, at + 2
    if sign != _U:
        return -1, at
    code = _hex(block, at + 2)
    at += 6
    if 0xD800 <= code < 0xE000:
        if code >= 0xDC00 or at + 6 > len(block) or block[at] != _BACKSLASH or block[at + 1] != _U:
            return -1, at
        low = _hex(block, at + 2)
        if low < 0xDC00 or low >= 0xE000:
            return -1, at
        return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), at + 6
    return code, at


@compiled
def _character(block: U8, at: int, end: int) -> tuple[int, int]:
    """`(code point, place behind it)` of the character of several bytes at a place; -1 where it is not UTF-8."""
    first = int(block[at])
    if 0xC2 <= first < 0xE0:
        size, code, least = 2, first & 0x1F, 0x80
    elif 0xE0 <= first < 0xF0:
        size, code, least = 3, first & 0x0F, 0x800
    elif 0xF0 <= first < 0xF5:
        size, code, least = 4, first & 0x07, 0x10000
    else:
        return -1, at
    if at + size > end:
        return -1, at
    for step in range(1, size):
        byte = int(block[at + step])
        if byte & 0xC0 != 0x80:
            return -1, at
        code = (code << 6) | (byte & 0x3F)
    if code < least or code > 0x10FFFF or 0xD800 <= code < 0xE000:
        return -1, at
    return code, at + size


@compiled
def _put(out: U8, at: int, code: int) -> int:
    """Write a character beyond ASCII as UTF-8; the place behind it."""
    if code < 0x800:
        out[at] = 0xC0 | (code >> 6)
        out[at + 1] = 0x80 | (code & 0x3F)
        return at + 2
    if code < 0x10000:
        out[at] = 0xE0 | (code >> 12)
        out[at + 1] = 0x80 | ((code >> 6) & 0x3F)
        out[at + 2] = 0x80 | (code & 0x3F)
        return at + 3
    out[at] = 0xF0 | (code >> 18)
    out[at + 1] = 0x80 | ((code >> 12) & 0x3F)
    out[at + 2] = 0x80 | ((code >> 6) & 0x3F)
    out[at + 3] = 0x80 | (code & 0x3F)
    return at + 4


@compiled
def _normalised(
    block: U8, at: int, end: int, folds: I32, pieces: U8, piece_starts: I64, out: U8, begin: int, to: int
) -> int:  # fmt: skip
    """Write the normal form of a text to the place `to`, behind what it goes on with, which begins at `begin`.

    That is nothing, or ends in a space. The place behind all; -1 where the form is not that of the single characters.
    """
    after_space = True
    while at < end:
        byte = block[at]
        if byte < 0x80 and byte != _BACKSLASH:
            fold = folds[byte]
            is_space = fold == _SPACE
            out[to] = fold
            to += not (is_space and after_space)  # the next one takes the place of a second space: no jump is cheapest
            after_space = is_space
            at += 1
            continue
        if 0xE5 <= byte <= 0xE9 and at + 2 < end and block[at + 1] & 0xC0 == 0x80 and block[at + 2] & 0xC0 == 0x80:
            out[to], out[to + 1], out[to + 2] = byte, block[at + 1], block[at + 2]  # most Han characters
            to += 3
            after_space = False
            at += 3
            continue
        code, at = _escaped(block, at) if byte == _BACKSLASH else _character(block, at, end)
        if code < 0 or code >= len(folds):
            return -1
        fold = folds[code]
        if fold == COMPLEX:
            return -1
        if fold >= 0x80:
            to = _put(out, to, fold)
            after_space = False
        elif fold >= 0:
            is_space = fold == _SPACE
            out[to] = fold
            to += not (is_space and after_space)
            after_space = is_space
        else:
            for place in range(piece_starts[-fold], piece_starts[1 - fold]):
                is_space = pieces[place] == _SPACE
                out[to] = pieces[place]
                to += not (is_space and after_space)
                after_space = is_space
    return to - 1 if to > begin and out[to - 1] == _SPACE else to


@compiled
def _write_number(out: U8, at: int, number: int) -> int:
    """Write the digits of a number before a place; the place of the first."""
    while True:
        at -= 1
        out[at] = _ZERO + number % 10
        number //= 10
        if number == 0:
            return at


@compiled
def _spans_of_fields(block: U8, at: int, words: U8, starts: I64, spans: I64) -> int:
    """Find the texts of the fields of a row, one each; the place behind its last brace, -1 where it is another row."""
    count = len(starts) - 1
    for field in range(count):
        spans[field, 1] = -1
    at = _after(block, at, _OPEN)
    for field in range(count):
        word, at = _word_at(block, at, words, starts, 0)
        if word < 0 or spans[word, 1] >= 0:
            return -1
        start, end = _text_at(block, _after(block, at, _COLON))
        if end < 0:
            return -1
        spans[word, 0], spans[word, 1] = start, end
        at = _after(block, end + 1, _CLOSE if field == count - 1 else _COMMA)
    return at


@compiled
def _spans_of_turns(block: U8, at: int, words: U8, starts: I64, spans: I64) -> tuple[int, int]:
    """`(turns, place behind the row)`; the words are the row's key, the turn's keys, and the names of roles."""
    count = 0
    at = _after_word(block, _after(block, at, _OPEN), words, starts[0], starts[1])
    at = _after(block, _after(block, at, _COLON), _OPEN_LIST)
    while at >= 0 and count < MOST_TURNS:
        at = _after_word(block, _after(block, at, _OPEN), words, starts[1], starts[2])
        role, at = _word_at(block, _after(block, at, _COLON), words, starts, 3)
        at = _after_word(block, _after(block, at, _COMMA), words, starts[2], starts[3])
        start, end = _text_at(block, _after(block, at, _COLON))
        if end < 0:
            return 0, -1
        spans[count, 0], spans[count, 1], spans[count, 2] = start, end, role - 3
        count += 1
        at = _after(block, end + 1, _CLOSE)
        if at < 0 or at >= len(block):
            return 0, -1
        if block[at] == _COMMA:
            at = _skip(block, at + 1)
            continue
        if block[at] != _CLOSE_LIST:
            return 0, -1
        return count, _after(block, at + 1, _CLOSE)
    return 0, -1


@compiled
def _write_turns(
    block: U8, spans: I64, turns: int, sides: U8, side: int,
    folds: I32, pieces: U8, piece_starts: I64, out: U8, to: int,
) -> int:  # fmt: skip
    """Write what one side says, a line break between its turns; the place behind it, -1 where the scanner cannot."""
    is_first = True
    for turn in range(turns):
        if sides[spans[turn, 2]] != side:
            continue
        if not is_first:
            out[to] = _BREAK
            to += 1
        is_first = False
        to = _normalised(block, spans[turn, 0], spans[turn, 1], folds, pieces, piece_starts, out, to, to)
        if to < 0:
            return -1
    return to


@compiled
def _write_question(
    block: U8, spans: I64, has_input: bool,
    folds: I32, pieces: U8, piece_starts: I64, out: U8, to: int,
) -> int:  # fmt: skip
    """Write the first field, and the input that makes one text with it; as `_write_turns`."""
    begin = to
    to = _normalised(block, spans[0, 0], spans[0, 1], folds, pieces, piece_starts, out, begin, to)
    if to < 0 or not has_input:
        return to
    if to > begin:
        out[to] = _SPACE
        to += 1
    return _normalised(block, spans[1, 0], spans[1, 1], folds, pieces, piece_starts, out, begin, to)


@compiled
def _write_head(out: U8, row: I64, turns: int, spans: I64, letters: U8, guard: U8, of_turns: bool) -> None:
    """Write before what a row says what its key begins with, as `compared` has it, and note where that is."""
    head = row[ASKED] - 1
    out[head] = _BREAK
    head = _write_number(out, head, row[END] - row[ANSWERED]) - 1
    out[head] = _SPACE
    head = _write_number(out, head, row[ANSWERED] - row[ASKED]) - 1
    out[head] = _SPACE
    for turn in range(turns - 1, -1, -1):
        head -= 1
        out[head] = letters[spans[turn, 2] if of_turns else turn]
    head -= GUARD_BYTES
    for step in range(GUARD_BYTES):  # to assign slices takes numba two seconds more to compile
        out[head + step] = guard[step]
    row[HEAD] = head


@compiled
def scan_rows(
    block: U8, at: int, words: U8, starts: I64, sides: U8, letters: U8,
    folds: I32, pieces: U8, piece_starts: I64, guard: U8, spans: I64, out: U8, rows: I64,
) -> int:  # fmt: skip
    """Fill `rows` with those that begin at a place, up to the first that is no such row; how many there are.

    Without `sides` they are rows of two or three fields: question, perhaps input, answer.
    """
    of_turns = len(sides) > 0
    fields = len(starts) - 1
    count = to = 0
    while at < len(block) and block[at] == _OPEN and count < len(rows):
        if of_turns:
            turns, behind = _spans_of_turns(block, at, words, starts, spans)
        else:
            turns, behind = 2, _spans_of_fields(block, at, words, starts, spans)
        if behind < 0 or (behind < len(block) and block[behind] != _BREAK):
            return count
        row = rows[count]
        row[CONTEXT] = -1
        if of_turns:
            for turn in range(turns):
                if sides[spans[turn, 2]] == SIDE_CONTEXT:
                    row[CONTEXT] = to
            to = _write_turns(block, spans, turns, sides, SIDE_CONTEXT, folds, pieces, piece_starts, out, to)
            if to < 0:
                return count
        row[CONTEXT_END] = to
        to += GUARD_BYTES + turns + _DIGITS
        row[ASKED] = to
        if of_turns:
            to = _write_turns(block, spans, turns, sides, SIDE_PROMPT, folds, pieces, piece_starts, out, to)
        else:
            to = _write_question(block, spans, fields == 3, folds, pieces, piece_starts, out, to)
        if to < 0:
            return count
        row[ANSWERED] = to
        if of_turns:
            to = _write_turns(block, spans, turns, sides, SIDE_ANSWER, folds, pieces, piece_starts, out, to)
        else:
            start, end = spans[fields - 1, 0], spans[fields - 1, 1]
            to = _normalised(block, start, end, folds, pieces, piece_starts, out, to, to)
        if to < 0:
            return count
        row[END] = to
        _write_head(out, row, turns, spans, letters, guard, of_turns)
        at = min(behind + 1, len(block))
        row[LINE_END] = at
        count += 1
    return count
