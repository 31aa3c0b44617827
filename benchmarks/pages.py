"""How long a reader waits: cold start to the first map and page changes, beside bare Streamlit pages of the same run.

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
CANVAS = "[data-testid='stDeckGlJsonChart'] canvas"
#: What must stand before the map of a page can be read, as a picture.
FIRST_MAP = {
    "briefing": ("img.bw-sketch",),
    "hotspots": ("img.bw-standin", ".bw-legend", ".bw-reasons"),
}
#: The map one can move, over the picture.
DECK = f".st-key-map_itself {CANVAS}"
PEERS = {
    "empty": (
        "import streamlit as st\n"
        "def one(): st.markdown('one')\n"
        "def two(): st.markdown('two')\n"
        "st.navigation([st.Page(one, url_path='one'), st.Page(two, url_path='two')]).run()\n"
    ),
    "bare_map": (
        "import pydeck as pdk, streamlit as st\n"
        "square = pdk.Layer('PolygonLayer', [{'p': [[0, 0], [0, 1], [1, 1], [1, 0]]}], get_polygon='p')\n"
        "st.markdown('one')\n"
        "st.pydeck_chart(pdk.Deck([square], map_provider=None, initial_view_state=pdk.ViewState(0.5, 0.5, 7)))\n"
    ),
}
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
        # In turns, so that whatever else the machine does meets them alike.
        starts: dict[str, list[float]] = {"briefing": [], "hotspots": [], "deck": [], "empty": [], "bare_map": []}
        for _ in range(asked.runs):
            for page in FIRST_MAP:
                seen, whole = cold_start_s(chromium, store, Path(folder), page)
                starts[page].append(seen)
                if page == "hotspots":
                    starts["deck"].append(whole)
            for script in PEERS:
                starts[script].append(peer_start_s(chromium, Path(folder), script))
        report("cold start to the arrival page with its map", starts["briefing"], "empty page", starts["empty"])
        report("cold start to the hotspot map and its reasons", starts["hotspots"], "empty page", starts["empty"])
        report("cold start to the map one can move", starts["deck"], "page with an empty map", starts["bare_map"])
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


def cold_start_s(browser: Any, store: Path, folder: Path, name: str) -> tuple[float, float]:
    """Return the seconds from starting the server process to a page's map in the browser, and to the whole page.

    The whole page of the hotspots has the map one can move, which is sent last.
    """
    started = time.perf_counter()
    served = serve(store, folder / "serve.log")
    page = browser.new_page()
    page.goto(f"{served.url}/{name}?as=commander&lang=zh")
    for selector in FIRST_MAP[name]:
        page.wait_for_selector(selector, timeout=60_000)
    seen = time.perf_counter() - started
    if name == "hotspots":
        page.wait_for_selector(DECK, timeout=60_000)
    page.wait_for_function(FINISHED, timeout=60_000)
    whole = time.perf_counter() - started
    page.close()
    stop(served)
    return seen, whole


class Peer:
    """A Streamlit app that does next to nothing: what nobody who uses Streamlit can go below."""

    def __init__(self, folder: Path, name: str) -> None:
        script = folder / f"{name}.py"
        script.write_text(PEERS[name])
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

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def peer_start_s(browser: Any, folder: Path, name: str) -> float:
    """Return the same for a peer: to its first text, or to its map where it has one."""
    started = time.perf_counter()
    with Peer(folder, name) as app:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{app.port}/")
        page.wait_for_function(FINISHED, timeout=60_000)
        if name == "bare_map":
            page.wait_for_selector(CANVAS, timeout=60_000)
        taken = time.perf_counter() - started
        page.close()
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
    with Peer(folder, "empty") as app:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{app.port}/one")
        page.wait_for_function(FINISHED, timeout=60_000)
        floor = [click_s(page, f"a >> nth={number}", "") for _ in range(runs) for number in (1, 0)]
        page.close()
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
