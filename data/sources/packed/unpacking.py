"""Unpacking: a piece at a time, counted, into a folder that somebody else removes."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from data.errors import SourceError
from data.files import owned_folder, sha256_of_file, sweep_owned
from data.sources.packed.files import Unread, Upstream, names_apart
from data.sources.packed.guards import (
    BELIEVED_BYTES,
    DAMAGE,
    MOST_BYTES,
    MOST_RATIO,
    SPARE_BYTES,
    SYSTEM_FILES,
    Room,
    bomb,
    damaged,
    name_of,
    nested,
    require_sound,
    short_name,
    told_of,
    too_large,
    why_no_data,
)
from data.sources.reading.formats import FORMAT_OF_SUFFIX, PACKED_ONE

#: How folders with unpacked files are called.
PREFIX = "beatwise-unpacked-"
#: Bytes unpacked at a time.
PIECE = 1 << 20
#: Files that belong to a shapefile.
OF_SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qpj", ".qmd", ".qix", ".sbn", ".sbx", ".xml", ".fbn", ".fbx")
Packed = gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile


def unpack(
    paths: Sequence[Path],
    folder: Path,
    *,
    head_bytes: int | None = None,
    most_bytes: int = MOST_BYTES,
    tell: Callable[[str], None] | None = None,
) -> tuple[list[Upstream], list[Unread]]:
    """Return files ready to be read: plain ones as they are, packed ones unpacked into a folder.

    Parameters
    ----------
    paths
        The files as they were named.
    folder
        Exists and is empty; filled only when something is packed.
    head_bytes
        Unpack no more than the beginning of text files; then no digest is made.
    most_bytes
        Limit for all that is unpacked.
    tell
        Called with the name of each packed file before it is unpacked.

    Raises
    ------
    SourceError
        If an archive is damaged, encrypted, nested, too large, or names places outside itself: says what to do.
    """
    room = Room(min(most_bytes, shutil.disk_usage(folder).free - SPARE_BYTES), head_bytes)
    files: list[Upstream] = []
    unread: list[Unread] = []
    for path, name in zip(paths, names_apart(paths), strict=True):
        place = folder / f"{len(files)}"
        if tell is not None and path.suffix.lower() in (".zip", *PACKED_ONE):
            tell(name)
        if path.suffix.lower() in PACKED_ONE and path.is_file():
            place.mkdir()
            files.append(_unpack_one(path, name, place, room))
        elif (archive := _archive(path)) is not None:
            place.mkdir()
            with archive:
                found, left = _unpack_members(path, name, archive, place, room)
            files += found
            unread += left
        else:
            files.append(Upstream(path, name))
    return files, unread


@contextmanager
def unpacked(
    paths: Sequence[Path],
    root: Path,
    *,
    head_bytes: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> Iterator[tuple[list[Upstream], list[Unread]]]:
    """Return files ready to be read, as :func:`unpack` does, into a folder under ``root`` that is removed at the end.

    What a killed process left under ``root`` is removed first.
    """
    if any(path.suffix.lower() in (".zip", *PACKED_ONE) for path in paths):
        with owned_folder(root, PREFIX) as folder:
            yield unpack(paths, folder, head_bytes=head_bytes, tell=tell)
    else:
        sweep_owned(root, PREFIX)
        yield [Upstream(path, name) for path, name in zip(paths, names_apart(paths), strict=True)], []


def _archive(path: Path) -> zipfile.ZipFile | None:
    """Return a ZIP that is no shapefile; None for anything else, damaged ones included: the readers say what it is."""
    if path.suffix.lower() != ".zip" or not path.is_file():
        return None
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGE:
        return None
    names = [info.filename.lower() for info in archive.infolist()]
    if any(name.endswith(".shp") and not SYSTEM_FILES.search(name) for name in names):
        archive.close()
        return None
    return archive


def beside_shapefile(path: Path, told: str) -> list[Unread]:
    """Return the members of a zipped shapefile, called ``told``, that are no part of it: nothing reads them."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name_of(info) for info in archive.infolist() if not info.is_dir()]
    except DAMAGE:
        # Whether it can be read at all is found out, and said, when it is matched.
        return []
    others = [name for name in names if PurePosixPath(name).suffix.lower() not in OF_SHAPEFILE]
    return [Unread(told_of(told, name), why_no_data(name) or "it lies beside a shapefile") for name in others]


