"""How long a reader waits: cold start to the first map and page changes, beside an empty Streamlit page of one run.

Run with ``python -m benchmarks.pages --store DIR [--runs N]`` on the demo city; needs Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.journeys.conftest import CHROMIUM_FLAGS, free_port, serve, stop

PAGES = ("briefing", "hotspots", "staffing", "my_beat", "trends")
FINISHED = """() => {
  const app = document.querySelector("[data-testid='stApp']");
  return app && app.dataset.testScriptState === 'notRunning'
    && !document.querySelector("[data-testid='stSkeleton']")
    && document.querySelectorAll("[data-testid='stMarkdownContainer']").length > 0;
}"""


def main() -> None:
    """Measure and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store = Path(folder) / "store"
        shutil.copytree(asked.store, store)
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        cold = [cold_start_s(chromium, store, Path(folder)) for _ in range(asked.runs)]
        empty = [empty_start_s(chromium, Path(folder)) for _ in range(asked.runs)]
        report("cold start to the first map", cold, "empty Streamlit page, cold start", empty)
        changes, empty_changes = page_changes_s(chromium, store, Path(folder), asked.runs)
        report("page change (menu)", changes, "empty Streamlit page, page change", empty_changes)
        chromium.close()


def report(name: str, seconds: list[float], peer: str, peer_seconds: list[float]) -> None:
    """Print one comparison as a line of a Markdown table."""
    median, peer_median = statistics.median(seconds), statistics.median(peer_seconds)
    worst = max(seconds)
    print(
        f"| {name} | {median:.2f} s (worst {worst:.2f}) | {peer} | {peer_median:.2f} s | {median / peer_median:.1f}× |"
    )


def cold_start_s(browser: Any, store: Path, folder: Path) -> float:
    """Return the seconds from starting the server process to a drawn map in the browser."""
    started = time.perf_counter()
    served = serve(store, folder / "serve.log")
    page = browser.new_page()
    page.goto(f"{served.url}/hotspots?as=commander&lang=zh")
    page.wait_for_selector("[data-testid='stDeckGlJsonChart'] canvas", timeout=60_000)
    taken = time.perf_counter() - started
    page.close()
    stop(served)
    return taken


class Empty:
    """A Streamlit app of two empty pages: the floor nobody who uses Streamlit can go below."""

    def __init__(self, folder: Path) -> None:
        script = folder / "empty.py"
        script.write_text(
            "import streamlit as st\n"
            "def one(): st.markdown('one')\n"
            "def two(): st.markdown('two')\n"
            "st.navigation([st.Page(one, url_path='one'), st.Page(two, url_path='two')]).run()\n"
        )
        self.port = free_port()
        options = ["--server.headless", "true", "--browser.gatherUsageStats", "false", "--server.port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_stcore/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.05)

    def end(self) -> None:
        """Stop the server."""
        self.process.terminate()
        self.process.wait()


def empty_start_s(browser: Any, folder: Path) -> float:
    """Return the same for the empty app, to its first text."""
    started = time.perf_counter()
    app = Empty(folder)
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{app.port}/")
    page.wait_for_function(FINISHED, timeout=60_000)
    taken = time.perf_counter() - started
    page.close()
    app.end()
    return taken


def page_changes_s(browser: Any, store: Path, folder: Path, runs: int) -> tuple[list[float], list[float]]:
    """Return the seconds from a click in the menu to the finished page, every page in turn; one round warms up."""
    served = serve(store, folder / "serve.log")
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.goto(f"{served.url}/briefing?as=commander&lang=zh")
    page.wait_for_function(FINISHED, timeout=60_000)
    taken = []
    for number in range(runs + 1):
        for name in (*PAGES[1:], PAGES[0]):
            seconds = click_s(page, f"a[href$='/{name}'], a[href*='/{name}?']", f"/{name}")
            if number:
                taken.append(seconds)
    page.close()
    stop(served)
    app = Empty(folder)
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{app.port}/one")
    page.wait_for_function(FINISHED, timeout=60_000)
    floor = [click_s(page, f"a >> nth={number}", "") for _ in range(runs) for number in (1, 0)]
    page.close()
    app.end()
    return taken, floor


def click_s(page: Page, selector: str, address: str) -> float:
    """Click a menu entry; wait until the address changed and the script has finished."""
    started = time.perf_counter()
    # Clicked by script: a drawn map keeps a software renderer too busy for Playwright to call the link stable.
    page.locator("[data-testid='stSidebarNav']").locator(selector).first.evaluate("link => link.click()")
    if address:
        page.wait_for_url(f"**{address}*")
    page.wait_for_timeout(50)
    page.wait_for_function(FINISHED, timeout=60_000)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
