"""Record keys never change: with the version of a library, the batch a row came in, or the order of a file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import StoreError
from data.files import read_json, write_json
from data.integration.keys import DIGEST, digest_start, with_digests
from data.integration.numbering import SHARED, number_rows, with_numbers
from data.sources.mapping import load_mapping
from data.store import Store

from .conftest import CITY, Load

KIND = next(kind for kind in load_mapping(CITY).files if kind.name == "sightings")
PORTLAND = next(kind for kind in load_mapping("portland").files if kind.name == "calls")
IDENTITY = ["category", "occurred_on", "x", "y", "reported_at"]


def rows(*values: tuple[object, ...]) -> pl.DataFrame:
    schema = {
        "category": pl.String,
        "occurred_on": pl.Date,
        "x": pl.Float64,
        "y": pl.Float64,
        "reported_at": pl.Datetime("us", "UTC"),
        "source_line": pl.Int64,
    }
    return pl.DataFrame([(*value, line) for line, value in enumerate(values, start=2)], schema=schema, orient="row")


def digests(*values: tuple[object, ...]) -> list[str]:
    kind = KIND.model_copy(update={"identity": IDENTITY})
    return with_digests(rows(*values), kind)[DIGEST].bin.encode("hex").to_list()


def test_digests_are_what_they_were_on_the_first_day() -> None:
    at = datetime(2025, 3, 1, 0, 30, tzinfo=UTC)
    assert digests(
        ("theft", date(2025, 3, 1), 120.5, 30.25, at),
        ("盗窃", date(1969, 12, 31), -0.0004, 1e18, None),
        (None, None, None, None, None),
    ) == ["f273cf93fa13ef50ded5c972c8363bba", "81516dddd98845a64127bd1c0dcbf844", "a7c388bbea33869dd5fb6dbda6e88e36"]


def test_the_digest_is_xxh3_of_the_text_the_decision_states() -> None:
    # Computed with the reference library: xxhash.xxh3_128_hexdigest(text).
    kind = KIND.model_copy(update={"identity": ["category"]})
    (digest,) = with_digests(rows(("theft", None, None, None, None)), kind)[DIGEST]
    assert digest.hex() == "d1abe0e4d481041af1075849725b3c50"


def test_a_digest_does_not_depend_on_the_rows_beside_it() -> None:
    odd, plain = ("a", None, float("inf"), 1e300, None), ("a", None, 12.0, 1.0, None)
    together = digests(odd, plain)
    assert together == digests(odd) + digests(plain)
    assert len(set(together)) == 2


def test_two_places_eleven_metres_apart_are_two_whatever_the_unit() -> None:
    in_degrees = digests(("a", None, 120.0001, 30.0, None), ("a", None, 120.0002, 30.0, None))
    assert in_degrees[0] != in_degrees[1]
    # A decimetre, or a different last digit of another export, is the same place.
    assert digests(("a", None, 120.00010004, 30.0, None)) == in_degrees[:1]
    feet = PORTLAND.model_copy(update={"identity": IDENTITY})
    near = with_digests(rows(("a", None, 7_650_000.0001, 1.0, None), ("a", None, 7_650_000.0, 1.0, None)), feet)[DIGEST]
    assert near[0] == near[1]


def test_parts_are_told_by_the_first_digits_of_the_key() -> None:
    kind = KIND.model_copy(update={"identity": IDENTITY})
    given_rows = with_digests(rows(*((str(n), None, None, None, None) for n in range(50))), kind)
    starts = given_rows.select(digest_start(1).alias("one"), digest_start(2).alias("two"))
    keys = number_rows(given_rows, kind, "s")[0]["record_key"]
    assert starts["one"].to_list() == keys.str.slice(2, 1).to_list()
    assert starts["two"].to_list() == keys.str.slice(2, 2).to_list()


@settings(max_examples=60, deadline=None)
@given(order=st.permutations(range(7)))
def test_identical_rows_are_numbered_by_their_content_in_each_file(order: list[int]) -> None:
    kind = KIND.model_copy(update={"identity": ["category"], "identical_rows": "legitimate"})
    content = [("a", 2.0), ("a", 1.0), ("b", None), ("a", None), ("c", 3.0), ("c", 3.0), ("a", 2.0)]
    files = [0, 0, 0, 0, 0, 1, 1]
    frame = pl.DataFrame(
        [(*content[place], files[place], line) for line, place in enumerate(order, start=2)],
        schema={"category": pl.String, "x": pl.Float64, "$file": pl.Int32, "source_line": pl.Int64},
        orient="row",
    )
    found, repeated = number_rows(with_digests(frame, kind), kind, "s", within="$file")
    assert repeated.is_empty()
    number = found["record_key"].str.split("-").list.last().cast(pl.Int64)
    told = (
        found.with_columns(number.alias("n"))
        .select("$file", "category", "x", "n", SHARED)
        .sort("$file", "category", "n")
    )
    assert told.rows() == [
        (0, "a", None, 1, True),
        (0, "a", 1.0, 2, False),
        (0, "a", 2.0, 3, False),
        (0, "b", None, 1, False),
        (0, "c", 3.0, 1, True),
        (1, "a", 2.0, 1, True),
        (1, "c", 3.0, 1, True),
    ]


def test_digests_that_begin_alike_are_told_apart() -> None:
    kind = KIND.model_copy(update={"identity": ["category"], "identical_rows": "legitimate"})
    a, b = b"\1" * 16, b"\1" * 8 + b"\2" * 8
    frame = pl.DataFrame(
        {DIGEST: [a, b, a, b, b, a], "$file": [0, 0, 0, 0, 1, 2], "source_line": [2, 3, 4, 5, 2, 2]},
        schema_overrides={"$file": pl.Int32, DIGEST: pl.Binary},
    )
    found, _ = number_rows(frame, kind, "s", within="$file")
    ends = found["record_key"].str.slice(-4).to_list()
    assert ends == ["01-1", "02-1", "01-2", "02-2", "02-1", "01-1"]
    assert found[SHARED].to_list() == [True, True, False, False, True, True]
    last, repeated = number_rows(frame, kind.model_copy(update={"identical_rows": "duplicate"}), "s", within="$file")
    assert (last["source_line"].to_list(), repeated["source_line"].to_list()) == ([4, 5, 2, 2], [2, 3])
    assert last[SHARED].to_list() == [True] * 4


def test_numbers_of_a_batch_are_those_of_all_files_together() -> None:
    kind = KIND.model_copy(update={"identity": ["category"], "identical_rows": "legitimate"})
    frame = with_digests(
        pl.DataFrame(
            {
                "category": ["a", "b", "a", "a", "b"],
                "x": [2.0, 1.0, 1.0, 5.0, 4.0],
                "$file": [0, 0, 0, 1, 1],
                "source_line": [2, 3, 4, 2, 3],
            },
            schema_overrides={"$file": pl.Int32},
        ),
        kind,
    )
    batches = [with_numbers(some, kind, "$file") for some in (frame.head(3), frame.tail(2))]
    early, _ = number_rows(pl.concat(batches), kind, "s", within="$file")
    late, _ = number_rows(frame, kind, "s", within="$file")
    assert early.equals(late)
    assert early["record_key"].str.split("-").list.last().to_list() == ["2", "1", "1", "1", "1"]


def test_a_load_with_older_keys_is_not_added_to(load: Load, store: Store, tmp_path: Path) -> None:
    first = load({"a.csv": "kind,day,x,y,detail\ntheft,2025-01-01,120,30,bicycle\n"})
    about = store.loads / first.load_id / "load.json"
    write_json(about, {**read_json(about), "key_format": 1})
    with pytest.raises(StoreError, match="made other record keys"):
        load({"b.csv": "kind,day,x,y,detail\ntheft,2025-01-02,120,30,bicycle\n"})
    assert store.current_snapshot_id() == first.snapshot_id
