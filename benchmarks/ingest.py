"""Ingest of police.uk files against bare Polars and against pandas + GeoPandas: time, peak memory, ratios.

    python -m benchmarks.ingest                     West Yorkshire (one raw file) and the country (1.4 M rows), 3 runs
    python -m benchmarks.ingest --times 10 --runs 1 the country ten times over (13.8 M rows), by month
    python -m benchmarks.ingest --times 73 --runs 1 --only beatwise      100 M rows; takes about 2.3 GB per 10 M rows
    python -m benchmarks.ingest --steps             where the processor time of beatwise goes, one run of each case

Every measurement is a process of its own; its peak memory is what the operating system says (VmHWM).

- *beatwise*: raw files → checked, numbered, validated load → beats assigned by polygon → snapshot, synced to disk.
- *floor*: bare Polars reads the columns the mapping reads, and does nothing with them. It is the floor of the aim.
- *rewrite*: bare Polars reads these columns and writes them to one Parquet file: what keeping the rows costs at least,
  without keys, checks, beats or reports. It is told beside the floor, not in its place.
- *pandas*: the same job in pandas and GeoPandas (``benchmarks.peer``): what the aim of six times is told against. Rows
  kept, refused and assigned must be those of beatwise, or the run stops.
- *bare join*: pandas reads the same columns, checks month, type and coordinates, numbers identical rows, assigns beats
  with ``GeoDataFrame.sjoin`` and writes Parquet. No digests, no quarantine, no personal values, no second table, no
  counts by file, nothing synced. Much less than the job; told beside the other.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
MAPPING = Path(__file__).with_name("uk_police.toml")
COLUMNS = [
    *("Month", "Falls within", "Longitude", "Latitude", "LSOA code"),
    *("Crime type", "Last outcome category"),
]
WAYS = ("floor", "rewrite", "beatwise", "pandas", "bare_join")
#: Ways that do the whole job and must come to the same rows.
WHOLE = ("beatwise", "pandas")
NOW = datetime(2026, 1, 15, tzinfo=UTC)
#: Functions whose processor time is told by --steps, with what they call: label, end of the file's path, name.
STEPS = (
    ("all, without imports", "integration/ingest.py", "ingest"),
    ("files matched to the mapping, digests", "sources/matching.py", "fit_of"),
    ("  of it GeoJSON parsed", "reading/geojson.py", "_features"),
    ("text files read", "reading/text.py", "read_texts"),
    ("text to canonical values", "integration/canonical.py", "to_canonical"),
    ("  of it personal values looked for", "sources/personal_values.py", "scrub"),
    ("  of it values read by rule", "integration/canonical.py", "_evaluate"),
    ("  of it checked against the schema", "integration/canonical.py", "_obey_schema"),
    ("  of it digests of keys", "integration/keys.py", "with_digests"),
    ("identical rows numbered", "integration/numbering.py", "with_numbers"),
    ("rows merged and written", "integration/draft.py", "write"),
    ("  of it keys written out", "integration/numbering.py", "number_rows"),
    ("  of it versions merged", "integration/merging.py", "merge_versions"),
    ("incident view", "data/snapshots.py", "write_snapshot"),
    ("  of it calls read again", "integration/merging.py", "read_loads"),
    ("  of it areas assigned", "integration/areas.py", "assign_areas"),
    ("  of it checked against the schema", "dataframely/schema.py", "validate"),
)


def shared_data() -> Path:
    return Path(os.environ.get("BEATWISE_SHARED_DATA", ROOT.parent / "shared" / "data")) / "uk_police"


def write_country(folder: Path, times: int) -> list[Path]:
    """Write the country's street Parquet as the published CSV layout, one file a force and month, ``times`` over.

    Each further copy is four months later and 30 m apart, so that no row of one copy equals a row of another.
    """
    import polars as pl

    street = pl.read_parquet(shared_data() / "street_2018-10_2019-01.parquet")
    paths = []
    for copy in range(times):
        month = (pl.col("month") + "-01").str.to_date().dt.offset_by(f"-{4 * copy}mo").dt.strftime("%Y-%m")
        moved = street.with_columns(month.alias("month"), (pl.col("latitude") + 0.0003 * (copy % 30)).round(6))
        for (name, force), rows in moved.partition_by("month", "force", as_dict=True).items():
            path = folder / f"{name}-{force}-street.csv"
            rows.select(
                pl.lit("").alias("Crime ID"),
                pl.col("month").alias("Month"),
                pl.col("falls_within").alias("Reported by"),
                pl.col("falls_within").alias("Falls within"),
                pl.col("longitude").alias("Longitude"),
                pl.col("latitude").alias("Latitude"),
                pl.col("location").alias("Location"),
                pl.col("lsoa_code").alias("LSOA code"),
                pl.col("lsoa_name").alias("LSOA name"),
                pl.col("crime_type").alias("Crime type"),
                pl.col("last_outcome_category").alias("Last outcome category"),
                pl.lit("").alias("Context"),
            ).write_csv(path)
            paths.append(path)
    return sorted(paths)


def write_beats(folder: Path) -> Path:
    """Write beats to assign: Voronoi cells of the mean point of each neighbourhood (about 7,000), edges cut to 200 m.

    Real boundaries of the whole country are not among the shared data; edges are cut so that polygons are as long as
    real ones.
    """
    import geopandas
    import polars as pl
    import shapely

    street = pl.read_parquet(
        shared_data() / "street_2018-10_2019-01.parquet", columns=["longitude", "latitude", "lsoa_name"]
    )
    centres = (
        street.drop_nulls()
        .group_by(pl.col("lsoa_name").str.head(-1).alias("name"))
        .agg(pl.col("longitude").mean(), pl.col("latitude").mean())
        .sort("name")
    )
    points = shapely.multipoints(centres.select("longitude", "latitude").to_numpy())
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=shapely.box(-9, 49, 3, 56)))
    cells = shapely.segmentize(shapely.intersection(cells, shapely.box(-9, 49, 3, 56)), 0.002)
    path = folder / "beats.geojson"
    codes = [f"B{place:05d}" for place in range(len(cells))]
    geopandas.GeoDataFrame({"beat_code": codes}, geometry=cells, crs="EPSG:4326").to_file(path, driver="GeoJSON")
    return path


def run_floor(paths: list[Path], beats: Path, folder: Path) -> int:
    import polars as pl

    return pl.scan_csv(paths, schema_overrides=dict.fromkeys(COLUMNS, pl.String)).select(COLUMNS).collect().height


def run_rewrite(paths: list[Path], beats: Path, folder: Path) -> int:
    import polars as pl

    rows = pl.scan_csv(paths, schema_overrides=dict.fromkeys(COLUMNS, pl.String)).select(COLUMNS).collect()
    rows.write_parquet(folder / "rows.parquet", compression_level=1)
    return rows.height


def run_beatwise(paths: list[Path], beats: Path, folder: Path) -> int:
    # As the command does.
    from data.memory import keep_freed_memory

    keep_freed_memory()
    from data.integration.ingest import ingest
    from data.store import Store

    store = Store.create(folder / "store")
    report = ingest(store, MAPPING, [beats, *paths], loaded_by="benchmark", now=NOW)
    return sum(file.read for file in report.files if file.table == "calls")


def run_pandas(paths: list[Path], beats: Path, folder: Path) -> int:
    from benchmarks import peer

    manifest = peer.ingest(paths, beats, folder, (NOW + timedelta(days=1)).date())
    return sum(file["read"] for file in manifest["files"])


def run_bare_join(paths: list[Path], beats: Path, folder: Path) -> int:
    import geopandas
    import pandas

    frames = [pandas.read_csv(path, usecols=COLUMNS).assign(source_file=path.name) for path in paths]
    rows = pandas.concat(frames, ignore_index=True)
    rows["month"] = pandas.to_datetime(rows["Month"], format="%Y-%m", errors="coerce")
    good = (
        rows["month"].notna() & rows["Crime type"].notna() & rows["Longitude"].between(-180, 180)
        | rows["Longitude"].isna()
    )
    rows = rows[good]
    identity = ["Crime type", "Month", "Longitude", "Latitude", "Falls within"]
    rows["number"] = rows.groupby(["source_file", *identity], dropna=False).cumcount() + 1
    points = geopandas.GeoDataFrame(
        rows, geometry=geopandas.points_from_xy(rows["Longitude"], rows["Latitude"]), crs="EPSG:4326"
    )
    areas = geopandas.read_file(beats)[["beat_code", "geometry"]]
    joined = points.sjoin(areas, how="left", predicate="within")
    joined = joined[~joined.index.duplicated()]
    joined.drop(columns=["geometry", "index_right"]).to_parquet(folder / "calls.parquet")
    return len(joined)


RUNNERS = {
    "floor": run_floor,
    "rewrite": run_rewrite,
    "beatwise": run_beatwise,
    "pandas": run_pandas,
    "bare_join": run_bare_join,
}


def outcome(way: str, folder: Path) -> dict[str, Any]:
    """Return what a way that does the whole job came to: refused rows by file and reason, a digest of what it kept."""
    import polars as pl

    store = folder / "store"
    if way == "beatwise":
        (load,) = (json.loads(path.read_text()) for path in store.glob("loads/*/load.json"))
        files = [file for file in load["files"] if file["table"] == "calls"]
        parts = [*store.glob("snapshots/*/incidents.parquet"), *store.glob("snapshots/*/incidents/*.parquet")]
    else:
        files = json.loads((store / "manifest.json").read_text())["files"]
        parts = [store / "incidents.parquet"]
    told = [pl.col(name).cast(pl.String) for name in ("category", "beat_code", "station_code", "location_level")]
    counted = (
        pl.scan_parquet(parts)
        .group_by(*told, pl.col("occurred_on").cast(pl.Date), pl.col("category_detail").cast(pl.String))
        .agg(pl.len(), *((pl.col(axis) * 1e7).round().cast(pl.Int64).sum() for axis in ("lon", "lat")))
        .sort(pl.all())
        .collect()
    )
    return {
        "files": {file["file"]: [file["read"], file["kept"], sorted(file["quarantined"].items())] for file in files},
        "kept": sha256(counted.write_csv().encode()).hexdigest(),
    }


class AtOnce(Executor):
    """An executor that does the work where it is asked for."""

    def __init__(self, workers: int = 1, thread_name_prefix: str = "") -> None:
        """Take what a pool of threads takes."""

    def submit(self, work: Any, /, *given: Any, **named: Any) -> Future[Any]:
        """Do it now."""
        done: Future[Any] = Future()
        done.set_result(work(*given, **named))
        return done


def tell_steps(title: str, paths: list[Path], beats: Path, folder: Path) -> None:
    """Run beatwise once in this process and print the processor seconds, of all threads, by step."""
    import data.integration.ingest  # noqa: F401  (imports are not part of the steps)
    from data.sources.reading import geojson

    geojson._features.cache_clear()

    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        # What other threads do meanwhile is done by this one, so that it is told as well.
        profile = cProfile.Profile(time.process_time)
        with ExitStack() as patched:
            for module in ("data.integration.draft", "data.integration.ingest"):
                patched.enter_context(mock.patch(f"{module}.ahead", lambda items, most=1: iter(items)))
            for module in ("data.integration.draft", "data.integration.ingest", "data.snapshots"):
                patched.enter_context(mock.patch(f"{module}.ThreadPoolExecutor", AtOnce))
            profile.runcall(run_beatwise, paths, beats, Path(scratch))
    found = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    print(f"\n{title}\n{'step':<40}{'cpu s':>8}")
    for label, file, name in STEPS:
        spent = sum(
            entry[3] for (path, _, function), entry in found.items() if path.endswith(file) and function == name
        )
        print(f"{label:<40}{spent:>8.2f}")


def measure(way: str, case: Path) -> dict[str, Any]:
    """Run one way in a process of its own; wall and processor seconds, peak memory in GB."""
    with tempfile.TemporaryDirectory(dir=case.parent) as folder:
        command = [sys.executable, "-m", "benchmarks.ingest", "--one", way, str(case), folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        return dict(json.loads(done.stdout.splitlines()[-1]))


def peak_gb() -> float:
    """Most memory this process had. Not ``ru_maxrss``: that begins at what the process it was started by had."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e9


