"""Runs the page of a review until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

import msgspec

from dsforge.errors import OutputError
from dsforge.extras import require
from dsforge.review.app import Options, Place, make_app
from dsforge.review.check import Check
from dsforge.review.desk import Desk, Seat
from dsforge.review.guard import Guard
from dsforge.review.index import Index, Watch
from dsforge.review.review import Review

PORT = 8377
SETTLER = "adjudicator"
"""The name under which decisions are kept that settle disagreements."""


class Link(msgspec.Struct, frozen=True):
    """Where somebody finds the page, with their key in it."""

    seat: Seat
    url: str


def listen(host: str, port: int | None) -> socket.socket:
    """A socket to serve on: the port named, else the usual one, or any where another program has that.

    Raises:
        OutputError: it cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    tries = [PORT, 0] if port is None else [port]
    for last in tries:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, last))
            listener.listen(128)  # whoever opens the link before the page is up waits a moment
        except OSError as error:
            listener.close()
            if last == tries[-1]:
                raise OutputError(
                    f"{host}:{last} cannot be listened on: {error.strerror}; name another --port"
                ) from error
        else:
            return listener
    raise AssertionError("the last try returns or raises")


def serve(
    review: Review, check: Check, annotators: Sequence[str], overlap: float, listener: socket.socket, *,
    host: str = "", password: str = "", options: Options | None = None, ready: Callable[[list[Link]], None],
) -> None:  # fmt: skip
    """Serve the page until Ctrl-C; `ready` is given the link of each annotator when it can be opened.

    `host` is the name under which the server is known, where it is not the address listened on.
    Every decision is on the disk before it is answered: to stop at any time loses nothing.
    """
    uvicorn = require("uvicorn", "review", "the review page")
    index = Index(len(review))
    desk = Desk(review, index, check, annotators, overlap)
    bound, port = listener.getsockname()[:2]
    seats = [Seat(name) for name in annotators]
    if len(seats) > 1:
        seats.append(Seat(SETTLER, final=True))
    guard = Guard(review.setup.secret, seats, password)
    app = make_app(desk, guard, Place(host or bound, port), options)
    config = uvicorn.Config(app, log_level="error", lifespan="off", access_log=False, server_header=False,
                            timeout_graceful_shutdown=2)  # fmt: skip
    watch = Watch(review.source, index, check)
    name = "127.0.0.1" if bound in ("0.0.0.0", "::") else f"[{bound}]" if ":" in bound else bound  # noqa: S104
    ready([Link(seat, f"http://{name}:{port}/?token={guard.token(seat)}") for seat in seats])
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        watch.close()
