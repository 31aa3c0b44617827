"""Which code made an edition."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@cache
def code_version() -> str:
    """Return the release and a digest of every source file that can change a number, e.g. ``0.1.0+3f2a…``.

    The digest covers ``analytics/`` and ``data/`` (Python and TOML): two trees with the same digest compute the same
    edition, whatever their git history says.
    """
    try:
        release = version("beatwise")
    except PackageNotFoundError:
        release = "unreleased"
    digest = hashlib.sha256()
    files = [path for room in ("analytics", "data") for path in (ROOT / room).rglob("*") if path.is_file()]
    for path in sorted(path for path in files if path.suffix in {".py", ".toml"}):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{release}+{digest.hexdigest()[:12]}"
