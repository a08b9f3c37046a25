"""A local server in OpenAI's form that misbehaves on purpose, and remembers what it was asked and what it answered."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What the server does with one request. `body` None is a good answer of `text`."""

    text: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    finish: str = "stop"
    wait: float = 0.0
    cut: bool = False
    """Break the connection in the middle of the answer."""


Script = Callable[[str, int], Reply]
"""From the user's prompt, and which time (from 1) this request comes, to what happens."""


def echo(prompt: str, time_asked: int) -> Reply:
    """A good paraphrase, the same for the same prompt."""
    message = prompt.rpartition("<message>\n")[2].partition("\n</message>")[0]
    number = prompt.rpartition("Paraphrase ")[2].partition(":")[0]
    if "种改写" in number:
        number = prompt.rpartition("第 ")[2].partition(" ")[0]
    return Reply(f"{message} ({number})")


@dataclass
class Log:
    """What came in: how often each prompt was asked and answered, bodies, times, headers, the most at a time."""

    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0


class FaultyServer(ThreadingHTTPServer):
    """See `serving`."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script, self.log, self.lock = script, Log(), threading.Lock()
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that went away are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer as the script says."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][-1]["content"]
        log = self.server.log
        with self.server.lock:
            log.asked[prompt] += 1
            count = log.asked[prompt]
            log.bodies.append(body)
            log.times.append(time.monotonic())
            log.keys.add(self.headers.get("Authorization", ""))
            log.at_once += 1
            log.most_at_once = max(log.most_at_once, log.at_once)
        try:
            self._reply(self.server.script(prompt, count), prompt)
        finally:
            with self.server.lock:
                log.at_once -= 1

    def _reply(self, reply: Reply, prompt: str) -> None:
        if reply.wait:
            self.server.closing.wait(reply.wait)
        body = reply.body
        if body is None:
            choice = {
                "index": 0,
                "message": {"role": "assistant", "content": reply.text},
                "finish_reason": reply.finish,
            }
            usage = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
            body = json.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
        with self.server.lock:
            if reply.status == 200 and not reply.cut and reply.body is None:
                self.server.log.answered[prompt] += 1
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if reply.cut else body)
        self.wfile.flush()
        if reply.cut:
            self.close_connection = True
            self.connection.close()


@contextmanager
def serving(script: Script = echo) -> Iterator[FaultyServer]:
    """A server that answers by `script`, gone when the block ends."""
    server = FaultyServer(script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
