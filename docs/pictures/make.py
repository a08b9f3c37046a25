"""Makes the pictures of the README: the page of `dsforge review`, in headless Chromium.

python docs/pictures/make.py            (needs the extra review, selenium, and Chromium with its driver)
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROWS = HERE.parents[1] / "examples" / "support" / "support.chatml.jsonl"
WIDTH, HEIGHT = 1280, 680
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


REFUSES = {
    "messages": [
        {
            "role": "system",
            "content": "You answer customers of Lumen & Oak, a shop for lamps. Be brief, kind and exact.",
        },
        {"role": "user", "content": "My reading lamp flickers since yesterday. What can I do?"},
        {"role": "assistant", "content": "Sorry to hear that! Does it flicker with **another bulb** too?"},
        {"role": "user", "content": "Yes, with every bulb I have."},
        {"role": "assistant", "content": "As an AI language model, I cannot repair lamps."},
    ],
    "category": "technical",
}


def browser(profile: Path) -> Any:
    """Headless Chromium of a fixed size."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            options.binary_location = found
            break
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={WIDTH},{HEIGHT}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver") or ""))
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False},
    )
    return driver


def write_rows(path: Path) -> None:
    """The rows of the examples that lint finds no error in, and one that refuses."""
    from dsforge.formats.read import ExampleReader, decoder_for
    from dsforge.lint_gate import LintGate

    gate, decode = LintGate(), decoder_for("auto")
    rows = [
        row.raw
        for row, example in ExampleReader(ROWS, strict=True)
        if not gate.check_seed(row, decode(row.value)[0], example)
    ]
    path.write_bytes(b"\n".join([json.dumps(REFUSES).encode(), *rows]) + b"\n")


def link_of(server: subprocess.Popen[str]) -> str:
    """The link that the command prints."""
    assert server.stdout is not None
    for line in server.stdout:
        if found := re.search(r"http://\S+", line):
            return found[0]
    raise SystemExit("dsforge review gave no link")


def picture(driver: Any, link: str, path: Path) -> None:
    """The first row of the queue, once lint's findings are complete."""
    import time

    driver.get(link)
    time.sleep(4)
    driver.refresh()
    time.sleep(1)
    driver.save_screenshot(str(path))


def main() -> None:
    """Write review.png beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / ROWS.name
        write_rows(rows)
        command = [sys.executable, "-m", "dsforge", "review", str(rows), "--port", "0", "--annotators", "ana"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        driver = browser(Path(folder) / "profile")
        try:
            picture(driver, link_of(server), HERE / "review.png")
        finally:
            driver.quit()
            server.terminate()
            server.wait(10)


if __name__ == "__main__":
    main()
