"""Writing files so that a kill at any moment leaves the old state or the new one, never a half."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from data.errors import StoreError


@contextmanager
def disk_failures_told(where: Path) -> Iterator[None]:
    """Turn what the disk refuses (full, read-only, gone) into one message; Polars tells it in a text of its own.

    Raises
    ------
    StoreError
        With the reason the system gave.
    """
    try:
        yield
    except OSError as error:
        named = f"{Path(error.filename).name}: " if isinstance(error.filename, str) else ""
        raise _refused(f"{named}{error.strerror or error}", where) from error
    except Exception as error:
        told = re.search(r"[^:]*\(os error \d+\)", str(error)) if type(error).__module__.startswith("polars") else None
        if told is None:
            raise
        raise _refused(told.group().strip(), where) from error


def _refused(reason: str, where: Path) -> StoreError:
    return StoreError(
        f"the disk refused ({reason}); what was there before still stands.",
        where=str(where),
        remedy="Free space, or check that the folder may be written, and run the command again.",
    )


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a JSON-able value, independent of the order of its keys."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def sync_file(path: Path) -> None:
    """Make the content of a file survive a power cut."""
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def sync_folder(folder: Path) -> None:
    """Make renames inside ``folder`` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content`` in one step; on an error the old file stands and nothing is left behind."""
    scratch = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with scratch.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    sync_folder(path.parent)


def create_once(path: Path, content: bytes) -> None:
    """Write a file for its owner alone unless it is there; of several writers at once the first one's stays, whole."""
    scratch = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        scratch.touch(mode=0o600, exist_ok=False)
        with scratch.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        with suppress(FileExistsError):
            os.link(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON; dates become ISO text."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


#: In every folder of a store that is written once: the SHA-256 of each of its files, by relative path.
FILE_LIST = "files.json"


@contextmanager
def folder_appears_whole(
    target: Path, scratch_root: Path, announce: Callable[[str], None] | None = None
) -> Iterator[Path]:
    """Give a scratch folder to fill; rename it to ``target`` when the block ends without an error.

    The rename is the single moment at which ``target`` comes into being. When ``target`` exists already (the same
    content was written before) the scratch folder is thrown away: folders named by their content never change.

    Parameters
    ----------
    announce
        Called just before the rename with the SHA-256 of the folder's list of files (``FILE_LIST``), which stands for
        every byte in it. When it raises, nothing appears.

    Raises
    ------
    StoreError
        If the disk is full or may not be written; ``target`` is not there then.
    """
    scratch = scratch_root / f"{target.name}.{uuid.uuid4().hex}"
    with disk_failures_told(target.parent):
        try:
            scratch.mkdir(parents=True)
            yield scratch
            files = [path for path in sorted(scratch.rglob("*")) if path.is_file()]
            listed = {path.relative_to(scratch).as_posix(): sha256_of_file(path) for path in files}
            write_json(scratch / FILE_LIST, listed)
            for path in [*files, scratch / FILE_LIST]:
                sync_file(path)
            if announce is not None:
                announce(sha256_of_file(scratch / FILE_LIST))
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                scratch.rename(target)
                sync_folder(target.parent)
        finally:
            if scratch.exists():
                shutil.rmtree(scratch)


@contextmanager
def owned_folder(root: Path, prefix: str) -> Iterator[Path]:
    """Give a folder of its own under ``root`` and remove it at the end.

    A process that is killed cannot: what it left is removed by :func:`sweep_owned`, which tells it from a folder in use
    by its lock.
    """
    root.mkdir(parents=True, exist_ok=True)
    sweep_owned(root, prefix)
    while True:
        folder = root / f"{prefix}{uuid.uuid4().hex}"
        folder.mkdir()
        # Between making and locking it another process may take it for a leftover: then another one is made.
        with suppress(FileNotFoundError):
            handle = os.open(folder, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if folder.exists():
                break
            os.close(handle)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        os.close(handle)


def sweep_owned(root: Path, prefix: str) -> None:
    """Remove the folders of :func:`owned_folder` whose processes are gone."""
    for folder in root.glob(f"{prefix}*"):
        # Two may sweep at once, and another user's folders are not ours to judge.
        with suppress(FileNotFoundError, PermissionError, BlockingIOError):
            handle = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(handle)
