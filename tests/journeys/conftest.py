"""A running dashboard on the demo city and a real browser, for every journey."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import missing

ROOT = Path(__file__).resolve().parents[2]
#: How long a page may take on a machine that does much else, milliseconds. Nothing here measures speed.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)

#: Debian's Chromium, drawing deck.gl maps without a graphics card and phoning nobody.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


def free_port() -> int:
    """Return a TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Dashboard:
    """A served store."""

    store: Path
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def serve(store: Path, log: Path, *options: str, **environment: str) -> Dashboard:
    """Start ``beatwise serve`` and wait until it answers."""
    port = free_port()
    command = [sys.executable, "-m", "cli", "serve", "--store", str(store), "--port", str(port), *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
    deadline = time.monotonic() + 60
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the dashboard ended with {process.returncode}: {log.read_text()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
                return Dashboard(store, port, process, log)
        except OSError as error:
            if time.monotonic() > deadline:
                process.kill()
                raise RuntimeError(f"the dashboard did not answer: {log.read_text()}") from error
            time.sleep(0.1)


def stop(dashboard: Dashboard) -> None:
    """End a served dashboard."""
    dashboard.process.send_signal(signal.SIGTERM)
    try:
        dashboard.process.wait(10)
    except subprocess.TimeoutExpired:
        dashboard.process.kill()
        dashboard.process.wait(10)


@pytest.fixture(scope="session")
def dashboard(demo_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """The demo city, served. Journeys write decisions into a copy, so that other tests see it as built."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(demo_store, folder / "store")
    served = serve(folder / "store", folder / "serve.log")
    yield served
    stop(served)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing("Chromium is not installed (Debian: apt-get install chromium)")
    with ExitStack() as stack:
        try:
            playwright = stack.enter_context(sync_playwright())
        except Exception as error:  # Playwright raises nothing narrower when its driver ends at once.
            missing(f"Playwright's driver does not start: {error} (Debian: apt-get install libatomic1)")
        launched = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield launched
        launched.close()


@dataclass
class Visitor:
    """One browser window, with every request it made."""

    page: Page
    url: str
    store: Path
    requests: list[str] = field(default_factory=list)

    def open(self, path: str = "") -> None:
        """Open a path of the dashboard and wait for Streamlit to finish its run."""
        self.page.goto(f"{self.url}/{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until the app has drawn itself and no script runs."""
        self.page.wait_for_selector("[data-testid='stApp']", timeout=PATIENCE_MS)
        self.page.wait_for_function(
            """() => {
                const app = document.querySelector("[data-testid='stApp']");
                return app && app.dataset.testScriptState === 'notRunning'
                  && !document.querySelector("[data-testid='stSkeleton']")
                  && document.querySelectorAll("[data-testid='stMarkdownContainer']").length > 0;
            }""",
            timeout=PATIENCE_MS,
        )
        self.page.wait_for_timeout(150)

    def await_map(self) -> None:
        """Wait until the first map of the page is drawn: its picture has more than a few different bytes."""
        canvas = self.page.locator("[data-testid='stDeckGlJsonChart']:not(.st-key-load_ahead *) canvas").first
        canvas.wait_for(timeout=PATIENCE_MS)
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while len(set(canvas.screenshot())) <= 200:
            assert time.monotonic() < deadline, "the map is one colour"
            self.page.wait_for_timeout(250)

    def tap_row(self, number: int) -> None:
        """Choose a row of the first table, 1 the first one; the table is a canvas."""
        table = self.page.locator("[data-testid='stDataFrame']").first
        table.scroll_into_view_if_needed()
        self.page.wait_for_timeout(500)
        box = table.bounding_box()
        assert box is not None
        # A header of 35 px, rows of 35 px, the mark to tap at the left.
        self.page.mouse.click(box["x"] + 17, box["y"] + 35 * (number + 0.5))
        self.settle()


@pytest.fixture
def visitor(dashboard: Dashboard, browser: Browser) -> Iterator[Visitor]:
    """A fresh window (no cookies), 1440 wide, that records every request."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="zh-CN")
    page = context.new_page()
    opened = Visitor(page, dashboard.url, dashboard.store)
    page.on("request", lambda request: opened.requests.append(request.url))
    page.on("websocket", lambda socket: opened.requests.append(socket.url))
    yield opened
    context.close()