def run_one(way: str, case: Path, folder: Path) -> None:
    files = [Path(line) for line in case.read_text().splitlines()]
    start, cpu = time.perf_counter(), time.process_time()
    rows = RUNNERS[way](files[1:], files[0], folder)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = peak_gb()
    came_to = sha256(json.dumps(outcome(way, folder), sort_keys=True).encode()).hexdigest() if way in WHOLE else None
    print(json.dumps({"rows": rows, "wall_s": wall, "cpu_s": cpu, "peak_gb": peak, "outcome": came_to}))


def compare(title: str, paths: list[Path], beats: Path, folder: Path, runs: int, ways: list[str]) -> None:
    """Measure all ways in turn, several times, and print medians and ratios."""
    case = folder / "case.txt"
    case.write_text("\n".join(map(str, [beats, *paths])))
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for _ in range(runs):
        for way in ways:
            found[way].append(measure(way, case))
    outcomes = [one["outcome"] for way in WHOLE for one in found.get(way, [])]
    if any(one != outcomes[0] for one in outcomes):
        raise SystemExit("beatwise and the same job in pandas do not come to the same rows.")
    size = sum(path.stat().st_size for path in paths) / 1e6
    print(f"\n{title}: {found[ways[0]][0]['rows']:,.0f} rows, {len(paths)} files, {size:,.0f} MB, median of {runs}")
    print(f"{'':<11}{'wall s':>9}{'cpu s':>9}{'peak GB':>9}")
    middle = {
        way: {key: statistics.median(one[key] for one in several) for key in ("wall_s", "cpu_s", "peak_gb")}
        for way, several in found.items()
    }
    for way, one in middle.items():
        print(f"{way:<11}{one['wall_s']:>9.2f}{one['cpu_s']:>9.2f}{one['peak_gb']:>9.2f}")
    for other in ("floor", "rewrite", "pandas", "bare_join"):
        if {other, "beatwise"} <= set(ways):
            ours, theirs = middle["beatwise"], middle[other]
            print(
                f"beatwise / {other}: wall {ours['wall_s'] / theirs['wall_s']:.2f}, "
                f"cpu {ours['cpu_s'] / theirs['cpu_s']:.2f}, memory {ours['peak_gb'] / theirs['peak_gb']:.2f}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1, help="how often the country is repeated")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=WAYS, action="append")
    parser.add_argument("--steps", action="store_true", help="processor time of beatwise by step")
    parser.add_argument("--one", nargs=3, metavar=("WAY", "CASE", "FOLDER"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        run_one(chosen.one[0], Path(chosen.one[1]), Path(chosen.one[2]))
        return
    if not shared_data().is_dir():
        raise SystemExit(f"{shared_data()} is not there; set BEATWISE_SHARED_DATA.")
    ways = [way for way in WAYS if way in (chosen.only or WAYS)]
    with tempfile.TemporaryDirectory(prefix="beatwise-benchmark-") as name:
        folder = Path(name)
        beats = write_beats(folder)
        if chosen.times == 1:
            raw = [shared_data() / "raw" / "2018-07-west-yorkshire-street.csv"]
            title = "West Yorkshire, one raw file"
            if chosen.steps:
                tell_steps(title, raw, beats, folder)
            else:
                compare(title, raw, beats, folder, chosen.runs, ways)
        csvs = folder / "csv"
        csvs.mkdir()
        paths = write_country(csvs, chosen.times)
        title = f"Country × {chosen.times}"
        if chosen.steps:
            tell_steps(title, paths, beats, folder)
        else:
            compare(title, paths, beats, folder, chosen.runs, ways)


if __name__ == "__main__":
    main()
