"""A real browser for tests: headless Chromium, offline except for loopback, which reports what went wrong in it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER: Final = next(filter(None, map(shutil.which, ("chromedriver", "chromium.chromedriver"))), None)

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="chromium and chromedriver are not installed"
)

OPTIONS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@contextmanager
def chromium(folder: Path, *, width: int = 1280, height: int = 1000) -> Iterator[Any]:
    """A browser with its own profile in a folder."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for option in (*OPTIONS, f"--window-size={width},{height}", f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    driver = webdriver.Chrome(options=options, service=Service(DRIVER, env=environment))
    driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    try:
        yield driver
    finally:
        driver.quit()


def worked(driver: Any) -> float:
    """Milliseconds of processor time that the page has taken so far, however busy the machine is."""
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return 1000 * float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def complaints(driver: Any) -> list[str]:
    """What the console has printed since the last call, except about missing images: there is no network here."""
    told = [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    return [text for text in told if "ERR_NAME_NOT_RESOLVED" not in text]


def requested(driver: Any) -> set[str]:
    """The URLs requested since the last call, without `data:` URLs and the browser's own pages."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    return {url for url in urls if not url.startswith(("data:", "chrome:"))}
