"""What every test may ask for: the real data sets, the demo city, and an honest way to skip.

A test that lacks its data, browser or database skips with a message on a developer's machine. Where
BEATWISE_REQUIRE_ALL is set (``.ci/run`` sets it) nothing may be missing, and the same test fails instead.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# No test is timed: on a busy machine an example takes as long as it takes. A verdict on a commit must not change from
# one run to the next, so `.ci/run` tries the same examples every time; everywhere else they are drawn anew.
settings.register_profile("beatwise", deadline=None, derandomize=bool(os.environ.get("BEATWISE_REQUIRE_ALL")))
settings.load_profile("beatwise")


def missing(what: str) -> NoReturn:
    """Skip with a message, or fail where nothing may be missing."""
    if os.environ.get("BEATWISE_REQUIRE_ALL"):
        pytest.fail(f"{what}, and BEATWISE_REQUIRE_ALL is set")
    pytest.skip(what)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets: BEATWISE_SHARED_DATA, else ../shared/data beside the repository."""
    folder = Path(os.environ.get("BEATWISE_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "INDEX.md").is_file():
        missing(f"the real data sets are not at {folder} (set BEATWISE_SHARED_DATA)")
    return folder


def run_cli(*arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run ``beatwise`` as another program would."""
    command = [sys.executable, "-m", "cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"beatwise {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stderr}")
    return done


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo city as ``beatwise demo`` builds it, once for all workers of a test run. Read only: copy to write.

    BEATWISE_DEMO_STORE names one built before, for a developer who runs a journey again and again.
    """
    if os.environ.get("BEATWISE_DEMO_STORE"):
        return Path(os.environ["BEATWISE_DEMO_STORE"])
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    store = shared / "demo-store"
    with (shared / "demo-store.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "demo-store.done").exists():
            run_cli("demo", "--store", store)
            (shared / "demo-store.done").touch()
    return store
