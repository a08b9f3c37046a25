"""A law over the registry: in every format a row can be read on the page, edited, accepted and written."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from dsforge.formats.format import all_formats
from dsforge.formats.read import decode_row
from dsforge.review.app import Options, _Pages
from dsforge.review.decision import Accept, Edit
from dsforge.review.desk import Desk, Seat, Wish
from dsforge.review.export import export
from dsforge.review.guard import Guard
from dsforge.review.index import Index
from dsforge.review.queue import Filter
from dsforge.review.review import Review
from dsforge.review.view import view_of
from tests.review.rows import NoCheck, write


@pytest.mark.parametrize("name", sorted(all_formats()))
def test_a_row_is_shown_edited_and_written(name: str, tmp_path: Path) -> None:
    fmt = all_formats()[name]
    row = orjson.loads(fmt.example)
    path = write(tmp_path / "data.jsonl", [row, row])
    seat = Seat("ana")
    with Review(path, format=name, check=NoCheck()) as review:
        before = review.row(1).original.example
        assert before is not None
        desk = Desk(review, Index(2), NoCheck(), ["ana"], 0)
        pages = _Pages(desk, Guard(b"x", [seat]), Options())
        last = len(before.all_messages()) - 1
        for number, action in enumerate((Edit(last, "Something else."), Accept())):
            desk.do(seat, Wish(str(number), 1, action), Filter())
        shown = pages._templates.get_template("stage.html").render(
            row=view_of(desk, seat, 1),
            seat=seat,
            wanted=Filter(),
            query="",
            total=2,
            looked=desk.index.progress,
            said="",
        )
        assert "<ins>" in shown
        result = export(review, tmp_path / "out.jsonl")
    assert (result.rows_in, result.rows_out, result.lost) == (2, 2, {})
    first, second = (orjson.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines())
    assert second == row
    after = decode_row(first, fmt)[1]
    assert after.all_messages()[-1].text == "Something else."
    assert after.all_messages()[:-1] == before.all_messages()[:-1]
    trail = after.meta.get("review", after.extra.get("review"))
    assert (trail is None) == bool(result.untraced)
    assert trail is None or trail["decisions"][0]["did"] == f"edited message {last + 1}"
