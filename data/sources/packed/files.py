"""Files as they are read, whether they came packed or not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from data.errors import SourceError
from data.files import sha256_of_file
from data.sources.personal_values import redact


@dataclass(frozen=True)
class Upstream:
    """A file as it is read.

    Attributes
    ----------
    path
        Where it lies, under its own name: mappings see the same name whether it came packed or not.
    name
        What reports call it, see :func:`names_apart`; for a member of an archive ``archive.zip/folder/member.csv``.
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


def names_apart(paths: Sequence[Path]) -> list[str]:
    """Return what reports call files that are read together: their names, and folders only where these are the same.

    Of files with one name each gets the shortest end of its path that no other has, below the folder common to all.
    """
    # Not resolved: a link is called as it was named.
    whole = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100
    named: dict[str, list[Path]] = {}
    for path in dict.fromkeys(whole):
        named.setdefault(path.name, []).append(path)
    names: dict[Path, str] = {}
    for name, same in named.items():
        common = os.path.commonpath([path.parent for path in same])
        below = [path.relative_to(common).parts for path in same]
        for path, parts in zip(same, below, strict=True):
            others = [other for other in below if other != parts]
            alone = (n for n in range(1, len(parts)) if all(other[-n:] != parts[-n:] for other in others))
            folders = parts[-next(alone, len(parts)) : -1]
            # Names of folders are kept and shown: a personal value in one is not.
            names[path] = "/".join([*(redact(folder)[0] or "***" for folder in folders), name])
    return [names[path] for path in whole]


@contextmanager
def told_by_name(files: Sequence[Upstream]) -> Iterator[None]:
    """Name the folder or archive too where a message is about one of several files of a name."""
    try:
        yield
    except SourceError as error:
        names = [file.name for file in files if file.name != error.where == file.path.name]
        if not names:
            raise
        raise SourceError(error.problem, where=" or ".join(names), remedy=error.remedy) from error
