"""Load every file of the real data sets and write what became of its rows into docs/loads.md.

Run with ``python -m benchmarks.loads [NAME ...]``. The data sets lie in ``../shared/data`` beside the repository, or
where ``BEATWISE_SHARED_DATA`` says. Each set goes into a store of its own in a temporary folder. A file of a set that
is neither loaded nor excused here with a reason stops the run.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from data.integration.ingest import ingest
from data.integration.reports import FileReport
from data.store import Store

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "loads.md"
BEGIN, END = "<!-- loads: begin -->", "<!-- loads: end -->"
#: Day of the load: fixed, so that the table is the same whenever it is made.
NOW = datetime(2026, 1, 15, tzinfo=UTC)


@dataclass(frozen=True)
class DataSet:
    """One folder of data: which mapping reads which files, in order, and which files are not loaded and why.

    Attributes
    ----------
    loads
        (mapping, globs): each is one ingest into the same store.
    stated
        Glob → rows that SOURCE.md states per file; a dict keyed by file name.
    not_loaded
        Glob → reason. PDFs and SOURCE.md need none.
    """

    folder: str
    loads: tuple[tuple[str, tuple[str, ...]], ...]
    stated: dict[str, int] = field(default_factory=dict)
    not_loaded: dict[str, str] = field(default_factory=dict)

    def files(self, shared: Path, globs: tuple[str, ...]) -> list[Path]:
        """Return the files of some globs, in the order of the globs and then of their names."""
        found = [path for glob in globs for path in sorted((shared / self.folder).glob(glob))]
        return list(dict.fromkeys(found))


PLAN = {
    "portland": DataSet(
        "nij_portland",
        (
            ("portland", ("raw/*.xlsx", "portland_police_districts.geojson")),
            ("portland", ("calls_*.parquet",)),
            ("portland", ("raw/*_Data.zip", "raw/portland-police-districts.zip")),
        ),
        {
            "calls_all_2016-08_2017-02.parquet": 120_053,
            "calls_target3_2012-03_2017-02.parquet": 172_251,
            "calls_other_2012-03_2012-12.parquet": 120_088,
            "080116_083116_Data.zip": 19_376,
            "022217_022617_Data.zip": 2_798,
            "portland_police_districts.geojson": 60,
        },
        {"reference/*.txt": "published scores of a contest, prose and tables for people; no records"},
    ),
    "st_louis": DataSet(
        "st_louis",
        (
            ("st_louis", ("raw/*.csv", "boundaries/*", "population/*.csv")),
            ("st_louis", ("*.parquet",)),
        ),
        {"incidents_2008_2018.parquet": 595_155, "neighborhoods_88.geojson": 88, "wards.geojson": 14},
    ),
    "taipei": DataSet(
        "taipei_theft",
        (("taipei", ("raw/*.csv", "boundaries/*.geojson")),),
        {
            "residential.csv": 3_554,
            "bicycle.csv": 2_759,
            "motorcycle.csv": 1_986,
            "car.csv": 3_266,
            "robbery.csv": 22,
            "snatching.csv": 36,
            "taipei_villages.geojson": 456,
            "taipei_districts.geojson": 12,
        },
    ),
    "uk_police": DataSet(
        "uk_police",
        (
            ("uk_police", ("raw/*", "boundaries/*", "population/*")),
            ("uk_police", ("*.parquet",)),
        ),
        {
            "street_2018-10_2019-01.parquet": 1_378_203,
            "2018-07-west-yorkshire-street.csv": 31_635,
            "west_yorkshire_july_2016_2017_2018.parquet": 87_348,
            "lancashire_asb_2022.tab": 56_434,
            "lsoa_2011_population_households.csv": 34_753,
            "lsoa_to_police_force.parquet": 32_844,
            "lancashire_ward_pop.xlsx": 285,
            "lancashire_wards.gpkg": 271,
            "lancashire_districts.geojson": 14,
            "leeds_msoa_imd.geoparquet": 107,
        },
    ),
    "toronto": DataSet(
        "toronto_mci",
        (
            ("toronto", ("raw/mci_2019.csv", "boundaries/neighbourhood_crime_rates.geojson")),
            ("toronto", ("mci_to_2020.parquet",)),
            ("toronto_population", ("boundaries/neighbourhood_crime_rates.geojson",)),
        ),
        {"mci_to_2020.parquet": 211_901, "mci_2019.csv": 34_064, "neighbourhood_crime_rates.geojson": 140},
    ),
    "chicago": DataSet(
        "chicago",
        (
            ("chicago", ("raw/*.csv", "boundaries/*", "population/*")),
            ("chicago", ("*.parquet",)),
        ),
        {
            "aggravated_assaults_2010_2018.parquet": 133_308,
            "aggravated_assaults_2018.csv": 15_433,
            "crimes_2022_01_09_slim.parquet": 173_046,
            "crimes_2019_sample50k.parquet": 50_000,
            "police_beats.geojson": 277,
            "police_districts.geojson": 25,
            "community_areas.geojson": 77,
            "community_area_pop_2010.csv": 77,
            "community_area_acs_2014.csv": 77,
            "community_area_names.csv": 77,
        },
    ),
    "china_admin_codes": DataSet(
        "china_admin_codes",
        (
            ("china_admin_codes", ("*.csv",)),
            ("china_admin_codes", ("*.parquet",)),
        ),
        {
            "provinces.csv": 31,
            "cities.csv": 342,
            "areas.csv": 2_978,
            "streets.csv": 41_352,
            "villages_beijing_1101.csv": 7_535,
            "villages_hangzhou_3301.csv": 3_320,
            "villages_shenzhen_4403.csv": 788,
            "villages_all.parquet": 620_573,
        },
    ),
    "carrollton": DataSet(
        "carrollton_patrol",
        (
            ("carrollton", ("ReportingAreas_shapefile.zip", "*.csv")),
            ("carrollton", ("reporting_areas.geojson",)),
        ),
        {
            "ReportingAreas_shapefile.zip": 325,
            "reporting_areas.geojson": 325,
            "ra_workload.csv": 325,
            "ra_contiguity.csv": 1_528,
            "published_GLPK_Output5hours.csv": 325,
            "published_PMed_Results1.csv": 320,
        },
    ),
    "cad_workload_sample": DataSet(
        "cad_workload_sample",
        (
            ("cad_workload_sample", ("sample-*.json",)),
            ("seattle", ("seattle_*.csv",)),
        ),
        {"sample-cfs.json": 16_497, "sample-units.json": 504, "seattle_blaine_calls_2018_2023.csv": 222},
    ),
    "sacramento": DataSet(
        "sacramento_cad",
        (("sacramento", ("*.csv",)),),
        {"dispatch_2019_01_01_25.csv": 20_135},
    ),
    "san_diego": DataSet(
        "san_diego_cfs",
        (("san_diego", ("*.csv",)),),
        {"pd_calls_for_service_2023_01_01_16.csv": 20_845},
    ),
    "memphis": DataSet(
        "memphis_robbery",
        (("memphis", ("*.csv", "*.geojson")),),
        {"robberies_2019_01_10.csv": 1_840, "block_population_2020.csv": 10_393, "precincts.geojson": 9},
    ),
    "nyc": DataSet(
        "nyc_vehicle_thefts",
        (("nyc", ("*.parquet",)),),
        {"vehicle_thefts_2014_2016.parquet": 27_861},
    ),
}


def shared_folder() -> Path:
    """Return the folder of the real data sets."""
    return Path(os.environ.get("BEATWISE_SHARED_DATA") or ROOT.parent / "shared" / "data")


def unexplained(shared: Path, data_set: DataSet) -> list[str]:
    """Return the files of a set that are neither loaded nor excused."""
    folder = shared / data_set.folder
    known = {path for _, globs in data_set.loads for path in data_set.files(shared, globs)}
    known |= {path for glob in data_set.not_loaded for path in folder.glob(glob)}
    every = {path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pdf"}
    return sorted(str(path.relative_to(folder)) for path in every - known - {folder / "SOURCE.md"})


def load_set(shared: Path, data_set: DataSet, store: Store) -> Iterator[tuple[str, FileReport]]:
    """Ingest a set load by load and give the report of each file with its mapping."""
    for mapping, globs in data_set.loads:
        report = ingest(store, mapping, data_set.files(shared, globs), loaded_by="benchmarks.loads", now=NOW)
        for file in report.files:
            yield mapping, file


def row_of(mapping: str, report: FileReport, stated: int | None) -> str:
    """Return one line of the table."""
    refused = "; ".join(f"{count:,} `{reason}`" for reason, count in report.quarantined.items()) or "0"
    notes = "; ".join(f"{count:,} `{note}`" for note, count in report.notes.items())
    notes += "".join(
        f"{'; ' if notes else ''}dropped: {', '.join(report.personal_dropped)}" if report.personal_dropped else ""
    )
    cells = [
        f"`{report.file}`",
        mapping if mapping == report.kind else f"{mapping} / {report.kind}",
        report.table,
        "" if stated is None else f"{stated:,}",
        *(f"{count:,}" for count in (report.read, report.kept, report.new, report.unchanged, report.replaced)),
        refused,
        notes,
    ]
    return f"| {' | '.join(cells)} |"


HEAD = (
    "| file | mapping / [[file]] | table | SOURCE.md | read | kept | new | unchanged | replaced "
    "| quarantined | notes |\n"
    "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |"
)


def main(names: list[str]) -> int:
    """Load the sets named (all of them without a name); with all of them, rewrite the table."""
    shared = shared_folder()
    if not shared.is_dir():
        print(f"There is no folder {shared}. Set BEATWISE_SHARED_DATA.", file=sys.stderr)
        return 2
    parts: list[str] = []
    rows_read = rows_kept = files = 0
    for name in names or PLAN:
        data_set = PLAN[name]
        if left := unexplained(shared, data_set):
            print(f"{name}: neither loaded nor excused: {', '.join(left)}", file=sys.stderr)
            return 2
        lines = []
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="beatwise-loads-") as folder:
            for mapping, report in load_set(shared, data_set, Store.create(Path(folder) / "store")):
                report.check()
                lines.append(row_of(mapping, report, data_set.stated.get(report.file)))
                rows_read, rows_kept, files = rows_read + report.read, rows_kept + report.kept, files + 1
        seconds = time.perf_counter() - started
        excused = [f"Not loaded: `{glob}` ({reason})." for glob, reason in data_set.not_loaded.items()]
        parts.append(
            "\n".join([f"### {name} (`{data_set.folder}`)", "", HEAD, *lines, *(["", *excused] if excused else [])])
        )
        peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(parts[-1], f"\n[{name}: {seconds:.0f} s, peak of the process so far {peak_gb:.2f} GB]\n", flush=True)
    total = f"In all {files} files: {rows_read:,} rows read, {rows_kept:,} kept, {rows_read - rows_kept:,} quarantined."
    print(total)
    if not names:
        text = TABLE.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        body = "\n\n".join([total, *parts])
        TABLE.write_text(f"{before}{BEGIN}\n{body}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *PLAN], help="data sets; all of them without a name")
    sys.exit(main(parser.parse_args().names))
