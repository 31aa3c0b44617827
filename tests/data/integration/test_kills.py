"""Killed while it writes many parts, an ingest leaves the old store or the new one; benchmarks/kills.py does 50."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.kills import kill_often


@pytest.mark.slow
def test_killed_at_eight_moments_the_store_is_old_or_new(tmp_path: Path) -> None:
    found = kill_often(8, tmp_path, rows=6_000)
    assert found["old"] + found["new"] == 8
    assert found["old"] >= 1
