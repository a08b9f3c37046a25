"""The smaller parts: Markdown, marks, differences, shares, orders, agreement, passwords."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from multiprocessing import Pipe
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsforge.cli.review_check import LintCheck
from dsforge.errors import UsageError
from dsforge.example import Example, Message
from dsforge.review.agreement import agreement, alpha, kappa
from dsforge.review.compare import difference, with_line_ends
from dsforge.review.decision import Accept, Prefer, Reject, Score
from dsforge.review.guard import Password, is_own_host, is_own_origin
from dsforge.review.index import Chunk, Index, Watch, look_through, margin_of, score_of
from dsforge.review.markdown import plain, rendered
from dsforge.review.marks import Mark, mark_of, marked
from dsforge.review.queue import Filter, Finder, Statuses, ordered, shares
from dsforge.review.record import reviewed
from dsforge.review.review import Review
from dsforge.review.source import RowSource
from dsforge.review.view import sides
from tests.review.rows import HOSTILE, PAIR, SFT, NoCheck, decision, original, write

NAN = float("nan")
INERT = {
    "p",
    "a",
    "em",
    "strong",
    "code",
    "pre",
    "div",
    "ul",
    "ol",
    "li",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "br",
    "blockquote",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "s",
    "mark",
    "ins",
    "del",
}


class Seen(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))


class TestMarkdown:
    def test_it_is_rendered(self) -> None:
        shown = rendered("**a** `b`\n\n| x |\n|---|\n| y |")
        assert "<strong>a</strong>" in shown
        assert "<td>y</td>" in shown

    @pytest.mark.parametrize(
        "text",
        [message["content"] for message in HOSTILE["messages"]]
        + [
            "[a](javascript:alert(1))",
            "[a](JaVaScRiPt:alert(1))",
            "[a](data:text/html,x)",
            "[a](/do)",
            "[a](file:///etc/passwd)",
            "<https://a.example>",
            "![a](javascript:x)",
            "[a]: javascript:x\n\n[a]",
            "`</code><script>`",
            "[a](vbscript:x)",
            '[a](http://x.example/"onclick="y)',
            '!["onerror=x](http://x.example)',
            "&lt;script&gt;",
            "[a](\x01javascript:x)",
        ],
    )
    def test_nothing_of_a_row_can_do_anything(self, text: str) -> None:
        check_inert(rendered(text))

    @given(st.text(st.sampled_from("<>[]()!\"'`*_:/\n javscriptonexhlmg&#;\u202e\x00")))
    def test_nor_can_any_text(self, text: str) -> None:
        check_inert(rendered(text))
        check_inert(plain(text))

    def test_a_picture_is_a_link_and_is_not_fetched(self) -> None:
        assert "<img" not in rendered("![p](https://x.example/p.png)")
        assert 'rel="noreferrer noopener nofollow"' in rendered("![p](https://x.example/p.png)")

    def test_direction_overrides_are_written_out(self) -> None:
        assert "\\u202e" in rendered("\u202egnp")


def check_inert(text: str) -> None:
    for tag, attributes in Seen(text).elements:
        assert tag in INERT
        assert set(attributes) <= {
            "href",
            "title",
            "target",
            "rel",
            "dir",
            "class",
            "tabindex",
            "style",
            "start",
            "data-finding",
        }
        assert (attributes.get("href") or "https:").startswith(("http:", "https:", "mailto:", "HTTP"))


class TestMarks:
    def test_a_finding_is_marked_in_the_text_of_its_message(self) -> None:
        text = 'Say "caf\u00e9" \U0001f600 - As an AI language model, I cannot help.'
        raw = orjson.dumps({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": text}]})
        finding = next(each for each in LintCheck()(1, raw) if each.code == "Q504")
        mark = mark_of(finding, raw.decode(), text, 0)
        assert mark is not None
        assert text[mark.start : mark.end] == "As an AI language model, I"

    def test_what_is_marked_is_escaped(self) -> None:
        assert marked("a <b> c", [Mark(2, 5, 0)]) == (
            '<div class="plain" dir="auto">a <mark data-finding="0">&lt;b&gt;</mark> c</div>'
        )

    def test_differences_are_word_by_word_and_escaped(self) -> None:
        shown = difference("the <old> word", "the <new> word")
        assert "<del>old</del><ins>new</ins>" in shown
        assert "&lt;" in shown


class TestLineEnds:
    @given(st.text(st.sampled_from("ab\r\n"), max_size=30))
    def test_a_text_that_was_not_changed_gets_its_own_back(self, text: str) -> None:
        assert with_line_ends(text.replace("\r\n", "\n").replace("\r", "\n"), text) == text

    def test_of_a_changed_text_the_other_lines_keep_theirs(self) -> None:
        assert with_line_ends("one\nnew\ntwo\nthree", "one\r\ntwo\nthree") in (
            "one\r\nnew\r\ntwo\nthree",
            "one\r\nnew\ntwo\nthree",
        )


class TestShares:
    @given(st.lists(st.integers(0, 2**64 - 1), max_size=60), st.integers(1, 4), st.floats(0, 1))
    def test_every_row_is_somebodys_and_the_overlap_is_everybodys(
        self, bits: list[int], people: int, overlap: float
    ) -> None:
        names = [f"n{at}" for at in range(people)]
        found = shares(bits, names, overlap)
        seen = np.zeros(len(bits), int)
        for rows in found.values():
            assert len(set(rows.tolist())) == len(rows)
            seen[rows] += 1
        assert set(seen.tolist()) <= {1, people}
        if people > 1:
            assert (seen == people).sum() == int(np.ceil(overlap * len(bits)))

    def test_they_are_even_and_the_same_every_time(self) -> None:
        bits = [(number * 2654435761) % 2**64 for number in range(1000)]
        first, again = shares(bits, ["a", "b"], 0.2), shares(bits, ["a", "b"], 0.2)
        assert all((first[name] == again[name]).all() for name in first)
        assert {len(rows) for rows in first.values()} == {600}

    def test_odd_wishes_are_refused(self) -> None:
        with pytest.raises(UsageError):
            shares([1], ["a", "a"], 0)
        with pytest.raises(UsageError):
            shares([1], ["a"], 2)


class TestQueue:
    def chunk(self) -> Chunk:
        return Chunk(
            0,
            [0, 3, 1, 2],
            [0, 1, 2, 1],
            [50, 10, 30, 20],
            ["", "x", "", "y"],
            [1.0, 3.0, 5.0, NAN],
            [NAN, NAN, NAN, 0.1],
            {"Q1": [1, 2]},
        )

    @pytest.mark.parametrize(
        ("order", "rows"),
        [
            ("severity", [1, 3, 2, 0]),
            ("file", [0, 1, 2, 3]),
            ("longest", [0, 2, 3, 1]),
            ("shortest", [1, 3, 2, 0]),
            ("score", [0, 1, 2, 3]),
            ("uncertainty", [1, 3, 2, 0]),
        ],
    )
    def test_orders(self, order: Any, rows: list[int]) -> None:
        index = Index(4)
        index.take(self.chunk())
        assert ordered(index, order).tolist() == rows

    def test_rows_not_looked_at_yet_come_last(self) -> None:
        index = Index(6)
        index.take(self.chunk())
        assert ordered(index, "severity").tolist() == [1, 3, 2, 0, 4, 5]

    @pytest.mark.parametrize(
        ("wanted", "rows"),
        [
            (Filter(code="Q1"), [1, 2]),
            (Filter(category="y"), [3]),
            (Filter(category="no"), []),
            (Filter(shortest=20, longest=30), [3, 2]),
            (Filter(text="PRIME"), [1]),
            (Filter(text="\u65e5\u672c"), [2, 3]),
            (Filter(status="accepted"), [2]),
            (Filter(annotator="bo"), [2]),
        ],
    )
    def test_filters(self, tmp_path: Path, wanted: Filter, rows: list[int]) -> None:
        japanese = {"messages": [{"role": "user", "content": "\u65e5\u672c"}, {"role": "assistant", "content": "hai"}]}
        import json

        raw = json.dumps(japanese).encode()  # as escapes
        path = write(tmp_path / "d.jsonl", [SFT, PAIR, japanese, raw])
        with Review(path) as review:
            review.add([_accept(review, 3, "bo")])
            index = Index(4)
            index.take(self.chunk())
            statuses = Statuses(review)
            finder = Finder(review, index, statuses)
            found = finder.rows(wanted, lambda: statuses.of("bo"), np.arange(4))
        assert sorted(found.tolist()) == sorted(rows)

    def test_scores_of_a_judge_are_found(self) -> None:
        message = [Message("user", "a")]
        assert score_of(Example(message, meta={"judge": {"score": 2, "reason": "x"}})) == 2
        assert margin_of(Example(message, extra={"score_chosen": 7.5, "score_rejected": 7})) == 0.5

    def test_sides_are_by_chance_and_stay(self) -> None:
        assert sides("a", "ana", 4) == sides("a", "ana", 4)
        firsts = [sides(str(number), "ana", 2)[0] for number in range(400)]
        assert 150 < sum(firsts) < 250


def _accept(review: Review, row: int, by: str) -> Any:
    from dsforge.review.decision import Decision

    return Decision(row, review.source.key(row), by, 1.0, Accept(), f"{by}{row}")


class TestAgreement:
    def test_kappa_is_that_of_the_textbook(self) -> None:
        pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
        assert kappa(pairs) == pytest.approx(0.4)
        assert kappa([("y", "y")] * 3) is None
        assert kappa([]) is None

    def test_kappa_is_that_of_its_formula(self) -> None:
        pairs = [("abc"[at % 3], "abc"[(at * at) % 3]) for at in range(40)]
        count = len(pairs)
        first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
        expected = sum(first[name] * second[name] for name in first) / count**2
        observed = sum(one == other for one, other in pairs) / count
        assert kappa(pairs) == pytest.approx((observed - expected) / (1 - expected))

    def test_alpha_is_that_of_krippendorffs_example(self) -> None:
        """K. Krippendorff, Content Analysis (2004): three coders, nominal, 0.691."""
        table = ["*****34121133*3", "1*2133 43*******".replace(" ", ""), "**21344*21133*4"]
        rows = [{str(who): line[at] for who, line in enumerate(table) if line[at] != "*"} for at in range(15)]
        assert alpha(rows, "nominal") == pytest.approx(0.691, abs=0.001)

    def test_of_rows(self) -> None:
        rows = [
            reviewed(original(PAIR), [decision(Prefer("chosen"), "ana"), decision(Prefer("chosen"), "bo")]),
            reviewed(original(PAIR), [decision(Prefer("tie"), "ana"), decision(Prefer("chosen"), "bo")]),
            reviewed(
                original(),
                [
                    decision(Accept(), "ana"),
                    decision(Score({"clear": 3}), "ana"),
                    decision(Reject(), "bo"),
                    decision(Score({"clear": 5}), "bo"),
                ],
            ),
            reviewed(original(), [decision(Accept(), "ana")]),
        ]
        found = agreement(rows)
        assert (found.rows, found.pairs[0].rows, round(found.pairs[0].same, 2)) == (3, 3, 0.33)
        assert found.pairs[0].kappa is not None
        assert found.alpha is not None
        assert found.scores["clear"] == pytest.approx(0)


class TestGuard:
    def test_a_wrong_password_makes_the_next_wait(self) -> None:
        now = [0.0]
        password = Password("right", clock=lambda: now[0])
        assert not password.matches("wrong")
        assert password.wait == 1
        assert not password.matches("right")  # not looked at yet
        now[0] = 1.1
        assert not password.matches("wrong")
        assert password.wait == 2
        now[0] = 10
        assert password.matches("right")
        assert password.wait == 0

    @pytest.mark.parametrize(
        ("host", "bound", "own"),
        [
            ("127.0.0.1:8377", "127.0.0.1", True),
            ("localhost:8377", "127.0.0.1", True),
            ("evil.example:8377", "127.0.0.1", False),
            ("127.0.0.1", "127.0.0.1", False),
            ("127.0.0.1:80", "127.0.0.1", False),
            ("", "127.0.0.1", False),
            ("192.168.0.7:8377", "127.0.0.1", False),
            ("192.168.0.7:8377", "0.0.0.0", True),
            ("evil.example:8377", "0.0.0.0", False),
            ("[::1]:8377", "::1", True),
            ("127.0.0.1.evil.example:8377", "127.0.0.1", False),
        ],
    )
    def test_hosts(self, host: str, bound: str, own: bool) -> None:
        assert is_own_host(host, 8377, bound) is own

    def test_origins(self) -> None:
        assert is_own_origin("http://127.0.0.1:1", "127.0.0.1:1")
        for origin in (None, "null", "http://evil.example", "https://127.0.0.1:1", "http://127.0.0.1:2", ""):
            assert not is_own_origin(origin, "127.0.0.1:1")


class TestCheck:
    def test_it_mends_what_lint_can(self) -> None:
        raw = orjson.dumps(
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b\u200b "}]}
        )
        check = LintCheck()
        assert check.mended(raw, "Q512")[1] == ["Q512"]
        changed, codes = check.mended(raw)
        assert set(codes) >= {"Q512"}
        assert b"\xe2\x80\x8b" not in changed

    def test_it_mends_a_row_that_is_not_json(self) -> None:
        from tests.review.rows import BROKEN

        changed, codes = LintCheck().mended(BROKEN)
        assert codes == ["J001"]
        assert orjson.loads(changed)

    def test_many_rows_are_looked_at_as_one(self, tmp_path: Path) -> None:
        from tests.review.rows import BROKEN

        rows = [
            (at, raw) for at, raw in enumerate([orjson.dumps(SFT), BROKEN, orjson.dumps(HOSTILE), b'{"foo": 1}'], 1)
        ]
        check = LintCheck()
        assert [[each.code for each in found] for found in check.many(rows)] == [
            [e.code for e in check(*row)] for row in rows
        ]


class Failing(NoCheck):
    def many(self, rows: Any) -> Any:
        raise ValueError("odd")


class TestLooking:
    """What the process beside the page does, here in this one."""

    def told(self, path: Path, digest: str, check: Any) -> Index:
        ours, theirs = Pipe(duplex=False)
        index = Index(3)
        thread = Thread(target=look_through, args=(str(path), "", digest, check, theirs))
        thread.start()
        watch = object.__new__(Watch)
        watch._index, watch._ours, watch._theirs = index, ours, Pipe()[0]
        watch._is_closed = type("Never", (), {"wait": lambda _, seconds: False})()
        watch._process = type("Started", (), {"start": lambda _: None})()
        watch._listen()
        thread.join()
        return index

    def test_every_row_is_looked_at(self, tmp_path: Path) -> None:
        bad = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "bad"}]}
        path = write(tmp_path / "d.jsonl", [SFT, bad, b"{broken"])
        index = self.told(path, RowSource(str(path)).digest, NoCheck())
        assert index.progress.is_complete
        assert index.severity.tolist() == [0, 3, 0]
        assert index.codes() == {"Q999": 1}
        assert [index.categories[at] for at in index.category] == ["arithmetic", "", "unreadable"]
        assert index.characters.tolist() == [29, 4, 7]

    def test_a_failure_is_told_and_the_page_goes_on(self, tmp_path: Path) -> None:
        path = write(tmp_path / "d.jsonl", [SFT])
        assert self.told(path, RowSource(str(path)).digest, Failing()).progress.failure == "ValueError: odd"
        assert "has changed" in self.told(path, "another", NoCheck()).progress.failure
