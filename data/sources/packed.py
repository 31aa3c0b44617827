"""Packed files as upstream systems hand them over: every member is a file of its own.

``calls.csv.gz``, ``.bz2`` and ``.xz`` hold one file, a ZIP any number of them. They are unpacked by Python's own
libraries into a folder that the caller gives and removes, a piece at a time, so that memory does not grow with them,
and counted while they are unpacked: what an archive says about its sizes is not believed. A zipped shapefile stays one
file, as GDAL reads it. docs/decisions/0540 has the limits and the reasons.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from data.errors import SourceError
from data.files import owned_folder, sha256_of_file, sweep_owned
from data.sources.personal_values import redact
from data.sources.reading.formats import FORMAT_OF_SUFFIX, PACKED_ONE, PACKED_OTHERS

#: A file of more than ``BELIEVED_BYTES`` may be this many times as large as it was packed; text is 5 to 20 times.
MOST_RATIO, BELIEVED_BYTES = 200, 64 << 20
#: Members an archive may have; the whole of police.uk has 4,800.
MOST_MEMBERS = 20_000
#: Bytes that may be unpacked at once, and what is left free on the disk at least.
MOST_BYTES, SPARE_BYTES = 64 << 30, 1 << 30
#: How folders with unpacked files are called.
PREFIX = "beatwise-unpacked-"
#: Bytes unpacked at a time.
PIECE = 1 << 20
#: What packing programs add by themselves.
SYSTEM_FILES = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
#: Files that belong to a shapefile.
OF_SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qpj", ".qmd", ".qix", ".sbn", ".sbx", ".xml", ".fbn", ".fbx")
#: What libraries raise over a damaged archive.
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError, LookupError),
    *(ArithmeticError, MemoryError, RuntimeError, TypeError),
)

Packed = gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile


@dataclass(frozen=True)
class Upstream:
    """A file as it is read.

    Attributes
    ----------
    path
        Where it lies, under its own name: mappings see the same name whether it came packed or not.
    name
        What reports call it; for a member of an archive ``archive.zip/folder/member.csv``.
    archive
        Name of the packed file it came in, empty for a plain one.
    sha256, archive_sha256
        Digest of its content, and of the packed file; empty where it was not asked for.
    whole
        False when only its beginning was unpacked.
    """

    path: Path
    name: str
    archive: str = ""
    sha256: str = ""
    archive_sha256: str = ""
    whole: bool = True

    @property
    def is_member(self) -> bool:
        """Whether it came in an archive, with whatever its publisher put beside; ``calls.csv.gz`` holds one file."""
        return self.archive not in ("", self.name)

    def with_digest(self) -> Upstream:
        """Return the same with its digest; a file that is not there is told of when it is read."""
        return self if self.sha256 or not self.path.is_file() else replace(self, sha256=sha256_of_file(self.path))


@dataclass(frozen=True)
class Unread:
    """A member of an archive that nothing reads, and why."""

    file: str
    reason: str


def unpack(
    paths: Sequence[Path], folder: Path, *, head_bytes: int | None = None, most_bytes: int = MOST_BYTES
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

    Raises
    ------
    SourceError
        If an archive is damaged, encrypted, nested, too large, or names places outside itself: says what to do.
    """
    room = _Room(min(most_bytes, shutil.disk_usage(folder).free - SPARE_BYTES), head_bytes)
    files: list[Upstream] = []
    unread: list[Unread] = []
    for path in paths:
        place = folder / f"{len(files)}"
        if path.suffix.lower() in PACKED_ONE and path.is_file():
            place.mkdir()
            files.append(_unpack_one(path, place, room))
        elif (archive := _archive(path)) is not None:
            place.mkdir()
            with archive:
                found, left = _unpack_members(path, archive, place, room)
            files += found
            unread += left
        else:
            files.append(Upstream(path, path.name))
    return files, unread


@contextmanager
def unpacked(
    paths: Sequence[Path], root: Path, *, head_bytes: int | None = None, most_bytes: int = MOST_BYTES
) -> Iterator[tuple[list[Upstream], list[Unread]]]:
    """Return files ready to be read, as :func:`unpack` does, into a folder under ``root`` that is removed at the end.

    What a killed process left under ``root`` is removed first.
    """
    if any(path.suffix.lower() in (".zip", *PACKED_ONE) for path in paths):
        with owned_folder(root, PREFIX) as folder:
            yield unpack(paths, folder, head_bytes=head_bytes, most_bytes=most_bytes)
    else:
        sweep_owned(root, PREFIX)
        yield [Upstream(path, path.name) for path in paths], []


