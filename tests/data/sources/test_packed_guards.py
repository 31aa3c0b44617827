"""Packed files nobody should trust: refused with what to do, before anything is written."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from data.errors import SourceError
from data.sources.packed import PREFIX, unpacking
from data.sources.packed.guards import SPARE_BYTES
from data.store import Store
from tests.data.sources.packing import CALLS, MORE, ONE, load, zipped


def zip_with_flag(path: Path) -> Path:
    zipped(path, {"calls.csv": CALLS})
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= 1
    path.write_bytes(content)
    return path


def zip_with_damage(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("calls.csv", CALLS)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"20260103083000", b"20260103083001", 1))
    return path


def zip_of_another_method(path: Path) -> Path:
    zipped(path, {"calls.csv": CALLS})
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(signature) + place] = 9
    path.write_bytes(content)
    return path


def bomb(path: Path) -> Path:
    return zipped(path, {"calls.csv": CALLS + "0" * (80 << 20)}, compresslevel=9)


BAD: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "encrypted": (zip_with_flag, r"bad\.zip/calls\.csv: the archive is encrypted", "Unpack it with its password"),
    "damaged": (zip_with_damage, r"bad\.zip/calls\.csv: the packed file is damaged", "Ask for the file again"),
    "method": (zip_of_another_method, "packed in a way that cannot be read here", "pack it again"),
    "bomb": (bomb, r"bad\.zip: the file grows to more than 200 times its packed size", "unpack it and name the files"),
    "nested": (
        lambda path: zipped(path, {"x/inner.zip": b"PK\x03\x04"}),
        r"holds another packed one \(x/inner\.zip\)",
        "Unpack the outer one",
    ),
    "outside": (
        lambda path: zipped(path, {"../../etc/calls.csv": CALLS}),
        "names places outside itself",
        "Do not unpack it",
    ),
    "absolute": (lambda path: zipped(path, {"/calls.csv": CALLS}), "names places outside itself", "Do not unpack it"),
    "drive": (lambda path: zipped(path, {"C:\\calls.csv": CALLS}), "names places outside itself", "Do not unpack it"),
    "nothing": (lambda path: zipped(path, {}), "holds no file that could be read. It holds nothing at all", "Known:"),
    "unknown": (
        lambda path: zipped(path, {"a.doc": "x"}),
        r"bad\.zip/a\.doc \(the ending \.doc is not known\)",
        "Known",
    ),
    "unfit": (
        lambda path: zipped(path, {"a.csv": "a,b\n1,2\n"}),
        "no file in the archive fits the mapping",
        "check bad",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_archive_that_cannot_be_trusted_is_refused_with_what_to_do(store: Store, tmp_path: Path, kind: str) -> None:
    make, said, remedy = BAD[kind]
    path = make(tmp_path / "bad.zip")
    with pytest.raises(SourceError, match=said) as caught:
        load(store, path)
    assert remedy in str(caught.value)
    assert store.current_snapshot_id() is None
    assert not any(store.scratch.glob(f"{PREFIX}*"))
    assert not (tmp_path / "calls.csv").exists()


@pytest.mark.parametrize("ending", ONE)
def test_one_packed_file_is_guarded_too(store: Store, tmp_path: Path, ending: str) -> None:
    whole = ONE[ending]((CALLS + MORE * 40).encode())
    path = tmp_path / f"calls.csv{ending}"
    for content in (whole[:-20], whole[:20], b"JJDBH,BJSJ\n", b""):
        path.write_bytes(content)
        with pytest.raises(SourceError, match=r"damaged or incomplete|0 bytes"):
            load(store, path)
    path.write_bytes(ONE[ending](b"0" * (80 << 20)))
    with pytest.raises(SourceError, match="more than 200 times its packed size"):
        load(store, path)
    for name, said in (
        ("calls", "does not say what is inside"),
        ("calls.tar", "packed TAR"),
        ("a.zip", "another packed"),
    ):
        other = tmp_path / f"{name}{ending}"
        other.write_bytes(whole)
        with pytest.raises(SourceError, match=said):
            load(store, other)


def test_no_more_is_unpacked_than_there_is_room_for(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda _: usage._replace(free=SPARE_BYTES + 100))
    for path in (zipped(tmp_path / "a.zip", {"calls.csv": CALLS}), tmp_path / "calls.csv.gz"):
        if path.suffix == ".gz":
            path.write_bytes(gzip.compress(CALLS.encode()))
        with pytest.raises(SourceError, match="unpacked it takes more than the"):
            load(store, path)
