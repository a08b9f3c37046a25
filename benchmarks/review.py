"""`dsforge review` on a large file: time to open, from a key to the next row in a real browser, and memory.

    python benchmarks/review.py [ROWS]            100,000 rows by default, of 600 bytes on average

Needs Chromium with its driver and selenium. The page is opened as a person does; a key is pressed by an event in the
page, and the clock runs there until the next row stands in the document, and until it is painted (two frames later).
Memory is the resident set of the server and the processes it started, summed, sampled until lint is done.
"""

from __future__ import annotations

import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
import psutil
from selenium import webdriver

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip
WORDS = "the model answers a question of its reader about data rows and what stands in them with care".split()
PRESS = """
  const [key, done] = arguments;
  const before = document.querySelector(".stage").dataset.row, start = performance.now();
  const seen = new MutationObserver(() => {
    if (document.querySelector(".stage").dataset.row === before) return;
    seen.disconnect();
    const shown = performance.now() - start;
    requestAnimationFrame(() => requestAnimationFrame(() => done([shown, performance.now() - start])));
  });
  seen.observe(document.getElementById("stage"), {childList: true});
  document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
"""


def write_rows(path: Path, rows: int) -> None:
    pick = random.Random(1)
    with path.open("wb") as file:
        for number in range(rows):
            asked = " ".join(pick.choices(WORDS, k=20))
            said = " ".join(pick.choices(WORDS, k=pick.randrange(20, 160)))
            messages = [
                {"role": "user", "content": f"{number}: {asked}?"},
                {"role": "assistant", "content": f"{said}."},
            ]
            file.write(orjson.dumps({"messages": messages, "category": pick.choice(WORDS)}) + b"\n")


def memory(process: int) -> int:
    root = psutil.Process(process)
    return sum(each.memory_info().rss for each in (root, *root.children(recursive=True))) // 1_000_000


def press(browser: Any, key: str, times: int, when: str) -> None:
    shown, painted = [], []
    for _ in range(times):
        time.sleep(0.15)
        one, other = browser.execute_async_script(PRESS, key)
        shown.append(one)
        painted.append(other)
    last = [statistics.quantiles(each, n=20)[-1] for each in (shown, painted)]
    print(f"{key}, {when}: next row after {statistics.median(shown):.0f} ms (95%: {last[0]:.0f}), "
          f"painted after {statistics.median(painted):.0f} ms (95%: {last[1]:.0f})")  # fmt: skip


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for flag in (*FLAGS, f"--user-data-dir={folder}/profile"):
            options.add_argument(flag)
        path = Path(folder) / "rows.jsonl"
        write_rows(path, rows)
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        started = time.perf_counter()
        command = [sys.executable, "-m", "dsforge", "review", str(path), "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            link = next(found[0] for line in server.stdout if (found := re.search(r"http\S+", line)))
            browser.get(link)
            print(
                f"{rows:,} rows, {path.stat().st_size / 1e6:.0f} MB: open after {time.perf_counter() - started:.2f} s"
            )
            press(browser, "a", 30, "while lint looks")
            most = 0
            while "complete" not in browser.find_element("id", "progress").text:
                most = max(most, memory(server.pid))
                time.sleep(0.2)
            print(f"findings complete after {time.perf_counter() - started:.0f} s, at most {most} MB")
            press(browser, "a", 100, "after it")
            press(browser, "j", 100, "after it")
            print(f"{memory(server.pid)} MB at the end")
        finally:
            server.kill()
            browser.quit()


if __name__ == "__main__":
    main()
