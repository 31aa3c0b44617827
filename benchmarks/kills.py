"""Kill an ingest at random moments: the store must always open and be the old one or the new one.

    python -m benchmarks.kills              50 kills
    python -m benchmarks.kills --kills 8    a short run

Each kill is SIGKILL on a process of its own, at a moment drawn evenly over the time an undisturbed ingest takes (plus a
tenth, so that some come after the end). After each the store is opened and everything in it is read; a store that has
become the new one is put back to the old one. At the end the ingest runs undisturbed over whatever was left.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from data.integration.ingest import ingest
from data.snapshots import Snapshot, current_snapshot
from data.store import Store

ROOT = Path(__file__).resolve().parents[1]
MAPPING = Path(__file__).with_name("kills.toml")
NOW = datetime(2026, 1, 15, tzinfo=UTC)
ROWS = 20_000
CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from data.integration import batches, spill
from data.integration.ingest import ingest
from data.store import Store
batches.PIECE_BYTES, batches.PIECE_ROWS, spill.PART_ROWS = 300_000, 10_000, 5_000
print("ready", flush=True)
now = datetime(2026, 1, 15, tzinfo=UTC)
ingest(Store.open(sys.argv[1]), Path(sys.argv[2]), [Path(sys.argv[3])], loaded_by="kills", now=now)
"""


def write_files(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write a small first file and a larger second one that corrects half of it, with some rows to refuse."""
    head = "number,day,x,y,kind\n"
    first, second = folder / "first.csv", folder / "second.csv"
    first.write_text(head + "".join(f"{n},2025-01-{1 + n % 28:02d},120.5,30.5,theft\n" for n in range(2_000)))
    second.write_text(
        head
        + "".join(
            f"{n},2025-02-{1 + n % 30:02d},{120 + n % 997 / 1000},30.5,fraud\n" for n in range(1_000, 1_000 + rows)
        )
    )
    return first, second


def start(store: Path, path: Path) -> subprocess.Popen[bytes]:
    """Start an ingest in a process of its own and wait until it has imported what it needs."""
    command = [sys.executable, "-c", CHILD, str(store), str(MAPPING), str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment)
    if child.stdout is not None:
        child.stdout.readline()
    return child


def contents(store: Store) -> tuple[str, int, int, int]:
    """Open the store and read all of its newest snapshot: id, calls, incidents, refused rows."""
    snapshot = current_snapshot(store)
    calls, incidents = snapshot.read("calls"), snapshot.read("incidents")
    if sorted(calls["record_key"]) != sorted(incidents["incident_id"]):
        raise SystemExit("the incidents are not those of the calls")
    return snapshot.snapshot_id, calls.height, incidents.height, snapshot.quarantine().select(pl.len()).collect().item()


def kill_often(kills: int, folder: Path, *, seed: int = 1, rows: int = ROWS) -> Counter[str]:
    """Kill an ingest ``kills`` times and return how often the store was found old and new.

    Raises
    ------
    SystemExit
        If the store was ever anything else.
    """
    first, second = write_files(folder, rows)
    base = folder / "base"
    ingest(Store.create(base), MAPPING, [first], loaded_by="kills", now=NOW)
    old = contents(Store.open(base))
    undisturbed = folder / "undisturbed"
    shutil.copytree(base, undisturbed)
    child = start(undisturbed, second)
    began = time.perf_counter()
    child.communicate()
    lasts_s = time.perf_counter() - began
    new = contents(Store.open(undisturbed))
    chance = random.Random(seed)
    store = folder / "store"
    shutil.copytree(base, store)
    found: Counter[str] = Counter()
    for number in range(kills):
        child = start(store, second)
        # Even steps with a random shift: short runs, too, come by every stage.
        time.sleep(lasts_s * 1.1 * (number + chance.random()) / kills)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        state = contents(Store.open(store))
        if state not in (old, new):
            raise SystemExit(f"killed, the store was neither old {old} nor new {new} but {state}")
        found["old" if state == old else "new"] += 1
        if state == new:
            if Snapshot(Store.open(store), old[0]).read("calls").height != old[1]:
                raise SystemExit("the old snapshot has changed")
            shutil.rmtree(store)
            shutil.copytree(base, store)
    child = start(store, second)
    child.communicate()
    if contents(Store.open(store)) != new:
        raise SystemExit("after the kills an undisturbed ingest did not give the new store")
    if any((store / "scratch").iterdir()):
        raise SystemExit("unfinished work was left in the store")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="beatwise-kills-") as name:
        found = kill_often(chosen.kills, Path(name), seed=chosen.seed)
    print(f"{chosen.kills} kills: {found['old']} times the old store, {found['new']} times the new one, never another")


if __name__ == "__main__":
    main()
