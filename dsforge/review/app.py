"""The page as a Starlette application: HTTP in, HTML out; what is done is in desk.py, what is shown in view.py."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dsforge.errors import DsforgeError, InputError, OutputError
from dsforge.example import ROLES
from dsforge.review.agreement import agreement
from dsforge.review.apply import UnfitError
from dsforge.review.desk import Desk, Seat, Wish
from dsforge.review.guard import HEADERS, Guard, is_own_host, is_own_origin
from dsforge.review.queue import ORDERS, Filter
from dsforge.review.source import NoSuchRowError
from dsforge.review.state import STATUSES
from dsforge.review.view import labels_of, picture_of, shown, view_of

_HERE = Path(__file__).parent
_LARGEST = 32 << 20
"""Bytes of a request: a row mended as text is the largest thing sent."""
REASONS = ("wrong", "unhelpful", "unsafe or personal data", "badly written", "off topic", "duplicate", "broken")
"""Reasons for rejecting that are offered; the person may write any other."""
RUBRIC = ("correct", "helpful", "clear")
FORMS = ("reject", "edit", "insert", "split", "category", "score", "comment", "raw", "reasoning")


class Place(msgspec.Struct, frozen=True):
    """Where the server listens: `bound` is the address, and `port`."""

    bound: str
    port: int


class Options(msgspec.Struct, frozen=True):
    """What is offered: `reasons` to reject for, the criteria of the `rubric`, each scored from 1 to `highest`."""

    reasons: tuple[str, ...] = REASONS
    rubric: tuple[str, ...] = RUBRIC
    highest: int = 5


class _Checked:
    """Lets in what comes from this server's own pages alone, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, place: Place) -> None:
        self._app, self._place = app, place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
                ]
            await send(message)

        request = Request(scope)
        await (self._refusal(request) or self._app)(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        if not is_own_host(host, self._place.port, self._place.bound):
            return PlainTextResponse("This server is known by another name.", 421)
        if request.method not in ("GET", "HEAD") and not is_own_origin(request.headers.get("origin"), host):
            return PlainTextResponse("This request does not come from a page of this server.", 403)
        if request.headers.get("sec-fetch-site") == "cross-site" and request.url.path != "/":
            return PlainTextResponse("This request does not come from a page of this server.", 403)
        return None


def make_app(desk: Desk, guard: Guard, place: Place, options: Options | None = None) -> ASGIApp:
    """The application of a review."""
    pages = _Pages(desk, guard, options or Options())
    routes = [
        Route("/", pages.first),
        Route("/enter", pages.enter, methods=["GET", "POST"]),
        Route("/row/{row:int}", pages.row),
        Route("/stage", pages.stage),
        Route("/do", pages.do, methods=["POST"]),
        Route("/form/{kind}", pages.form),
        Route("/progress", pages.progress),
        Route("/agreement", pages.agreement),
        Route("/picture", pages.picture),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
    ]
    handlers: dict[Any, Any] = {
        UnfitError: _unfit, NoSuchRowError: _no_row, InputError: _broken, OutputError: _broken, DsforgeError: _broken,
    }  # fmt: skip
    return _Checked(Starlette(routes=routes, exception_handlers=handlers), place)


async def _unfit(_: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 409)


async def _no_row(_: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 404)


async def _broken(_: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 500)


Handler = Callable[["_Pages", Request, Seat], Response]


def _seated(handler: Handler) -> Callable[[_Pages, Request], Awaitable[Response]]:
    """A handler for those alone who have a cookie; it runs in a thread, as it may wait for the disk."""

    async def checked(pages: _Pages, request: Request) -> Response:
        seat = pages.guard.seat_of_cookie(request.cookies.get(pages.guard.cookie, ""))
        if seat is None:
            return PlainTextResponse("Open the link that dsforge review printed: it holds your key.", 403)
        return await run_in_threadpool(handler, pages, request, seat)

    return checked


class _Pages:
    def __init__(self, desk: Desk, guard: Guard, options: Options) -> None:
        self.desk, self.guard, self.options = desk, guard, options
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "pages"), autoescape=True, finalize=shown, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._templates.filters["many"] = lambda number: f"{number:,}"
        self._templates.filters["exactly"] = escape  # in a field to be edited the text is as it is, whatever it holds

    def _html(self, template: str, **values: object) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(template).render(values))

    # -- coming in ---------------------------------------------------------------------------------

    async def first(self, request: Request) -> Response:
        """The link of somebody: its token becomes a cookie. Else the next row."""
        token = request.query_params.get("token")
        if token is None:
            return await self.page(request)
        seat = self.guard.seat_of_token(token)
        if seat is None:
            return PlainTextResponse("This link is of another review, or is not whole.", 403)
        if self.guard.password:
            return self._html("enter.html", token=token, said="", name=seat.name)
        return self._let_in(seat)

    def _let_in(self, seat: Seat) -> Response:
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self.guard.cookie, self.guard.cookie_of(seat), httponly=True, samesite="strict", path="/")
        return answer

    async def enter(self, request: Request) -> Response:
        """The password of a review that other machines can reach."""
        if request.method == "GET" or self.guard.password is None:
            return RedirectResponse("/", 303)
        fields = {name: found[0] for name, found in parse_qs((await _body(request)).decode("utf-8", "replace")).items()}
        token, password = fields.get("token", ""), self.guard.password
        seat = self.guard.seat_of_token(token)
        if seat is None:
            return PlainTextResponse("This link is of another review, or is not whole.", 403)
        wait = password.wait
        if await asyncio.to_thread(password.matches, fields.get("password", "")):
            return self._let_in(seat)
        said = f"Too many tries: wait {wait:.0f} seconds." if wait > 1 else "That is not the password."
        answer = self._html("enter.html", token=token, said=said, name=seat.name)
        answer.status_code = 429 if wait > 1 else 403
        return answer

    # -- pages -------------------------------------------------------------------------------------

    @_seated
    def page(self, request: Request, seat: Seat) -> Response:
        wanted = _filter(request)
        self.desk.refresh()
        return self._whole(request, seat, self.desk.next(seat, wanted))

    @_seated
    def row(self, request: Request, seat: Seat) -> Response:
        row = int(request.path_params["row"])
        if not 1 <= row <= len(self.desk.review):
            return PlainTextResponse(f"The file has {len(self.desk.review):,} rows.", 404)
        self.desk.refresh()
        self.desk.show(seat, row)
        return self._whole(request, seat, row)

    def _whole(self, request: Request, seat: Seat, row: int | None) -> Response:
        return self._html(
            "page.html", **self._stage(request, seat, row), orders=ORDERS, statuses=STATUSES[:5],
            names=self.desk.statuses.names(), file=Path(self.desk.review.path).name, options=self.options,
        )  # fmt: skip

    def _stage(self, request: Request, seat: Seat, row: int | None) -> dict[str, object]:
        wanted = _filter(request)
        return {
            "row": view_of(self.desk, seat, row) if row else None,
            "seat": seat,
            "wanted": wanted,
            "query": urlencode({name: value for name, value in request.query_params.items() if name in _FIELDS}),
            "total": len(self.desk.review),
            **self._progress(seat, wanted),
        }

    def _progress(self, seat: Seat, wanted: Filter) -> dict[str, object]:
        index = self.desk.index
        return {
            "pace": self.desk.pace(seat),
            "looked": index.progress,
            "codes": index.codes(),
            "categories": sorted(filter(None, index.categories[:500])),
            "matching": len(self.desk.queue(seat, wanted)) if wanted.is_narrow else None,
            "several": len(self.desk.annotators) > 1,
        }

    @_seated
    def stage(self, request: Request, seat: Seat) -> Response:
        """The part of the page that changes: the next row, or the one before."""
        row, wanted = _number(request, "row", 0), _filter(request)
        self.desk.refresh()
        go = request.query_params.get("go", "next")
        if go == "back":
            found: int | None = self.desk.back(seat, row)
        elif go == "same":
            found = row or None
        else:
            found = self.desk.next(seat, wanted, row or None, passing=True)
        return self._html("stage.html", **self._stage(request, seat, found), said="")

    async def do(self, request: Request) -> Response:
        """Have something done: it is on the disk when this is answered, with the row to show now."""
        request.state.body = await _body(request)
        return await self._done(request)

    @_seated
    def _done(self, request: Request, seat: Seat) -> Response:
        try:
            wish = msgspec.json.decode(request.state.body, type=Wish)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return PlainTextResponse(f"The page asked for what cannot be done: {error}", 422)
        answer = self.desk.do(seat, wish, _filter(request))
        return self._html("stage.html", **self._stage(request, seat, answer.row), said=answer.said)

    @_seated
    def form(self, request: Request, seat: Seat) -> Response:
        """A form for what needs more than a key: a reason, a text."""
        kind = request.path_params["kind"]
        if kind not in FORMS:
            return PlainTextResponse("There is no such form.", 404)
        row, message = _number(request, "row"), _number(request, "message", 0)
        original = self.desk.review.source.original(row)
        state = self.desk.state(seat, original)
        messages = state.example.all_messages() if state.example else []
        texts = {"text": "", "role": "", "label": ""}
        if kind in ("edit", "split", "reasoning", "insert"):
            if not 0 <= message < len(messages):
                raise UnfitError(f"the row has no message {message + 1}")
            at = messages[message]
            label = labels_of(original, state, seat.name)[message]
            text = (at.reasoning or "") if kind == "reasoning" else at.text
            texts = {"text": text, "role": at.role, "label": label}
        if kind == "raw":
            texts["text"] = self.desk.findings(original, state)[0].decode("utf-8", "replace")
        if kind == "category":
            meta = state.example.meta if state.example else {}
            texts["text"] = str(meta.get("category", ""))
        return self._html(
            "form.html", kind=kind, row=row, message=message, roles=ROLES, options=self.options, scores=state.scores,
            categories=sorted(filter(None, self.desk.index.categories[:500])), **texts,
        )  # fmt: skip

    @_seated
    def progress(self, request: Request, seat: Seat) -> Response:
        """How far lint is, and what it found so far."""
        self.desk.refresh()
        wanted = _filter(request)
        return self._html("progress.html", wanted=wanted, seat=seat, **self._progress(seat, wanted))

    @_seated
    def agreement(self, request: Request, seat: Seat) -> Response:
        """How far annotators agree."""
        touched = self.desk.review.touched()
        rows = [row for number in touched if len((row := self.desk.review.row(number)).states) > 1]
        return self._html("agreement.html", found=agreement(rows), seat=seat, disputed=self.desk.disputed(),
                          file=Path(self.desk.review.path).name)  # fmt: skip

    @_seated
    def picture(self, request: Request, seat: Seat) -> Response:
        """A picture that a row names, from the folder of the data."""
        found = picture_of(self.desk, seat, *(_number(request, name) for name in ("row", "message", "at")))
        if found is None:
            return PlainTextResponse("There is no such picture in the folder of the data.", 404)
        return FileResponse(found[0], media_type=found[1])


_FIELDS = frozenset(Filter.__struct_fields__)


def _filter(request: Request) -> Filter:
    """What the address of the page asks for; what cannot be asked is left out."""
    given = {name: value for name, value in request.query_params.items() if name in _FIELDS and value}
    for name, value in list(given.items()):
        try:
            msgspec.convert({name: value}, Filter, strict=False)
        except msgspec.ValidationError:
            del given[name]
    return msgspec.convert(given, Filter, strict=False)


def _number(request: Request, name: str, default: int | None = None) -> int:
    """A number in the address of a request."""
    try:
        return int(request.query_params[name])
    except (KeyError, ValueError):
        if default is None or name in request.query_params:
            raise UnfitError(f"the address has no number {name}") from None
        return default


async def _body(request: Request) -> bytes:
    """The body of a request, unless it is larger than anything the page sends."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > _LARGEST:
            raise UnfitError("that is too long to be sent")
        pieces.append(piece)
    return b"".join(pieces)
