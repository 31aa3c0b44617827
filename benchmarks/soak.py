"""What a year of daily loads costs: seconds and bytes of a load, its report and a reading, as loads add up.

Run with ``python -m benchmarks.soak [--days N] [--calls N]``. The calls are made up; a tenth of each file corrects
calls of the days before. Nothing is published.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from data.integration.ingest import ingest
from data.quality.measures import quality_history
from data.snapshots import current_snapshot
from data.store import Store
from data.tidying import tidy

MAPPING = """format = 1
[source]
name = "daily"
title_zh = "每日导出"
title_en = "Daily export"
legal_basis = "published-open-data"
purpose = "workload-and-place-analysis"
[source.jurisdiction]
code = "zz-daily"
name_zh = "某市公安局"
name_en = "A city"
timezone = "Asia/Shanghai"
analysis_crs = "EPSG:4549"
[[file]]
name = "calls"
table = "calls"
format = "csv"
headers = ["id", "at"]
identity = "call_id"
[file.columns]
call_id = { from = "id" }
category_intake = { from = "kind" }
unit_code = { from = "station" }
[file.time]
at = { from = "at", formats = ["%Y-%m-%d %H:%M"] }
[file.point]
x = { from = "x" }
y = { from = "y" }
crs = "EPSG:4490"
"""
FIRST = datetime(2025, 1, 1, 1, tzinfo=UTC)


def main() -> None:
    """Load a year and print a line at every tenth of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--calls", type=int, default=800, help="a day")
    asked = parser.parse_args()
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        store, mapping = Store.create(Path(folder) / "store"), Path(folder) / "daily.toml"
        mapping.write_text(MAPPING, encoding="utf-8")
        names = (
            "loads",
            "calls",
            "load, s CPU",
            "its quality, s CPU",
            "read all calls, s CPU",
            "loads, MB",
            "views, MB",
        )
        print("| " + " | ".join(names) + " |\n" + "| --- " * len(names) + "|")
        for day in range(asked.days):
            path = Path(folder) / f"{day}.csv"
            path.write_text(file_of(day, asked.calls, chance), encoding="utf-8")
            now = FIRST + timedelta(days=day + 1)

            def load(path: Path = path, now: datetime = now) -> Any:
                return ingest(store, mapping, [path], loaded_by="benchmark", now=now)

            spent, _ = seconds(load)
            judging, _ = seconds(lambda: quality_history(store))
            if day % max(asked.days // 10, 1) == 0 or day == asked.days - 1:
                reading, rows = seconds(lambda: current_snapshot(store).read("calls").height)
                cells = [day + 1, f"{rows:,}", f"{spent:.2f}", f"{judging:.2f}", f"{reading:.2f}"]
                sizes = [f"{megabytes(part):.1f}" for part in (store.loads, store.snapshots)]
                print("| " + " | ".join(map(str, [*cells, *sizes])) + " |", flush=True)
        freed = tidy(store, tidied_by="benchmark", now=now + timedelta(days=1))
        print(f"\n{freed.to_text()}; views now {megabytes(store.snapshots):.1f} MB")


def file_of(day: int, calls: int, chance: random.Random) -> str:
    """Return the export of a day: its calls, and corrections of a tenth as many earlier ones."""
    numbers = [day * calls + number for number in range(calls)]
    earlier = [chance.randrange(max(day - 30, 0) * calls, day * calls) for _ in range(calls // 10)] if day else []
    lines = ["id,at,kind,station,x,y"]
    for number in dict.fromkeys([*numbers, *earlier]):
        at = FIRST + timedelta(days=number // calls, minutes=number % 1440)
        place = f"{120 + chance.random() / 10:.6f},{30 + chance.random() / 10:.6f}"
        lines.append(f"{number},{at:%Y-%m-%d %H:%M},{chance.randrange(40):04},S{chance.randrange(9)},{place}")
    return "\n".join(lines) + "\n"


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor seconds of some work, and what it gave."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def megabytes(folder: Path) -> float:
    """Return the size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
