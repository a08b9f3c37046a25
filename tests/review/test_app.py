"""The page over HTTP: who gets in, what is refused, what is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

testclient = pytest.importorskip("starlette.testclient", reason="starlette and its test client are not installed")

from dsforge.cli.review_check import LintCheck  # noqa: E402
from dsforge.review.app import Place, make_app  # noqa: E402
from dsforge.review.desk import Desk, Seat  # noqa: E402
from dsforge.review.guard import Guard  # noqa: E402
from dsforge.review.index import Index  # noqa: E402
from dsforge.review.review import Review  # noqa: E402
from tests.review.rows import BROKEN, HOSTILE, PAIR, SFT, NoCheck, write  # noqa: E402

BASE = "http://127.0.0.1:8377"
ROWS = [
    SFT,
    PAIR,
    BROKEN,
    HOSTILE,
    {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "bad"}]},
]


class Page:
    """A review and a browser of sorts."""

    def __init__(self, path: Path, annotators: list[str], overlap: float = 0.0, password: str = "") -> None:
        self.review = Review(path, check=NoCheck())
        self.desk = Desk(self.review, Index(len(self.review)), NoCheck(), annotators, overlap)
        self.seats = [Seat(name) for name in annotators] + [Seat("adjudicator", final=True)]
        self.guard = Guard(b"s" * 32, self.seats, password)
        self.app = make_app(self.desk, self.guard, Place("127.0.0.1", 8377))
        self._count = 0

    def client(self, seat: int | None = 0) -> Any:
        client = testclient.TestClient(self.app, base_url=BASE, follow_redirects=False)
        if seat is not None:
            assert client.get(f"/?token={self.guard.token(self.seats[seat])}").status_code == 303
        return client

    def do(self, client: Any, row: int, action: dict[str, Any], id: str = "", **headers: str) -> Any:
        self._count += 1
        body = {"id": id or f"id{self._count}", "row": row, "action": action}
        return client.post("/do", json=body, headers={"Origin": BASE, **headers})


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []

    def made(annotators: list[str] | None = None, rows: Any = ROWS, **more: Any) -> Page:
        pages.append(Page(write(tmp_path / "data.jsonl", rows), annotators or ["ana"], **more))
        return pages[-1]

    yield made
    for page in pages:
        page.review.close()


@pytest.fixture
def page(make: Callable[..., Page]) -> Page:
    return make()


class TestWhoGetsIn:
    def test_a_link_becomes_a_cookie(self, page: Page) -> None:
        client = page.client(None)
        assert client.get("/").status_code == 403
        answer = client.get(f"/?token={page.guard.token(Seat('ana'))}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert client.get("/").status_code == 200

    @pytest.mark.parametrize("token", ["", "x", "0" * 43])
    def test_no_other_token_does(self, page: Page, token: str) -> None:
        assert page.client(None).get(f"/?token={token}").status_code == 403

    @pytest.mark.parametrize(
        "path", ["/", "/row/1", "/stage", "/form/edit?row=1", "/progress", "/agreement", "/picture?row=1"]
    )
    def test_nothing_is_shown_without_a_cookie(self, page: Page, path: str) -> None:
        answer = page.client(None).get(path)
        assert answer.status_code == 403
        assert "2+2" not in answer.text

    def test_a_cookie_is_good_after_a_restart(self, page: Page) -> None:
        again = Guard(b"s" * 32, page.seats)
        assert again.seat_of_cookie(page.guard.cookie_of(Seat("ana"))) == Seat("ana")
        assert Guard(b"t" * 32, page.seats).seat_of_cookie(page.guard.cookie_of(Seat("ana"))) is None

    @pytest.mark.parametrize(
        "host", ["evil.example:8377", "evil.example", "127.0.0.1:9", "127.0.0.1.evil.example:8377"]
    )
    def test_a_name_pointed_here_is_refused(self, page: Page, host: str) -> None:
        assert page.client().get("/", headers={"Host": host}).status_code == 421

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9", "https://127.0.0.1:8377"])
    def test_another_page_changes_nothing(self, page: Page, origin: str) -> None:
        answer = page.do(page.client(), 1, {"type": "accept"}, Origin=origin)
        assert answer.status_code == 403
        assert page.review.decisions(1) == []

    def test_nor_does_a_request_without_an_origin(self, page: Page) -> None:
        assert page.client().post("/do", json={}).status_code == 403

    def test_another_site_embeds_nothing(self, page: Page) -> None:
        assert page.client().get("/row/1", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403

    @pytest.mark.parametrize("path", ["/", "/row/1", "/static/review.js", "/nothing", "/row/999"])
    def test_every_answer_has_the_headers(self, page: Page, path: str) -> None:
        headers = page.client().get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"

    def test_a_password_is_asked_for_beside_the_link(self, make: Callable[..., Page]) -> None:
        page = make(password="open sesame")
        client = page.client(None)
        token = page.guard.token(Seat("ana"))
        assert "Password" in client.get(f"/?token={token}").text
        assert client.get("/").status_code == 403
        enter = lambda word: client.post("/enter", data={"token": token, "password": word}, headers={"Origin": BASE})  # noqa: E731
        assert enter("wrong").status_code == 403
        assert enter("open sesame").status_code in (403, 429)  # too soon after a wrong one
        page.guard.password._until = 0
        assert enter("open sesame").status_code == 303
        assert client.get("/").status_code == 200


class TestHostileRows:
    def test_nothing_of_a_row_is_markup(self, page: Page) -> None:
        for path in ("/row/4", "/form/edit?row=4&message=1", "/form/category?row=4", "/form/raw?row=4"):
            text = page.client().get(path).text
            assert "<script>window" not in text
            assert "<img" not in text
            assert "<svg" not in text
            assert 'href="javascript' not in text

    def test_the_page_has_no_inline_script_or_style(self, page: Page) -> None:
        text = page.client().get("/row/4").text
        assert text.count("<script") == 1
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick" not in text

    @pytest.mark.parametrize(
        "path", ["/stage?row=99999&go=same", "/form/edit?row=99999", "/picture?row=0&message=0&at=0"]
    )
    def test_a_row_that_is_not_there_is_not_found(self, page: Page, path: str) -> None:
        assert page.client().get(path).status_code == 404

    @pytest.mark.parametrize(
        "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"]
    )
    def test_no_other_file_is_served(self, page: Page, path: str) -> None:
        assert page.client().get(path).status_code == 404

    @pytest.mark.parametrize(
        "url",
        [
            "../secret.png",
            "/etc/hostname.png",
            "link.png",
            "file:///etc/x.png",
            "%2e%2e/secret.png",
            "note.txt",
            "folder.png",
            "a\0b.png",
        ],
    )
    def test_pictures_come_from_the_folder_of_the_data_alone(
        self, make: Callable[..., Page], tmp_path: Path, url: str
    ) -> None:
        secret = tmp_path.parent / "secret.png"
        secret.write_bytes(b"secret")
        (tmp_path / "link.png").symlink_to(secret)
        (tmp_path / "note.txt").write_text("secret")
        (tmp_path / "folder.png").mkdir()
        (tmp_path / "here.png").write_bytes(b"\x89PNG")
        rows = [picture_row("here.png"), picture_row(url)]
        client = make(rows=rows).client()
        assert client.get("/picture?row=1&message=0&at=0").headers["content-type"] == "image/png"
        assert client.get("/picture?row=2&message=0&at=0").status_code == 404

    def test_a_remote_picture_is_a_link(self, make: Callable[..., Page]) -> None:
        text = (
            make(rows=[picture_row("https://x.example/p.png"), picture_row("data:image/svg+xml;base64,AAAA")])
            .client()
            .get("/row/1")
            .text
        )
        assert "<img" not in text
        assert 'rel="noreferrer noopener nofollow"' in text


def picture_row(url: str) -> dict[str, Any]:
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    return {"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "x"}]}


class TestWork:
    def test_nothing_on_the_page_says_which_answer_the_source_has_chosen(self, make: Callable[..., Page]) -> None:
        pair = {
            "prompt": [{"role": "user", "content": "Say it."}],
            "chosen": [{"role": "assistant", "content": "yes "}],
            "rejected": [{"role": "assistant", "content": "no "}],
        }
        page = make(rows=[pair] * 8)
        page.desk.check = LintCheck()
        client = page.client()
        for row in range(1, 9):
            text = client.get(f"/row/{row}").text
            assert "white space at the end of answer 1" in text
            assert "white space at the end of answer 2" in text
            seen = re.sub(
                r"<[^>]*>", " ", re.sub(r'title="|aria-label="', ">", text[text.index("<main") : text.index("<footer")])
            )
            assert not re.search("chosen|rejected", seen)
            answers = re.findall(r'<section class="answer" data-source="(\d)" data-key="(\d)"', text)
            assert [key for _, key in answers] == ["1", "2"]
            assert "Message 2" not in text

    def test_a_verdict_moves_on(self, page: Page) -> None:
        client = page.client()
        assert 'data-row="1"' in client.get("/").text
        answer = page.do(client, 1, {"type": "accept"})
        assert 'data-row="2"' in answer.text
        assert "Row 1: accepted." in answer.text
        assert page.review.row(1).state.status == "accepted"

    def test_an_edit_stays_and_shows_what_was_changed(self, page: Page) -> None:
        answer = page.do(page.client(), 1, {"type": "edit", "message": 2, "text": "It is four."})
        assert 'data-row="1"' in answer.text
        assert "<del>4</del><ins>four</ins>" in answer.text

    def test_a_lost_answer_asked_for_again_does_nothing_twice(self, page: Page) -> None:
        client = page.client()
        first = page.do(client, 1, {"type": "delete", "message": 2}, id="same")
        again = page.do(client, 1, {"type": "delete", "message": 2}, id="same")
        assert (first.status_code, again.status_code) == (200, 200)
        assert len(page.review.decisions(1)) == 1

    def test_undo_goes_back_to_where_it_was(self, page: Page) -> None:
        client = page.client()
        page.do(client, 1, {"type": "accept"})
        page.do(client, 2, {"type": "prefer", "choice": "tie"})
        assert 'data-row="2"' in page.do(client, 3, {"type": "undo"}).text
        assert 'data-row="1"' in page.do(client, 2, {"type": "undo"}).text
        assert page.do(client, 1, {"type": "undo"}).status_code == 409
        assert page.review.row(1).state.status == "new"
        page.do(client, 1, {"type": "redo"})
        assert page.review.row(1).state.status == "accepted"

    def test_lint_mends_a_row(self, page: Page) -> None:
        answer = page.do(page.client(), 5, {"type": "fix", "code": "Q999"})
        assert "<del>bad</del><ins>good</ins>" in answer.text
        assert page.do(page.client(), 1, {"type": "fix"}).status_code == 409

    def test_a_row_that_cannot_be_read_is_shown_and_mended(self, page: Page) -> None:
        client = page.client()
        assert "cannot be read" in client.get("/row/3").text
        assert page.do(client, 3, {"type": "edit", "message": 0, "text": "x"}).status_code == 409
        answer = page.do(client, 3, {"type": "rewrite", "raw": BROKEN.decode().replace("} {", "}, {")})
        assert "cannot be read" not in answer.text

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "{}",
            "[]",
            '{"id":"a","row":1,"action":{"type":"explode"}}',
            '{"id":"a","row":1,"action":{"type":"edit","message":"x"}}',
        ],
    )
    def test_what_is_not_understood_is_refused(self, page: Page, body: str) -> None:
        assert page.client().post("/do", content=body, headers={"Origin": BASE}).status_code == 422

    def test_rows_passed_over_come_again_at_the_end(self, page: Page) -> None:
        client = page.client()
        client.get("/")
        assert 'data-row="2"' in client.get("/stage?go=next&row=1").text
        for row in (2, 3, 4):
            page.do(client, row, {"type": "reject"})
        assert 'data-row="1"' in page.do(client, 5, {"type": "accept"}).text
        assert "Every row in your queue has a verdict" in page.do(client, 1, {"type": "accept"}).text

    def test_back_is_the_row_that_was_shown_before(self, page: Page) -> None:
        client = page.client()
        client.get("/")
        client.get("/stage?go=next&row=1")
        assert 'data-row="1"' in client.get("/stage?go=back&row=2").text
        assert 'data-row="2"' in client.get("/stage?go=next&row=1").text

    def test_a_filter_narrows_the_queue(self, page: Page) -> None:
        text = page.client().get("/?text=Name a prime").text
        assert 'data-row="2"' in text
        assert "<b>1</b> fit the filter" in text
        page.do(page.client(), 5, {"type": "categorise", "category": "mine"})
        assert 'data-row="5"' in page.client().get("/?category=mine").text
        page.do(page.client(), 5, {"type": "undo"})
        assert "No row that fits the filter" in page.client().get("/?category=mine").text
        assert page.client().get("/?longest=abc&order=odd&code=").status_code == 200


class TestSeveral:
    def test_each_has_a_queue_of_their_own(self, make: Callable[..., Page]) -> None:
        page = make(["ana", "bo"])
        rows = [set(page.desk.share(Seat(name)).tolist()) for name in ("ana", "bo")]
        assert rows[0] | rows[1] == set(range(5))
        assert not rows[0] & rows[1]
        assert ">ana<" in page.client(0).get("/").text
        assert ">bo<" in page.client(1).get("/").text

    def test_what_they_disagree_about_is_settled(self, make: Callable[..., Page]) -> None:
        page = make(["ana", "bo"], overlap=1.0)
        page.do(page.client(0), 1, {"type": "accept"})
        page.do(page.client(1), 1, {"type": "edit", "message": 2, "text": "Four."})
        page.do(page.client(1), 1, {"type": "accept"})
        page.do(page.client(0), 2, {"type": "prefer", "choice": "chosen"})
        page.do(page.client(1), 2, {"type": "prefer", "choice": "chosen"})
        assert page.desk.disputed() == [1]
        settler = page.client(2)
        text = settler.get("/").text
        assert 'data-row="1"' in text
        assert "Take bo&#39;s" in text or "Take bo's" in text
        upto = page.desk.state(Seat("bo"), page.review.source.original(1)).done[-1].number
        answer = page.do(settler, 1, {"type": "adopt", "annotator": "bo", "upto": upto})
        assert "There is nothing to settle" in answer.text
        state = page.review.row(1).state
        assert state.status == "accepted"
        assert state.outcome is not None
        assert state.outcome.messages[2].text == "Four."
        page.do(settler, 1, {"type": "undo"})
        assert page.desk.disputed() == [1]

    def test_annotators_settle_nothing(self, make: Callable[..., Page]) -> None:
        page = make(["ana", "bo"], overlap=1.0)
        page.do(page.client(0), 1, {"type": "accept"})
        assert page.do(page.client(1), 1, {"type": "adopt", "annotator": "ana", "upto": 1}).status_code == 409

    def test_agreement_is_told(self, make: Callable[..., Page]) -> None:
        page = make(["ana", "bo"], overlap=1.0)
        for seat, choices in ((0, ["accept", "reject"]), (1, ["accept", "accept"])):
            for row, choice in zip((1, 4), choices, strict=True):
                page.do(page.client(seat), row, {"type": choice})
        text = page.client(2).get("/agreement").text
        assert "2 rows were judged by two annotators or more; 1 of them" in text
        assert "50%" in text
