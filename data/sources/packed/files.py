"""Files as they are read, whether they came packed or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from data.errors import SourceError
from data.files import sha256_of_file


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
