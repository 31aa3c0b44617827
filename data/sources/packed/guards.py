"""What is refused of packed files, and under which names their members go."""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data.errors import SourceError
from data.sources.personal_values import redact
from data.sources.reading.formats import FORMAT_OF_SUFFIX, OF_DAMAGE, PACKED_ONE, PACKED_OTHERS

#: A file of more than ``BELIEVED_BYTES`` may be this many times as large as it was packed; real ones are up to 23.
MOST_RATIO, BELIEVED_BYTES = 200, 64 << 20
#: Members an archive may have; three years of 44 forces in three files each are 4,752.
MOST_MEMBERS = 20_000
#: Bytes that may be unpacked at once, and what is left free on the disk at least.
MOST_BYTES, SPARE_BYTES = 64 << 30, 1 << 30
#: What packing programs add by themselves.
SYSTEM_FILES = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
#: What libraries raise over a damaged archive.
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError),
    *OF_DAMAGE,
)


@dataclass
class Room:
    """How much may still be unpacked, and how much of a text file is wanted."""

    left: int
    head_bytes: int | None

    def __post_init__(self) -> None:
        self.all = self.left


def require_sound(path: Path, told: str, infos: list[zipfile.ZipInfo], room: Room) -> None:
    """Refuse an archive, called ``told``, for what its list of contents says, before anything is unpacked.

    Raises
    ------
    SourceError
        With what is wrong and what to do.
    """
    if len(infos) > MOST_MEMBERS:
        raise SourceError(
            f"the archive holds {len(infos):,} files; at most {MOST_MEMBERS:,} are read.",
            where=told,
            remedy="Unpack it and name the files inside.",
        )
    for info in infos:
        name = name_of(info)
        if name.startswith("/") or ".." in PurePosixPath(name).parts or re.match(r"[A-Za-z]:", name):
            raise SourceError(
                "the archive names places outside itself, as no honest one does.",
                where=told_of(told, name),
                remedy="Do not unpack it; ask the sender what it is.",
            )
        if info.flag_bits & 0x1:
            raise SourceError(
                "the archive is encrypted.",
                where=told_of(told, name),
                remedy="Unpack it with its password and name the files inside, or ask for it without one.",
            )
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in (".zip", *PACKED_ONE, *PACKED_OTHERS) and not SYSTEM_FILES.search(name):
            raise nested(told, redact(name)[0] or "")
    # No more is unpacked of a member than is stated here, so what is stated can be held against it.
    stated = sum(info.file_size for info in infos)
    if stated > BELIEVED_BYTES and stated > MOST_RATIO * path.stat().st_size:
        raise bomb(told)
    if room.head_bytes is None and stated > room.left:
        raise too_large(told, room)


def name_of(info: zipfile.ZipInfo) -> str:
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


def told_of(archive: str, name: str) -> str:
    """Return what reports call a member."""
    # Names of files are kept and shown: a personal value in one is not.
    return f"{archive}/{redact(name)[0] or '***'}"


def short_name(name: str) -> str:
    """Return a name that any file system takes; its ending stays, because it says what the file is."""
    return name if len(name.encode("utf-8", "surrogateescape")) <= 200 else name[-60:]


def why_no_data(name: str) -> str | None:
    """Return why a member is not looked at, by its name; None when a reader may know it."""
    if SYSTEM_FILES.search(name):
        return "the packing program added it"
    suffix = PurePosixPath(name).suffix.lower()
    return None if suffix in FORMAT_OF_SUFFIX else f"the ending {suffix or '(none)'} is not known"


def damaged(told: str) -> SourceError:
    """Return the message about bytes that are not what was packed."""
    return SourceError(
        "the packed file is damaged or incomplete: it cannot be unpacked.",
        where=told,
        remedy="Ask for the file again.",
    )


def bomb(told: str) -> SourceError:
    """Return the message about a file made to fill a disk."""
    return SourceError(
        f"the file grows to more than {MOST_RATIO} times its packed size, as those do that are made to fill a disk.",
        where=told,
        remedy="If it is really so, unpack it and name the files inside.",
    )


def nested(outer: str, inner: str) -> SourceError:
    """Return the message about a packed file in a packed file."""
    return SourceError(
        f"the packed file holds another packed one ({inner}).",
        where=outer,
        remedy="Unpack the outer one and name the files inside.",
    )


def too_large(told: str, room: Room) -> SourceError:
    """Return the message about more than there is room for."""
    return SourceError(
        f"unpacked it takes more than the {max(0, room.all) / (1 << 30):,.1f} GB that there are for it.",
        where=told,
        remedy="Make room on the disk of the store, or name fewer files at a time.",
    )
