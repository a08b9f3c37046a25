"""A real server in a process of its own, for the tests that end it and for the browser."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from queue import Empty, Queue
from threading import Thread


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Server:
    """`dsforge review` on a file; `links` has the link of each annotator by name ("" for one alone)."""

    def __init__(self, path: Path, *options: str, port: int = 0) -> None:
        self.port = port or free_port()
        command = [sys.executable, "-m", "dsforge", "review", str(path), "--port", str(self.port), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)
        lines: Queue[str] = Queue()
        assert self.process.stdout is not None
        Thread(target=lambda: [lines.put(line) for line in self.process.stdout or ()], daemon=True).start()
        self.links: dict[str, str] = {}
        said: list[str] = []
        while "Ctrl-C" not in "".join(said):
            try:
                said.append(lines.get(timeout=30))
            except Empty:
                raise AssertionError(f"the server does not start: {said}") from None
            if found := re.match(r"  (?:open|(.*):) (http://\S+)", said[-1]):
                self.links[found[1] or ""] = found[2]
        self.base = f"http://127.0.0.1:{self.port}"

    @property
    def link(self) -> str:
        return next(iter(self.links.values()))

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(10)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
