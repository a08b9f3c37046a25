"""The page in a real browser, where there is one: what people do by keys, what hostile rows cannot do."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from dsforge.review.export import export
from dsforge.review.record import ReviewedRow
from dsforge.review.review import Review
from tests.report.test_page_in_browser import CONTRAST
from tests.review.rows import BROKEN, HOSTILE, PAIR, SFT, write

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
pytest.importorskip("uvicorn", reason="the extra review is not installed")
from selenium.common.exceptions import ElementNotInteractableException  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

from tests.review.server import Server  # noqa: E402

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
if not BROWSER or not DRIVER:
    pytest.skip("no Chromium with its driver", allow_module_level=True)

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ODD = "\n\n  Two  spaces\tand a tab\r\nline \u202e \U0001f600 <b>&amp;</b> </textarea>  "
SPACES = {
    "messages": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "In Oslo.\u200b There."}]
}
ROWS = [
    SFT,
    PAIR,
    HOSTILE,
    SPACES,
    BROKEN,
    *(
        {
            "messages": [
                {"role": "user", "content": f"Question {at}"},
                {"role": "assistant", "content": f"Answer {at}."},
            ],
            "category": "many",
        }
        for at in range(6)
    ),
    [{"prompt": "Which is prime?", "response": [["11"], ["13, I think"], ["12"]]}],
    {"messages": [{"role": "user", "content": "Odd?"}, {"role": "assistant", "content": ODD}]},
]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield found
    found.quit()


class Page:
    """The page of a server, driven by keys."""

    def __init__(self, driver: Any, server: Server) -> None:
        self.driver, self.server = driver, server

    def open(self, path: str = "", who: str = "") -> None:
        self.driver.get(self.server.links.get(who) or self.server.link)
        if path:
            self.driver.get(self.server.base + path)

    def until(self, fits: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + 15
        while time.monotonic() < end:
            if found := fits():
                return found
            time.sleep(0.02)
        raise AssertionError(f"not seen: {what}; the page says {self.text('body')[:800]}")

    def text(self, selector: str) -> str:
        return str(self.driver.execute_script("return document.querySelector(arguments[0])?.innerText || ''", selector))

    @property
    def row(self) -> int:
        return int(self.driver.execute_script("return document.querySelector('.stage').dataset.row"))

    def press(self, *keys: str, row: int | None = None, seen: str = "") -> None:
        """Press keys, and wait until another row is shown, or a text."""
        self.until(lambda: self._sent(keys), "what has the focus, as a dialog closes")
        if row is not None:
            self.until(lambda: self.row == row, f"row {row}")
        if seen:
            self.until(lambda: seen in self.text("body"), seen)

    def _sent(self, keys: tuple[str, ...]) -> bool:
        try:
            self.driver.switch_to.active_element.send_keys(*keys)
        except ElementNotInteractableException:
            return False
        return True

    def form(self, keys: str) -> Any:
        self.press(keys)
        return self.until(lambda: self.driver.find_elements("css selector", "#form[open] form"), "a form")[0]

    def typed(self, field: str, text: str) -> None:
        place = self.driver.find_element("css selector", f"#form [name={field}]")
        place.send_keys(Keys.CONTROL, "a")
        place.send_keys(Keys.NULL, text, Keys.CONTROL, Keys.ENTER)

    def resize(self, width: int) -> None:
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "data.jsonl", ROWS)


@pytest.fixture
def page(driver: Any, file: Path) -> Iterator[Page]:
    driver.get_log("browser")
    with Server(file, "--rubric", "right,clear") as server:
        found = Page(driver, server)
        found.resize(1280)
        found.open("/row/1?order=file")
        yield found


def kept(file: Path, row: int) -> ReviewedRow:
    with Review(file) as review:
        return review.row(row)


def test_a_row_is_accepted_by_a_key_and_the_next_is_shown(page: Page, file: Path) -> None:
    page.press("a", row=2)
    assert kept(file, 1).state.status == "accepted"
    assert page.driver.current_url.endswith("/row/2?order=file")
    page.until(lambda: "1 of 13 done" in page.text("#progress"), "how far it is")


def test_a_row_is_rejected_with_a_reason(page: Page, file: Path) -> None:
    page.form("r")
    page.press("3", row=2)
    assert kept(file, 1).state.reason == "unsafe or personal data"
    page.press("u", row=1)
    page.form("r")
    page.typed("reason", "asks nothing")
    page.until(lambda: page.row == 2, "the next row")
    assert kept(file, 1).state.reason == "asks nothing"


def test_a_message_is_edited_with_a_difference_undone_and_redone(page: Page, file: Path) -> None:
    page.form("e")  # the last answer
    page.typed("text", "It is four.")
    page.until(lambda: page.driver.find_elements("css selector", "main del"), "a difference")
    assert page.text("main del") == "4"
    assert page.text("main ins") == "four"
    assert kept(file, 1).state.written() != kept(file, 1).original.raw
    page.press("u")
    page.until(lambda: not page.driver.find_elements("css selector", "main del"), "no difference")
    assert kept(file, 1).state.status == "new"
    page.press("U")
    page.until(lambda: page.driver.find_elements("css selector", "main ins"), "the difference again")


def test_turns_are_written_split_and_deleted(page: Page, file: Path) -> None:
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    page.form("i")
    page.typed("text", "Let me think. Two and two.")
    page.until(lambda: "written here" in page.text("main"), "the new message")
    page.press("d")
    page.until(lambda: "written here" not in page.text("main") or "was taken out" in page.text("main"), "it gone")
    page.press("u", seen="Row 1")
    assert kept(file, 1).state.status == "open"


def test_a_message_is_split_where_the_cursor_is(page: Page, file: Path) -> None:
    page.open("/row/4?order=file")
    field = page.form("s").find_element("css selector", "textarea")
    field.send_keys("x", Keys.CONTROL, Keys.ENTER)
    page.until(lambda: "split within its text" in page.text("#form .problem"), "why not")
    field.send_keys(Keys.NULL, *[Keys.ARROW_RIGHT] * 8, Keys.CONTROL, Keys.ENTER)
    page.until(lambda: "written here" in page.text("main"), "the second half")
    outcome = kept(file, 4).state.outcome
    assert outcome is not None
    assert [(each.role, each.text) for each in outcome.messages[1:]] == [
        ("assistant", "In Oslo."),
        ("user", "\u200b There."),
    ]


def test_category_scores_and_remarks(page: Page, file: Path) -> None:
    page.form("c")
    page.typed("category", "sums")
    page.until(lambda: "sums" in page.text("aside"), "the category")
    page.form("g")
    page.press("4")
    page.press("5")
    page.press(Keys.ENTER, seen="scored right 4, clear 5")
    page.form("n")
    page.typed("text", "short")
    page.until(lambda: "remarked: short" in page.text("aside"), "the remark")
    state = kept(file, 1).state
    assert (state.scores, state.comments) == ({"right": 4.0, "clear": 5.0}, ("short",))


def test_the_better_answer_is_chosen_and_sides_stay_after_a_reload(page: Page, file: Path) -> None:
    page.open("/row/2?order=file")
    left = page.text(".answer:first-child .text")
    page.driver.refresh()
    assert page.text(".answer:first-child .text") == left
    page.press("a")
    page.until(lambda: "Say which answer is better" in page.text("#told"), "what to press")
    page.press("x")  # swapped: what was left is right now
    page.press("2", row=1)
    outcome = kept(file, 2).state.outcome
    assert outcome is not None
    assert outcome.chosen is not None
    assert outcome.chosen[0].text == left


def test_several_answers_are_ranked_by_their_keys(page: Page, file: Path) -> None:
    page.open("/row/12?order=file")
    first, second = (page.text(f".answer[data-key='{key}'] .text") for key in (3, 1))
    page.press("3")
    page.until(lambda: "is number 1" in page.text(".answer.picked"), "the first of the ranking")
    page.press("1", row=1)
    outcome = kept(file, 12).state.outcome
    assert outcome is not None
    assert outcome.chosen is not None
    assert [outcome.chosen[0].text, outcome.between[0][0].text] == [first, second]


def test_a_text_is_edited_exactly(page: Page, file: Path) -> None:
    page.open("/row/13?order=file")
    field = page.form("e").find_element("css selector", "textarea")
    assert field.get_property("value") == ODD.replace("\r\n", "\n")
    field.send_keys(Keys.CONTROL, Keys.END)
    field.send_keys(Keys.NULL, "!", Keys.CONTROL, Keys.ENTER)
    page.until(lambda: page.driver.find_elements("css selector", "main ins"), "the difference")
    outcome = kept(file, 13).state.outcome
    assert outcome is not None
    assert outcome.messages[-1].text == f"{ODD}!"


def test_keys_work_on_a_keyboard_of_another_script(page: Page) -> None:
    page.driver.execute_script(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '\u0634', code: 'KeyA', bubbles: true}))"
    )
    page.until(lambda: page.row == 2, "the next row")


def test_a_fix_of_lint_is_applied(page: Page, file: Path) -> None:
    page.open("/row/4?order=file")
    assert page.text("main mark") == "\\u200b"
    page.press("f")
    page.until(lambda: page.driver.find_elements("css selector", "main del"), "what was mended")
    state = kept(file, 4).state
    assert state.outcome is not None
    assert state.outcome.messages[1].text == "In Oslo. There."


def test_a_broken_row_is_mended_as_text(page: Page, file: Path) -> None:
    page.open("/row/5?order=file")
    assert "cannot be read" in page.text("main")
    page.form("w")
    page.press(Keys.CONTROL, "a")
    page.typed("raw", BROKEN.decode().replace("} {", "}, {"))
    page.until(lambda: "cannot be read" not in page.text("main"), "the row mended")
    assert kept(file, 5).state.example is not None


def test_filters_keys_and_help(page: Page) -> None:
    page.press("?")
    page.until(lambda: page.driver.find_elements("css selector", "#help[open]"), "the keys")
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.driver.find_elements("css selector", "#help[open]"), "the keys gone")
    page.press("/")
    page.until(lambda: page.driver.switch_to.active_element.tag_name == "input", "the filters")
    page.press("Question 4", Keys.ENTER)
    page.until(lambda: page.row == 10, "the row with the text")
    assert "1 fit the filter" in page.text("#progress")


def test_findings_are_said_to_be_complete(page: Page) -> None:
    page.until(lambda: "findings complete" in page.text("#progress"), "that lint is done")


def test_the_result_is_exported(page: Page, file: Path, tmp_path: Path) -> None:
    page.press("a", row=2)
    page.press("1", row=3)
    page.form("r")
    page.press("1", row=4)
    with Review(file) as review:
        result = export(review, tmp_path / "out.jsonl")
    assert (result.rows_in, result.rows_out, result.rows_rejected) == (13, 11, 2)
    assert b'"by"' in (tmp_path / "out.jsonl").read_bytes()
    assert file.read_bytes() == b"\n".join(r if isinstance(r, bytes) else orjson.dumps(r) for r in ROWS) + b"\n"


def test_hostile_rows_do_nothing(page: Page) -> None:
    page.open("/row/3?order=file")
    page.driver.get_log("browser")  # what the pages of other servers, which have ended, said
    for keys in ("m", Keys.ARROW_DOWN, "m", Keys.ARROW_DOWN, "m"):
        page.press(keys)
    page.form("e")
    assert page.driver.execute_script("return document.querySelector('#form textarea').value").endswith("</script>")
    assert page.driver.execute_script("return document.scripts.length") == 1
    assert page.driver.execute_script("return document.querySelectorAll('main img, main svg, main iframe').length") == 0
    assert page.driver.execute_script("return window.ran === undefined")
    links = page.driver.execute_script("return [...document.querySelectorAll('main a[href]')].map(a => a.protocol)")
    assert set(links) <= {"https:", "http:"}
    assert page.driver.get_log("browser") == []
    page.driver.execute_script("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran=1\">')")
    time.sleep(0.2)
    assert page.driver.execute_script("return window.ran === undefined")  # the policy forbids what got in


def test_two_annotators_and_who_settles(driver: Any, file: Path) -> None:
    with Server(file, "--annotators", "ana,bo", "--overlap", "100%") as server:
        page = Page(driver, server)
        page.resize(1280)
        page.open("/row/1?order=file", "ana")
        page.press("a", row=2)
        page.open("/row/1?order=file", "bo")
        assert "0 of 13 done" in page.text("#progress")
        page.form("e")
        page.typed("text", "Four.")
        page.until(lambda: page.driver.find_elements("css selector", "main ins"), "the difference")
        page.press("a", row=2)
        page.open(who="to settle disagreements")
        page.until(lambda: page.row == 1, "the row they disagree about")
        assert "Take ana's" in page.text(".others")
        page.press("2", seen="There is nothing to settle")
        page.open("/agreement", "to settle disagreements")
        assert "1 row was judged by two annotators" in page.text("main")
    outcome = kept(file, 1).state.outcome
    assert outcome is not None
    assert outcome.messages[-1].text == "Four."


def test_a_lost_connection_is_told_and_nothing_is_lost(page: Page, file: Path) -> None:
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    page.press("a", seen="Your last decision on row 1 is not saved yet")
    assert page.row == 1
    page.driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        {**offline, "offline": False, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    page.until(lambda: page.row == 2, "the next row")
    assert "No connection" not in page.text("body")
    assert len(kept(file, 1).decisions) == 1


def test_a_killed_server_that_comes_back_goes_on(page: Page, file: Path) -> None:
    page.press("a", row=2)
    page.server.kill()
    page.press("t", seen="is not saved yet")
    with Server(file, port=page.server.port):
        page.until(lambda: page.row not in (0, 2), "another row")
    assert [kept(file, row).state.status for row in (1, 2)] == ["accepted", "removed"]


@pytest.mark.parametrize("width", [1280, 768, 390, 320])
@pytest.mark.parametrize("row", [1, 2, 3, 5])
def test_the_page_never_scrolls_sideways(page: Page, width: int, row: int) -> None:
    page.resize(width)
    page.open(f"/row/{row}?text=a")
    assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_what_is_behind_it(page: Page, scheme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    for path in ("/row/1", "/row/2", "/row/4?text=o", "/row/5", "/agreement"):
        page.open(path)
        if path == "/row/1":
            page.form("e")
            page.typed("text", f"It is four, in {scheme}.")
            page.until(lambda: page.driver.find_elements("css selector", "main ins"), "the difference")
        page.driver.execute_script("document.querySelectorAll('details').forEach(each => { each.open = true })")
        assert page.driver.execute_script(CONTRAST) == []


def test_everything_can_be_reached_and_has_a_name(page: Page) -> None:
    nameless = """
      return [...document.querySelectorAll("button, a, input, select, textarea")]
        .filter((each) => each.getClientRects().length && each.type !== "hidden")
        .filter((each) => !(each.innerText.trim() || each.ariaLabel || each.title || each.labels?.length))
        .map((each) => each.outerHTML)
    """
    page.press("/")
    assert page.driver.execute_script(nameless) == []
    page.press(Keys.ESCAPE)
    for key in "erscgniw":
        page.open("/row/1")
        page.form(key)
        assert page.driver.execute_script(nameless) == [], key


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, from npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm")
    folder = tmp_path_factory.mktemp("axe")
    got = subprocess.run(
        [npm, "pack", "axe-core@4", "--silent"], cwd=folder, capture_output=True, text=True, check=False
    )
    if got.returncode:
        pytest.skip(f"npm gives no axe-core: {got.stderr[-200:]}")
    with tarfile.open(folder / got.stdout.strip()) as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(page: Page, axe: str, width: int, scheme: str) -> None:
    page.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    page.resize(width)
    try:
        for row, key in ((1, ""), (1, "e"), (1, "r"), (1, "?"), (1, "/"), (2, ""), (3, ""), (5, ""), (12, "")):
            page.open(f"/row/{row}?order=file")
            if key:
                page.press(key)
                time.sleep(0.3)
            page.driver.execute_script(axe)
            found = page.driver.execute_async_script(
                "const done = arguments[arguments.length - 1];"
                "const failed = (error) => done([{impact: 'critical', id: String(error)}]);"
                "axe.run().then((result) => done(result.violations), failed)"
            )
            serious = [each for each in found if each["impact"] in ("serious", "critical")]
            assert [each["id"] for each in serious] == [], (row, key, serious)
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
