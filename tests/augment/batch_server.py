"""A local server with files and batches, in OpenAI's dialect and in Zhipu's, that misbehaves on purpose."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATHS = {"openai": "/v1", "zhipu": "/api/paas/v4"}
LINE_URLS = {"openai": "/v1/chat/completions", "zhipu": "/v4/chat/completions"}
STATES = ("validating", "in_progress", "finalizing")


@dataclass
class Result:
    """What becomes of one line. `where` is the file that tells of it, "" for none; `raw` takes the line's place."""

    text: str = ""
    status: int | None = 200
    body: Any = None
    error: Any = None
    where: str = "output"
    raw: bytes | None = None
    usage: tuple[int, int] | None = (10, 3)


Script = Callable[[dict[str, Any], int], Result]
"""From the body of a line and which time (from 1) its custom_id comes, to what becomes of it."""


def echo(body: dict[str, Any], times: int) -> Result:
    """The prompt, in capitals."""
    return Result(body["messages"][-1]["content"].upper())


@dataclass
class Fault:
    """In place of a proper reply: a status, or (None) a broken connection. `done`: what was asked is done before."""

    status: int | None = None
    body: bytes = b'{"error": {"message": "out of order"}}'
    headers: dict[str, str] = field(default_factory=dict)
    done: bool = False


@dataclass
class Log:
    """Calls as "POST /files", the lines of each batch by their custom_id, keys, and bodies of created batches."""

    calls: list[str] = field(default_factory=list)
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)


