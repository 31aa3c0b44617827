"""Mappings at the desk: a steward proposes, tries and saves; nobody sees a personal value; everything is audited."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from benchmarks.fuzzing.bases import PLANTED, PLANTED_NAME, demo_bases
from data.access import Viewer
from data.desk import Desk
from data.errors import AccessDeniedError, RequestError, SourceError
from data.records.audit import read_audit
from data.sources.mapping import load_mapping
from data.store import Store

SAMPLE = demo_bases()[0]
FILES = {SAMPLE.name: SAMPLE.content}


def desk_of(role: str, folder: Path) -> Desk:
    return Desk(Store.create(folder / "store"), Viewer("anna", role))  # type: ignore[arg-type]


@pytest.fixture
def steward(tmp_path: Path) -> Desk:
    return desk_of("steward", tmp_path)


def test_from_a_sample_to_a_saved_mapping(steward: Desk) -> None:
    proposal = steward.propose_mapping(FILES, name="linlan")
    changed = steward.choose_columns(proposal.toml, "calls", {"JQDJDM": None})
    assert "level" not in steward.mapping_files(changed)[0]["chosen"].values()
    trial = steward.try_mapping(changed, FILES)[SAMPLE.name].trial
    assert trial is not None
    assert (trial.sampled, trial.kept) == (25, 25)
    assert trial.notes["personal_mobile_number_removed"] == 3
    mapping = steward.save_mapping(changed)
    assert mapping.source.unconfirmed
    saved = steward.store.root / "mappings" / "linlan.toml"
    assert load_mapping(saved).sha256 == mapping.sha256
    assert steward.mapping_text("linlan") == changed
    listed = {one["name"]: one for one in steward.mappings()}
    assert listed["linlan"]["saved"]
    assert not listed["portland"]["saved"]
    events = [(row["event"], row["object"], row["success"]) for row in read_audit(steward.records, 10)]
    assert events[0] == ("save_mapping", "linlan", True)
    assert ("propose", "mapping", True) in events
    # Nothing of the sample is left in the store.
    left = b"".join(path.read_bytes() for path in steward.store.root.rglob("*") if path.is_file())
    assert PLANTED_NAME.encode() not in left
    assert PLANTED[2].encode() not in left


def test_sample_rows_are_masked(steward: Desk) -> None:
    proposal = steward.propose_mapping(FILES)
    view = steward.view_sample(SAMPLE.name, SAMPLE.content, proposal.files[0])
    assert not {"BJRXM", "LXDH"} & set(view.headers)
    shown = "".join(cell for row in view.rows for cell in row.values())
    assert not any(planted in shown for planted in (*PLANTED, PLANTED_NAME))
    # Addresses are of the highest grade: shown to nobody.
    assert {row["JQDZ"] for row in view.rows} == {"•••"}
    assert view.rows[0]["JQLXDM"] == "0101"


def test_samples_may_come_packed(steward: Desk) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("2026-01/a.csv", "2026-02/b.csv"):
            archive.writestr(name, SAMPLE.content)
        archive.writestr("readme.pdf", b"%PDF")
    files = {"month.zip": packed.getvalue(), f"{SAMPLE.name}.gz": gzip.compress(SAMPLE.content)}
    proposal = steward.propose_mapping(files, name="linlan")
    assert [one.file for one in proposal.files] == ["month.zip/2026-01/a.csv"]
    assert [one.file for one in proposal.unread] == ["month.zip/readme.pdf", "month.zip/2026-02/b.csv"]
    for name in ("month.zip/2026-01/a.csv", f"{SAMPLE.name}.gz"):
        view = steward.view_sample(name, files[name.partition("/")[0]], proposal.files[0])
        assert view.rows[0]["JQLXDM"] == "0101"
        assert view.rows[0]["JQDZ"] == "•••"
    checks = steward.try_mapping(proposal.toml, files)
    assert list(checks) == ["month.zip/2026-01/a.csv", f"{SAMPLE.name}.gz"]
    assert all(check.trial is not None and check.trial.kept == 25 for check in checks.values())


@pytest.mark.parametrize("role", ["auditor", "researcher", "commander", "security"])
def test_only_stewards_make_mappings(tmp_path: Path, role: str) -> None:
    desk = desk_of(role, tmp_path)
    for asked in (
        lambda: desk.propose_mapping(FILES),
        lambda: desk.view_sample(SAMPLE.name, SAMPLE.content),
        lambda: desk.try_mapping("", FILES),
        lambda: desk.save_mapping(""),
    ):
        with pytest.raises(AccessDeniedError):
            asked()
    assert not (desk.store.root / "mappings").exists()
    assert all(not row["success"] for row in read_audit(desk.records, 10))
    if role == "auditor":
        assert desk.mappings()
    else:
        with pytest.raises(AccessDeniedError):
            desk.mappings()


def test_what_cannot_be_saved(steward: Desk) -> None:
    toml = steward.propose_mapping(FILES, name="demo").toml
    with pytest.raises(SourceError, match="built-in"):
        steward.save_mapping(toml)
    with pytest.raises(SourceError, match="TOML"):
        steward.save_mapping("format = ")
    with pytest.raises(RequestError):
        steward.mapping_text("../store")
    reads_personal = toml.replace('name = "demo"', 'name = "mine"').replace('from = "JQDZ"', 'from = "LXDH"')
    with pytest.raises(SourceError, match="personal data"):
        steward.save_mapping(reads_personal)


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a" * 300 + ".csv", "a\0.csv"])
def test_a_name_that_is_no_file_name_is_refused(steward: Desk, name: str) -> None:
    with pytest.raises(SourceError, match="file name"):
        steward.propose_mapping({name: SAMPLE.content})


def test_two_samples_of_one_name_are_not_taken_for_one(steward: Desk) -> None:
    with pytest.raises(SourceError, match="file name"):
        steward.propose_mapping({f"a/{SAMPLE.name}": SAMPLE.content, f"b/{SAMPLE.name}": SAMPLE.content})


def test_a_packed_sample_that_unpacks_to_gigabytes_is_refused(steward: Desk) -> None:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("areas.shp", "w") as member,
    ):
        for _ in range(1025):
            member.write(bytes(2**20))
    assert len(packed.getvalue()) < 2**23
    with pytest.raises(SourceError, match="unpacks to 1,025 MB"):
        steward.propose_mapping({"areas.zip": packed.getvalue()})