@contextmanager
def told_by_name(files: Sequence[Upstream]) -> Iterator[None]:
    """Name the archive too where a message is about one of its members."""
    try:
        yield
    except SourceError as error:
        names = [file.name for file in files if file.archive and error.where == file.path.name]
        if not names:
            raise
        raise SourceError(error.problem, where=" or ".join(names), remedy=error.remedy) from error


@dataclass
class _Room:
    """How much may still be unpacked, and how much of a text file is wanted."""

    left: int
    head_bytes: int | None

    def __post_init__(self) -> None:
        self.all = self.left


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


def beside_shapefile(path: Path) -> list[Unread]:
    """Return the members of a zipped shapefile that are no part of it: nothing reads them."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [_name_of(info) for info in archive.infolist() if not info.is_dir()]
    except DAMAGE:
        # Whether it can be read at all is found out, and said, when it is matched.
        return []
    others = [name for name in names if PurePosixPath(name).suffix.lower() not in OF_SHAPEFILE]
    return [Unread(_told(path, name), _why_no_data(name) or "it lies beside a shapefile") for name in others]


def _unpack_one(path: Path, place: Path, room: _Room) -> Upstream:
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
        raise _nested(path.name, inner)
    if path.stat().st_size == 0:
        raise SourceError("the file is empty (0 bytes).", where=path.name, remedy="Ask for the file again.")
    target = place / _short(inner)
    with _opened(path) as source:
        sha256, whole = _pour(source, target, path.stat().st_size, path.name, room)
    outer = sha256_of_file(path) if room.head_bytes is None else ""
    return Upstream(target, path.name, path.name, sha256, outer, whole)


def _opened(path: Path) -> Packed:
    match path.suffix.lower():
        case ".gz":
            return gzip.GzipFile(path, "rb")
        case ".bz2":
            return bz2.BZ2File(path, "rb")
        case _:
            return lzma.LZMAFile(path, "rb")


def _unpack_members(
    path: Path, archive: zipfile.ZipFile, place: Path, room: _Room
) -> tuple[list[Upstream], list[Unread]]:
    """Unpack the members that a reader may know; the others are named."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    _require_sound(path, infos, room)
    outer = sha256_of_file(path) if room.head_bytes is None else ""
    files: list[Upstream] = []
    unread: list[Unread] = []
    for info in infos:
        name = _name_of(info)
        told = _told(path, name)
        why = "it is a link, not a file" if stat.S_ISLNK(info.external_attr >> 16) else _why_no_data(name)
        if why:
            unread.append(Unread(told, why))
            continue
        folder = place / f"{len(files)}"
        folder.mkdir()
        target = folder / _short(PurePosixPath(name).name)
        try:
            source = archive.open(info)
        except NotImplementedError as error:
            raise SourceError(
                "the archive is packed in a way that cannot be read here (large archives of Windows are).",
                where=told,
                remedy="Unpack it and name the files inside, or pack it again with another program.",
            ) from error
        except DAMAGE as error:
            raise _damaged(told) from error
        with source:
            sha256, whole = _pour(source, target, info.compress_size, told, room)
        files.append(Upstream(target, told, path.name, sha256, outer, whole))
    if not files:
        held = "; ".join(f"{one.file} ({one.reason})" for one in unread[:5])
        raise SourceError(
            f"the archive holds no file that could be read. It holds {held or 'nothing at all'}.",
            where=path.name,
            remedy=f"Known: {', '.join(FORMAT_OF_SUFFIX)}.",
        )
    return files, unread


