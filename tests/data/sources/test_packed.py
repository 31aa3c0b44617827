"""Packed files: every member a file of its own, unpacked with guards, and nothing left behind."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import polars as pl
import pytest

from data.errors import SourceError
from data.files import owned_folder, sha256_of_file
from data.integration.ingest import IngestReport, ingest
from data.snapshots import current_snapshot
from data.sources import packed
from data.sources.check import PackedCheck, SourceCheck, check_file
from data.sources.mapping import parse_mapping
from data.sources.packed import PREFIX, unpacked
from data.sources.propose import propose_mapping
from data.store import Store
from tests.conftest import ROOT
from tests.data.sources.packing import CALLS, CITY, MORE, NOW, ONE, load, zipped


def counts(report: IngestReport) -> list[tuple[str, int, int, int, int]]:
    return [(one.file, one.read, one.kept, one.new, one.unchanged) for one in report.files]


def calls_of(store: Store) -> pl.DataFrame:
    calls = current_snapshot(store).read("calls")
    return calls.drop("load_id", "source_file").sort("record_key")


@pytest.mark.parametrize("ending", ONE)
def test_a_packed_file_is_the_file_itself(store: Store, tmp_path: Path, ending: str) -> None:
    plain, inside = tmp_path / "calls.csv", tmp_path / f"calls.csv{ending}"
    plain.write_text(CALLS)
    inside.write_bytes(ONE[ending](CALLS.encode()))
    report = load(store, inside)
    assert counts(report) == [(f"calls.csv{ending}", 9, 9, 9, 0)]
    assert report.files[0].sha256 == sha256_of_file(plain)
    assert report.files[0].archive_sha256 == sha256_of_file(inside)
    again = load(store, plain)
    assert again.already_loaded
    assert again.snapshot_id == report.snapshot_id
    check = check_file(inside, CITY)
    assert isinstance(check, SourceCheck)
    assert check.fitting == ["city"]
    proposal = propose_mapping([inside])
    assert [one.file for one in proposal.files] == [f"calls.csv{ending}"]
    assert 'name = "calls"' in proposal.toml


def test_members_of_an_archive_are_files_of_their_own(store: Store, tmp_path: Path) -> None:
    members: dict[str, str | bytes] = {"2026-01/east.csv": CALLS, "2026-01/west.csv": MORE, "notes/README.pdf": "%PDF"}
    archive = zipped(tmp_path / "month.zip", {**members, "other.csv": "a,b\n1,2\n", "__MACOSX/._east.csv": "x"})
    report = load(store, archive)
    assert counts(report) == [
        ("month.zip/2026-01/east.csv", 9, 9, 9, 0),
        ("month.zip/2026-01/west.csv", 9, 9, 9, 0),
    ]
    assert {one.file: one.reason for one in report.unread} == {
        "month.zip/notes/README.pdf": "the ending .pdf is not known",
        "month.zip/__MACOSX/._east.csv": "the packing program added it",
        "month.zip/other.csv": "the file fits nothing in the mapping 'city'.",
    }
    assert "not read: month.zip/other.csv" in report.to_text()
    kept = json.loads((store.loads / report.load_id / "load.json").read_text())
    assert [one["file"] for one in kept["unread"]] == [one.file for one in report.unread]
    assert {one["archive_sha256"] for one in kept["files"]} == {sha256_of_file(archive)}
    sources = current_snapshot(store).read("calls")["source_file"].unique().to_list()
    assert sorted(sources) == [one.file for one in report.files]
    assert not any(store.scratch.glob(f"{PREFIX}*"))


def test_packed_and_unpacked_give_the_same_rows_and_change_nothing_twice(tmp_path: Path) -> None:
    plain = []
    for name, content in {"a.csv": CALLS, "b.csv": MORE}.items():
        (tmp_path / name).write_text(content)
        plain.append(tmp_path / name)
    archive = zipped(tmp_path / "both.zip", {"x/a.csv": CALLS, "y/b.csv": MORE})
    first, second = Store.create(tmp_path / "first"), Store.create(tmp_path / "second")
    load(first, archive)
    load(second, *plain)
    assert calls_of(first).equals(calls_of(second))
    assert load(first, *plain).already_loaded
    assert load(second, archive).already_loaded
    # One of them alone is another load, in which every row is known.
    assert [one.unchanged for one in load(first, plain[0]).files] == [9]
    assert calls_of(first).equals(calls_of(second))


def test_the_sheet_and_the_shapes_in_an_archive_are_read(tmp_path: Path) -> None:
    import xlsxwriter

    book = tmp_path / "calls.xlsx"
    with xlsxwriter.Workbook(book) as workbook:
        page = workbook.add_worksheet()
        for row, line in enumerate(CALLS.splitlines()):
            page.write_row(row, 0, line.split(","))
    square = [[[0, 0], [0, 1], [1, 1], [0, 0]]]
    shape = {"type": "Feature", "properties": {"beat": "B1"}, "geometry": {"type": "Polygon", "coordinates": square}}
    shapes = json.dumps({"type": "FeatureCollection", "features": [shape]})
    archive = zipped(tmp_path / "all.zip", {"in/calls.xlsx": book.read_bytes(), "in/beats.geojson": shapes})
    proposal = propose_mapping([archive])
    assert {one.file: one.table for one in proposal.files} == {
        "all.zip/in/calls.xlsx": "calls",
        "all.zip/in/beats.geojson": "areas",
    }
    # "all" is no force, whatever the file is called (decision 0305).
    assert parse_mapping(proposal.toml).jurisdiction.code == "force"


def test_a_check_names_every_member(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "m.zip", {"a.csv": CALLS, "b.csv": MORE, "c.doc": "x", "d.csv": ""})
    found = check_file(archive, CITY)
    assert isinstance(found, PackedCheck)
    assert [one.file for one in found.members] == ["m.zip/a.csv", "m.zip/b.csv"]
    assert {one.file for one in found.unread} == {"m.zip/c.doc", "m.zip/d.csv"}
    said = found.to_text()
    assert said.count("read as calls into calls") == 1
    assert "read alike: m.zip/b.csv" in said
    assert "m.zip/d.csv: the file is empty (0 bytes)." in said
    # Thousands of members may have one layout: its first one is tried.
    assert [one.mappings[0].trial is None for one in found.members] == [False, True]


def test_a_proposal_takes_one_sample_of_each_layout(tmp_path: Path) -> None:
    other = "code,label\n" + "".join(f"{n},label {n}\n" for n in range(30))
    archive = zipped(
        tmp_path / "m.zip", {"1/a.csv": CALLS, "2/b.csv": MORE, "codes.csv": other, "README.txt": "Read me.\nThanks.\n"}
    )
    proposal = propose_mapping([archive])
    assert [one.file for one in proposal.files] == ["m.zip/1/a.csv", "m.zip/codes.csv"]
    assert {one.file: one.reason for one in proposal.unread} == {
        "m.zip/2/b.csv": "the same headers as m.zip/1/a.csv",
        "m.zip/README.txt": "it is text without columns",
    }
    assert "m.zip/README.txt: not read: it is text without columns" in proposal.to_text()


def test_only_the_beginning_of_a_large_text_is_unpacked_for_a_proposal(tmp_path: Path) -> None:
    lines = CALLS + "".join(f"{n},20260101083000,0101,114.1,22.5\n" for n in range(1000, 200_000))
    archive = zipped(tmp_path / "large.zip", {"calls.csv": lines})
    with unpacked([archive], tmp_path, head_bytes=100_000) as (files, _):
        head = files[0].path.read_text()
        assert not files[0].whole
        assert head.endswith("\n")
        assert lines.startswith(head)
        assert 100_000 < len(head) < len(lines) / 2


def test_names_written_in_chinese_by_windows(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "m.zip"
    info = zipfile.ZipInfo("calls.csv")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, CALLS)
    # What Windows writes: the bytes of GB18030 without a word about it.
    path.write_bytes(path.read_bytes().replace(b"calls.csv", "警情.csv".encode("gb18030") + b"\x00"))
    content = path.read_bytes()
    assert load(store, path).files[0].file == "m.zip/警情.csv", content


def test_a_member_that_breaks_while_it_is_read_is_named_with_its_archive(store: Store, tmp_path: Path) -> None:
    broken = CALLS.replace("083000", '"' + "x" * 200_000, 1)
    path = zipped(tmp_path / "m.zip", {"in/calls.csv": broken})
    limit = csv.field_size_limit(131_072)
    try:
        with pytest.raises(SourceError) as caught:
            load(store, path)
    finally:
        csv.field_size_limit(limit)
    assert caught.value.where == "m.zip/in/calls.csv"


def test_a_zipped_shapefile_stays_one_file_and_what_lies_beside_it_is_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "shapes.zip", {"a.shp": b"", "a.dbf": b"", "calls.csv": CALLS})
    with unpacked([path], tmp_path) as (files, unread):
        assert [(one.path, one.name, one.archive) for one in files] == [(path, "shapes.zip", "")]
        assert unread == []
    assert packed.beside_shapefile(path, path.name) == [
        packed.Unread("shapes.zip/calls.csv", "it lies beside a shapefile")
    ]


def test_what_a_killed_process_unpacked_is_removed_at_the_next_start(store: Store, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "m.zip", {"calls.csv": CALLS})
    waits = (
        "import sys, time; from pathlib import Path; from data.sources.packed import unpacked\n"
        "with unpacked([Path(sys.argv[1])], Path(sys.argv[2])):\n    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", waits, str(archive), str(store.scratch)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    left = list(store.scratch.glob(f"{PREFIX}*/*/*/calls.csv"))
    assert len(left) == 1
    # While it is in use nobody takes it away.
    load(store, archive)
    assert left[0].exists()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    plain = tmp_path / "other.csv"
    plain.write_text(MORE)
    load(store, plain)
    assert not any(store.scratch.glob(f"{PREFIX}*"))


def test_folders_of_ones_own_are_removed_at_the_end(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), owned_folder(tmp_path, "x-") as folder:
        (folder / "file").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


#: Source → files of the real data, some of them packed one by one, the others together in a ZIP with folders.
REAL = {
    "uk_police": (("uk_police/raw/*-lancashire-street.csv", "uk_police/raw/*-cambridgeshire-street.csv"), ""),
    "chicago": (("chicago/raw/*.csv", "chicago/boundaries/*.geojson", "chicago/population/*.csv"), ""),
    "sacramento": (("sacramento_cad/*.csv",), ".gz"),
    "taipei": (("taipei_theft/raw/*.csv",), ".xz"),
    "st_louis": (("st_louis/raw/*2018.csv", "st_louis/boundaries/BND*.zip"), ".bz2"),
}


@pytest.mark.real_data
@pytest.mark.parametrize("source", REAL)
def test_real_files_give_the_same_packed_and_unpacked(shared_data: Path, tmp_path: Path, source: str) -> None:
    patterns, ending = REAL[source]
    paths = [path for pattern in patterns for path in sorted(shared_data.glob(pattern))]
    assert paths
    inside = [path for path in paths if path.suffix != ".zip"]
    together = [path for path in paths if path.suffix == ".zip"]
    if ending:
        for path in inside:
            together.append(tmp_path / f"{path.name}{ending}")
            together[-1].write_bytes(ONE[ending](path.read_bytes()))
    else:
        with zipfile.ZipFile(tmp_path / "download.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in inside:
                archive.write(path, f"{path.name[:7]}/{path.name}")
        together.append(tmp_path / "download.zip")
    first, second = Store.create(tmp_path / "first"), Store.create(tmp_path / "second")
    of_packed = ingest(first, source, together, loaded_by="tester", now=NOW)
    of_plain = ingest(second, source, paths, loaded_by="tester", now=NOW)
    assert of_packed.totals() == of_plain.totals()
    assert sorted(one.sha256 for one in of_packed.files) == sorted(one.sha256 for one in of_plain.files)
    for table in ("calls", "areas", "population"):
        if current_snapshot(first).has(table):
            one, other = (
                current_snapshot(store).read(table).drop("load_id", "source_file").sort("record_key")
                for store in (first, second)
            )
            assert one.equals(other), table
    assert calls_of(first).height > 0
    again = ingest(first, source, paths, loaded_by="tester", now=NOW)
    assert again.already_loaded
    assert again.snapshot_id == of_packed.snapshot_id


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/d/2018.csv", "/d/2019.csv"], ["2018.csv", "2019.csv"]),
        (["/home/u/p/a/2018.csv", "/home/u/p/b/2018.csv", "/x/other.csv"], ["a/2018.csv", "b/2018.csv", "other.csv"]),
        (["/d/2018.csv", "/d/old/2018.csv"], ["2018.csv", "old/2018.csv"]),
        (["/d/n/x/f.csv", "/d/s/x/f.csv", "/d/s/y/f.csv"], ["n/x/f.csv", "s/x/f.csv", "y/f.csv"]),
        (["/d/x/f.csv", "/d/a/x/f.csv", "/d/a/x/../x/f.csv"], ["x/f.csv", "a/x/f.csv", "a/x/f.csv"]),
        (["/d/13812345678/f.csv", "/d/b/f.csv"], ["***/f.csv", "b/f.csv"]),
    ],
)
def test_files_of_one_name_are_told_apart_by_as_few_folders_as_that_takes(paths: list[str], names: list[str]) -> None:
    assert packed.names_apart([Path(path) for path in paths]) == names


def test_archives_of_one_name_and_messages_about_their_members_are_told_apart(tmp_path: Path) -> None:
    archives = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        archives.append(tmp_path / folder / "month.zip")
        zipped(archives[-1], {"calls.csv": b"x,y\n1,2\n"})
    with unpacked(archives, tmp_path) as (files, _):
        assert [(file.archive, file.name) for file in files] == [
            ("a/month.zip", "a/month.zip/calls.csv"),
            ("b/month.zip", "b/month.zip/calls.csv"),
        ]