def _unpack_one(path: Path, told: str, place: Path, room: Room) -> Upstream:
    """Unpack a file that holds one other, whose name is that of the outer one without its ending."""
    suffix = path.suffix.lower()
    inner = path.stem
    if PurePosixPath(inner).suffix.lower() not in FORMAT_OF_SUFFIX:
        tar = inner.lower().endswith(".tar")
        raise SourceError(
            "the file is a packed TAR archive." if tar else "the name of the packed file does not say what is inside.",
            where=path.name,
            remedy="Unpack it and name the files inside, or pack them as ZIP."
            if tar
            else f"Give it a name such as {inner or 'calls'}.csv{suffix}.",
        )
    if inner.lower().endswith(".zip"):
        raise nested(path.name, inner)
    if path.stat().st_size == 0:
        raise SourceError("the file is empty (0 bytes).", where=path.name, remedy="Ask for the file again.")
    target = place / short_name(inner)
    with _opened(path) as source:
        sha256, whole = _pour(source, target, path.stat().st_size, told, room)
    outer = sha256_of_file(path) if room.head_bytes is None else ""
    return Upstream(target, told, told, sha256, outer, whole)


def _opened(path: Path) -> Packed:
    match path.suffix.lower():
        case ".gz":
            return gzip.GzipFile(path, "rb")
        case ".bz2":
            return bz2.BZ2File(path, "rb")
        case _:
            return lzma.LZMAFile(path, "rb")


def _unpack_members(
    path: Path, outer_name: str, archive: zipfile.ZipFile, place: Path, room: Room
) -> tuple[list[Upstream], list[Unread]]:
    """Unpack the members that a reader may know; the others are named."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    require_sound(path, outer_name, infos, room)
    outer = sha256_of_file(path) if room.head_bytes is None else ""
    files: list[Upstream] = []
    unread: list[Unread] = []
    for info in infos:
        name = name_of(info)
        told = told_of(outer_name, name)
        why = "it is a link, not a file" if stat.S_ISLNK(info.external_attr >> 16) else why_no_data(name)
        if why:
            unread.append(Unread(told, why))
            continue
        folder = place / f"{len(files)}"
        folder.mkdir()
        target = folder / short_name(PurePosixPath(name).name)
        try:
            source = archive.open(info)
        except NotImplementedError as error:
            raise SourceError(
                "the archive is packed in a way that cannot be read here (large archives of Windows are).",
                where=told,
                remedy="Unpack it and name the files inside, or pack it again with another program.",
            ) from error
        except DAMAGE as error:
            raise damaged(told) from error
        with source:
            sha256, whole = _pour(source, target, info.compress_size, told, room)
        files.append(Upstream(target, told, outer_name, sha256, outer, whole))
    if not files:
        held = "; ".join(f"{one.file} ({one.reason})" for one in unread[:5])
        raise SourceError(
            f"the archive holds no file that could be read. It holds {held or 'nothing at all'}.",
            where=path.name,
            remedy=f"Known: {', '.join(FORMAT_OF_SUFFIX)}.",
        )
    return files, unread


def _pour(source: IO[bytes] | Packed, target: Path, packed: int, told: str, room: Room) -> tuple[str, bool]:
    """Write what a packed file holds; return its digest, empty when only a head was wanted, and if it is all of it."""
    try:
        with target.open("wb") as handle:
            digest, whole = _copy(source, handle, packed, told, room, _wanted(target, room))
        if not whole:
            _cut_at_line(target)
    except OSError as error:
        raise SourceError(f"it cannot be unpacked ({error.strerror}).", where=told) from error
    return ("" if room.head_bytes is not None else digest), whole


def _wanted(target: Path, room: Room) -> int | None:
    return room.head_bytes if FORMAT_OF_SUFFIX.get(target.suffix.lower()) == "csv" else None


def _copy(
    source: IO[bytes] | Packed, handle: IO[bytes], packed: int, told: str, room: Room, wanted: int | None
) -> tuple[str, bool]:
    digest = hashlib.sha256()
    written = 0
    while wanted is None or written <= wanted:
        try:
            piece = source.read(PIECE)
        except DAMAGE as error:
            raise damaged(told) from error
        if not piece:
            return digest.hexdigest(), True
        written += len(piece)
        room.left -= len(piece)
        if room.left < 0:
            raise too_large(told, room)
        if written > BELIEVED_BYTES and written > MOST_RATIO * packed:
            raise bomb(told)
        handle.write(piece)
        digest.update(piece)
    return "", False


def _cut_at_line(target: Path) -> None:
    """Take a last line that is not whole off the head of a text file."""
    content = target.read_bytes()
    end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    if end:
        target.write_bytes(content[:end])
