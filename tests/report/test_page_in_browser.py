"""The pages in a real browser, where there is one: filters work, hostile rows do nothing, a phone can hold them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.augment_pages import hostile_augment_page
from tests.report.pages import HOSTILE, hostile_cost_page, hostile_dedup_page, hostile_page
from tests.report.run_pages import hostile_run_page, hostile_runs_page

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
if not BROWSER or not DRIVER:
    pytest.skip("no Chromium with its driver", allow_module_level=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


PAGES = {
    "lint": hostile_page,
    "dedup": hostile_dedup_page,
    "cost": hostile_cost_page,
    "augment": hostile_augment_page,
    "run": hostile_run_page,
    "runs": hostile_runs_page,
}


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Any:
    """The page of lint."""
    return opened(browser, tmp_path, "lint")


@pytest.fixture(params=PAGES)
def any_page(browser: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """Each of the pages."""
    return opened(browser, tmp_path, request.param)


def opened(browser: Any, folder: Path, name: str) -> Any:
    file = folder / "report.html"
    file.write_text(PAGES[name](), encoding="utf-8")
    resize(browser, 1280)
    browser.get_log("browser")  # what an earlier page said
    browser.get(file.as_uri())
    return browser


def resize(browser: Any, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def shown(page: Any, selector: str) -> int:
    """How many elements are visible."""
    script = "return [...document.querySelectorAll(arguments[0])].filter(each => each.offsetParent).length"
    count: int = page.execute_script(script, selector)
    return count


def choose(page: Any, field: str, value: str) -> None:
    script = """
      const field = document.getElementById(arguments[0]);
      field.value = arguments[1];
      field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input"));
    """
    page.execute_script(script, field, value)


def test_nothing_is_refused_or_fails_in_the_console(any_page: Any) -> None:
    assert any_page.get_log("browser") == []
    for element in any_page.find_elements("css selector", "summary"):
        element.click()
    assert any_page.get_log("browser") == []


def test_hostile_rows_do_nothing(any_page: Any) -> None:
    assert any_page.execute_script("return document.querySelectorAll('style').length") == 1
    elements = "img, iframe, object, form, link, base, script:not(:last-child)"
    assert any_page.execute_script(f"return document.querySelectorAll('{elements}').length") == 0
    assert any_page.execute_script("return document.scripts.length") <= 1
    from selenium.common.exceptions import NoAlertPresentException

    with pytest.raises(NoAlertPresentException):
        _ = any_page.switch_to.alert
    shown = any_page.find_elements("css selector", "#Q502 .message, pre, .ways th, caption, dt, dd, td, th")
    assert any(HOSTILE[0] in each.text for each in shown)


def test_a_script_that_got_in_would_not_run(any_page: Any) -> None:
    any_page.execute_script("""
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = true'>");
    """)
    assert any_page.execute_script("return window.ran === undefined")
    assert any("Content Security Policy" in line["message"] for line in any_page.get_log("browser"))


def test_the_filters_narrow_the_list(page: Any) -> None:
    every = len(HOSTILE) + 2
    assert shown(page, "li.finding") == every
    assert page.find_element("id", "shown").text == f"{every} listed of 4,002 found"
    choose(page, "by-code", "S104")
    assert (shown(page, "li.finding"), shown(page, "section.rule")) == (1, 1)
    assert page.find_element("id", "shown").text == f"1 of {every} listed of 4,002 found"
    choose(page, "by-severity", "warning")
    assert (shown(page, "li.finding"), shown(page, "section.rule")) == (0, 0)
    choose(page, "by-code", "")
    assert shown(page, "li.finding") == len(HOSTILE)
    choose(page, "by-text", "ONLOAD=ALERT(2)")
    assert shown(page, "li.finding") == 1
    choose(page, "by-severity", "")
    choose(page, "by-text", "")
    assert shown(page, "li.finding") == every


def test_without_scripts_the_list_is_whole(page: Any) -> None:
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.refresh()
        assert not page.find_element("id", "filters").is_displayed()
        items = page.find_elements("css selector", "li.finding")
        assert len(items) == len(HOSTILE) + 2
        assert all(item.is_displayed() for item in items)
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("width", [375, 320, 768, 1280])
def test_a_page_never_scrolls_sideways(any_page: Any, width: int) -> None:
    resize(any_page, width)
    for details in any_page.find_elements("css selector", "details"):
        any_page.execute_script("arguments[0].open = true", details)
    assert any_page.execute_script("return document.documentElement.scrollWidth") <= width
    wider = (  # but for tables of many columns, which scroll within a box of their own
        "return [...document.querySelectorAll('body *')].filter(e => !e.closest('.wide'))"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
    )
    assert any_page.execute_script(f"{wider}.map(e => e.outerHTML.slice(0, 80))") == []


@pytest.mark.parametrize(("width", "columns"), [(1280, 2), (390, 1)])
def test_rows_stand_side_by_side_where_there_is_room(browser: Any, tmp_path: Path, width: int, columns: int) -> None:
    page = opened(browser, tmp_path, "dedup")
    resize(page, width)
    lefts = "return new Set([...document.querySelector('.sides').children].map(e => e.getBoundingClientRect().x)).size"
    assert page.execute_script(lefts) == columns


CONTRAST = """
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$|transparent/.test(color)) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const weak = new Set();
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.getClientRects().length || element.closest("script")) continue;
    const style = getComputedStyle(element);
    const ink = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const [low, high] = [luminance(ink), luminance(behind(element))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) weak.add(element.tagName + "." + element.getAttribute("class") + " " + ratio.toFixed(2));
  }
  return [...weak];
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_what_is_behind_it(any_page: Any, scheme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    any_page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    any_page.execute_script("document.querySelectorAll('details').forEach(each => { each.open = true })")
    lightness = any_page.execute_script("return getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
    assert (int(lightness) > 128) == (scheme == "light")
    assert any_page.execute_script(CONTRAST) == []