class BatchServer(ThreadingHTTPServer):
    """See `serving_batches`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, dialect: str, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.dialect, self.script, self.log, self.lock = dialect, script, Log(), threading.Lock()
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.fault: Callable[[str, int], Fault | None] = lambda call, number: None
        self.done: Callable[[int], None] = lambda number: None
        """Called with the number of a call that was done, before the reply to it."""
        self.ends: Callable[[int], str] = lambda number: "completed"
        self.arrange: Callable[[list[bytes]], list[bytes]] = lambda lines: lines
        self.errors: Any = None
        self.metadata = True
        self.open = threading.Event()
        """Batches go on as long as this is set."""
        self.open.set()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}{PATHS[self.dialect]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that went away are no news."""

    def upload(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Keep a file."""
        boundary = content_type.partition("boundary=")[2].strip('"').encode()
        parts = [part for part in body.split(b"--" + boundary) if b"name=" in part]
        fields = {re.search(rb'name="(\w+)"', part)[1]: part.partition(b"\r\n\r\n")[2][:-2] for part in parts}  # type: ignore[index]
        assert fields[b"purpose"] == b"batch"
        name = f"file-{len(self.files)}"
        self.files[name] = fields[b"file"]
        return {"id": name, "object": "file", "purpose": "batch", "bytes": len(fields[b"file"])}

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Make a batch, and what will come of it."""
        assert asked["endpoint"] == LINE_URLS[self.dialect]
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        for line in lines:
            assert (line["method"], line["url"]) == ("POST", LINE_URLS[self.dialect])
            assert len(line["custom_id"]) >= 6
        ids = [line["custom_id"] for line in lines]
        assert len(ids) == len(set(ids))
        self.log.created.append(asked)
        self.log.batches.append(lines)
        self.log.asked.update(ids)
        number = len(self.batches)
        batch = {
            "id": f"batch_{number}", "object": "batch", "endpoint": asked["endpoint"], "status": STATES[0],
            "input_file_id": asked["input_file_id"], "created_at": 1_700_000_000 + number, "errors": None,
            "metadata": asked.get("metadata") if self.metadata else None, "completion_window": "24h",
            "output_file_id": "" if self.dialect == "zhipu" else None,
            "error_file_id": "" if self.dialect == "zhipu" else None,
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }  # fmt: skip
        self.batches[batch["id"]] = batch
        return batch

    def step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Every look at a batch brings it one state further."""
        if not self.open.is_set() or batch["status"] not in STATES:
            return batch
        at = STATES.index(batch["status"])
        if at + 1 < len(STATES):
            batch["status"] = STATES[at + 1]
            return batch
        number = int(batch["id"].partition("_")[2])
        batch["status"] = self.ends(number)
        if batch["status"] == "failed":
            batch["errors"] = self.errors
            return batch
        self._answer(batch, self.log.batches[number])
        return batch

    def _answer(self, batch: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        files: dict[str, list[bytes]] = {"output": [], "error": []}
        for line in lines:
            result = self.script(line["body"], self.log.asked[line["custom_id"]])
            if result.where:
                files[result.where].append(self._line(line["custom_id"], result))
        for where, written in files.items():
            if written:
                name = f"file-{where}-{batch['id']}"
                self.files[name] = b"\n".join(self.arrange(written)) + b"\n"
                batch[f"{where}_file_id"] = name
        batch["request_counts"]["completed"] = len(files["output"])

    def _line(self, custom_id: str, result: Result) -> bytes:
        if result.raw is not None:
            return result.raw
        body = result.body
        if body is None and result.status == 200:
            message = {"role": "assistant", "content": result.text}
            body = {"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
            if result.usage:
                body["usage"] = dict(zip(("prompt_tokens", "completion_tokens"), result.usage, strict=True))
        response = None if result.status is None else {"status_code": result.status, "body": body}
        line = {"id": f"req_{custom_id}", "custom_id": custom_id, "response": response}
        if self.dialect == "openai" or result.error:
            line["error"] = result.error
        return json.dumps(line, ensure_ascii=False).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every reply waits 40 ms for an acknowledgement
    server: BatchServer

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Batches, their list, and files."""
        self._handle("GET")

    def do_POST(self) -> None:
        """Files and batches."""
        self._handle("POST")

    def _handle(self, method: str) -> None:
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(PATHS[server.dialect])
        call = f"{method} {path}"
        with server.lock:
            server.log.calls.append(call)
            server.log.keys.add(self.headers.get("Authorization", ""))
            number = len(server.log.calls)
        fault = server.fault(call, number)
        if fault is None or fault.done:
            with server.lock:
                reply = self._reply(method, path, parse_qs(parts.query), body)
            server.done(number)
        if fault is None:
            self._send(*reply, {})
        elif fault.status is None:
            self.close_connection = True
            self.connection.close()
        else:
            self._send(fault.status, fault.body, fault.headers)

    def _reply(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, bytes]:
        server = self.server
        if (method, path) == ("POST", "/files"):
            return 200, json.dumps(server.upload(body, self.headers["Content-Type"])).encode()
        if (method, path) == ("POST", "/batches"):
            return 200, json.dumps(server.create(json.loads(body))).encode()
        if (method, path) == ("GET", "/batches"):
            return 200, json.dumps(_page(list(server.batches.values()), query)).encode()
        kind, _, name = path.strip("/").partition("/")
        if kind == "batches" and name in server.batches:
            return 200, json.dumps(server.step(server.batches[name])).encode()
        if kind == "files" and name.removesuffix("/content") in server.files:
            return 200, server.files[name.removesuffix("/content")]
        return 404, b'{"error": {"message": "no such thing"}}'

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _page(batches: list[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
    """Two at a time, the newest first, so that a list of three takes two pages."""
    newest = batches[::-1]
    after = query.get("after", [""])[0]
    at = 1 + next((n for n, batch in enumerate(newest) if batch["id"] == after), -1)
    return {"object": "list", "data": newest[at : at + 2], "has_more": at + 2 < len(newest)}


@contextmanager
def serving_batches(dialect: str = "openai", script: Script = echo) -> Iterator[BatchServer]:
    """A server that answers by `script`, gone when the block ends."""
    server = BatchServer(dialect, script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
