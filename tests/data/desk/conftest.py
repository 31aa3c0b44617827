"""A desk on a copy of the tiny edition, with records of its own and a clock that ticks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from data.desk import Desk
from data.records import Records
from data.store import Store
from tests.data.tiny_edition import make_tiny_store, ticking_clock


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store made once; every test works on a copy."""
    return make_tiny_store(tmp_path_factory.mktemp("template")).root


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Store:
    return Store.open(shutil.copytree(template, tmp_path / "store"))


@pytest.fixture
def records(store: Store) -> Records:
    records = Records.open(store, clock=ticking_clock())
    yield records
    records.close()


@pytest.fixture
def desk_of(store: Store, records: Records):
    return lambda viewer: Desk(store, viewer, records=records)
