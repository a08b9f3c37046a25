"""What a broken connection tells: whether the server may have seen the request, and have to be paid for it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import openai
import pytest

from dsforge.augment.client import Client, TryAgain
from dsforge.augment.request import ChatMessage, Request
from dsforge.augment.server import Server

REQUEST = Request("m", (ChatMessage("user", "Hello"),))


@contextmanager
def listening(how: str) -> Iterator[str]:
    """The address of a server that reads each request and then closes, resets or holds the connection; or of none."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(65536)
            if how == "hold":
                held.append(connection)
                continue
            if how == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            if how == "half":
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
            connection.close()

    if how == "nobody":
        listener.close()
    threading.Thread(target=serve, daemon=True).start()
    try:
        yield url
    finally:
        listener.close()
        for connection in held:
            connection.close()


async def _asked(url: str) -> TryAgain:
    client = Client(Server(url, "k" * 9), timeout=0.5)
    try:
        await client.ask(REQUEST)
    except TryAgain as trouble:
        return trouble
    finally:
        await client.close()
    raise AssertionError("an answer came")


@pytest.mark.parametrize("by", ["aiohttp", "httpx"])
@pytest.mark.parametrize(
    ("how", "seen", "told"),
    [
        ("nobody", False, "the connection broke"),
        ("close", True, "the connection broke"),
        ("reset", True, "the connection broke"),
        ("half", True, "the connection broke"),
        ("hold", True, "no answer within 0.5 s"),
    ],
)
def test_what_was_sent_may_have_to_be_paid_for(
    how: str, seen: bool, told: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "httpx":

        def missing(**options: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(openai, "DefaultAioHttpClient", missing)
    with listening(how) as url:
        trouble = asyncio.run(_asked(url))
    assert (trouble.reached, trouble.paid) == (seen, seen)
    assert trouble.reason.startswith(told), trouble.reason


def test_a_server_that_does_not_take_connections_in_time_has_seen_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        try:
            trouble = asyncio.run(_asked(url))
        finally:
            for each in waiting:
                each.close()
    assert trouble.reason == "no answer within 0.5 s"