def _require_sound(path: Path, infos: list[zipfile.ZipInfo], room: _Room) -> None:
    """Refuse an archive for what its list of contents says, before anything is unpacked.

    Raises
    ------
    SourceError
        With what is wrong and what to do.
    """
    if len(infos) > MOST_MEMBERS:
        raise SourceError(
            f"the archive holds {len(infos):,} files; at most {MOST_MEMBERS:,} are read.",
            where=path.name,
            remedy="Unpack it and name the files inside.",
        )
    for info in infos:
        name = _name_of(info)
        if name.startswith("/") or ".." in PurePosixPath(name).parts or re.match(r"[A-Za-z]:", name):
            raise SourceError(
                "the archive names places outside itself, as no honest one does.",
                where=_told(path, name),
                remedy="Do not unpack it; ask the sender what it is.",
            )
        if info.flag_bits & 0x1:
            raise SourceError(
                "the archive is encrypted.",
                where=_told(path, name),
                remedy="Unpack it with its password and name the files inside, or ask for it without one.",
            )
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in (".zip", *PACKED_ONE, *PACKED_OTHERS) and not SYSTEM_FILES.search(name):
            raise _nested(path.name, redact(name)[0] or "")
    # No more is unpacked of a member than is stated here, so what is stated can be held against it.
    stated = sum(info.file_size for info in infos)
    if stated > BELIEVED_BYTES and stated > MOST_RATIO * path.stat().st_size:
        raise _bomb(path.name)
    if room.head_bytes is None and stated > room.left:
        raise _too_large(path.name, room)


def _pour(source: IO[bytes] | Packed, target: Path, packed: int, told: str, room: _Room) -> tuple[str, bool]:
    """Write what a packed file holds; return its digest, empty when only a head was wanted, and if it is all of it."""
    digest = hashlib.sha256()
    written = 0
    wanted = room.head_bytes if FORMAT_OF_SUFFIX.get(target.suffix.lower()) == "csv" else None
    with target.open("wb") as handle:
        while True:
            try:
                piece = source.read(PIECE)
            except DAMAGE as error:
                raise _damaged(told) from error
            if not piece:
                return ("" if room.head_bytes is not None else digest.hexdigest()), True
            written += len(piece)
            room.left -= len(piece)
            if room.left < 0:
                raise _too_large(told, room)
            if written > BELIEVED_BYTES and written > MOST_RATIO * packed:
                raise _bomb(told)
            try:
                handle.write(piece)
            except OSError as error:
                raise SourceError(f"it cannot be unpacked ({error.strerror}).", where=told) from error
            digest.update(piece)
            if wanted is not None and written > wanted:
                break
    _cut_at_line(target)
    return "", False


def _cut_at_line(target: Path) -> None:
    """Take a last line that is not whole off the head of a text file."""
    content = target.read_bytes()
    end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    if end:
        target.write_bytes(content[:end])


def _name_of(info: zipfile.ZipInfo) -> str:
    """Return the name of a member with ``/`` between folders; many Chinese programs write names in GB18030."""
    name = info.filename
    if not info.flag_bits & 0x800 and not name.isascii():
        written = name.encode("cp437", errors="replace")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = written.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return re.sub(r"[\x00-\x1f\x7f]", "\ufffd", name.replace("\\", "/"))


def _told(path: Path, name: str) -> str:
    # Names of files are kept and shown: a personal value in one is not.
    return f"{path.name}/{redact(name)[0] or '***'}"


def _short(name: str) -> str:
    """Return a name that any file system takes; its ending stays, because it says what the file is."""
    return name if len(name.encode()) <= 200 else name[-60:]


def _why_no_data(name: str) -> str | None:
    if SYSTEM_FILES.search(name):
        return "the packing program added it"
    suffix = PurePosixPath(name).suffix.lower()
    return None if suffix in FORMAT_OF_SUFFIX else f"the ending {suffix or '(none)'} is not known"


def _damaged(told: str) -> SourceError:
    return SourceError(
        "the packed file is damaged or incomplete: it cannot be unpacked.",
        where=told,
        remedy="Ask for the file again.",
    )


def _bomb(told: str) -> SourceError:
    return SourceError(
        f"the file grows to more than {MOST_RATIO} times its packed size, as those do that are made to fill a disk.",
        where=told,
        remedy="If it is really so, unpack it and name the files inside.",
    )


def _nested(outer: str, inner: str) -> SourceError:
    return SourceError(
        f"the packed file holds another packed one ({inner}).",
        where=outer,
        remedy="Unpack the outer one and name the files inside.",
    )


def _too_large(told: str, room: _Room) -> SourceError:
    return SourceError(
        f"unpacked it takes more than the {max(0, room.all) / (1 << 30):,.1f} GB that there are for it.",
        where=told,
        remedy="Make room on the disk of the store, or name fewer files at a time.",
    )
