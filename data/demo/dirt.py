"""Faults put into the exports on purpose, in known numbers, so that the door can be seen working."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

#: Faults in the calls at scale 1, by kind.
CALL_FAULTS = {
    "missing_id": 30,
    "unreadable_date": 40,
    "future_date": 12,
    "unknown_category": 45,
    "end_before_start": 35,
    "repeated_row": 80,
    "swapped_coordinates": 60,
    "null_island": 50,
}
#: Quarantine reason of the faults that refuse a row. Rows with swapped or zero coordinates are kept, but not located.
REFUSED = {
    "missing_id": "missing_value",
    "unreadable_date": "unreadable_value",
    "future_date": "impossible_date",
    "unknown_category": "unknown_code",
    "end_before_start": "rule_interval_is_ordered",
    "repeated_row": "repeated_in_file",
    "arrived_before_sent": "rule_times_are_ordered",
}
ARRIVED_BEFORE_SENT = 25


def soil_calls(rng: np.random.Generator, calls: pl.DataFrame, scale: float) -> tuple[pl.DataFrame, dict[str, int]]:
    """Put faults into the calls, each into rows of its own.

    Returns
    -------
    calls, faults
        The soiled frame and how many rows got which fault.
    """
    faults = {name: max(2, round(number * scale)) for name, number in CALL_FAULTS.items()}
    sound = np.flatnonzero(
        calls.select(pl.col("BJRXZB").is_not_null() & pl.col("JQFSSJQ").is_not_null()).to_series().to_numpy()
    )
    order = rng.permutation(sound)
    rows: dict[str, np.ndarray] = {}
    for name, number in faults.items():
        rows[name], order = np.sort(order[:number]), order[number:]
    calls = _set(calls, rows["missing_id"], JJDBH=lambda column: pl.lit(None, dtype=pl.String))
    calls = _set(calls, rows["unreadable_date"], BJSJ=lambda column: column.str.slice(0, 4) + pl.lit("1332257700"))
    calls = _set(
        calls,
        rows["future_date"],
        JQFSSJQ=lambda column: pl.lit("2099") + column.str.slice(4),
        JQFSSJZ=lambda column: pl.lit("2099") + column.str.slice(4),
    )
    calls = _set(calls, rows["unknown_category"], JQXLDM=lambda column: pl.lit("777777"))
    calls = _set(calls, rows["end_before_start"], JQFSSJZ=lambda column: pl.lit("2001") + column.str.slice(4))
    swapped = pl.Series(np.isin(np.arange(calls.height), rows["swapped_coordinates"]))
    calls = calls.with_columns(
        BJRXZB=pl.when(swapped).then("BJRYZB").otherwise("BJRXZB"),
        BJRYZB=pl.when(swapped).then("BJRXZB").otherwise("BJRYZB"),
    )
    calls = _set(calls, rows["null_island"], BJRXZB=lambda column: pl.lit("0"), BJRYZB=lambda column: pl.lit("0"))
    twice = pl.Series(np.isin(np.arange(calls.height), rows["repeated_row"]).astype(np.int64) + 1)
    return calls.select(pl.all().repeat_by(twice).explode()), faults


def soil_dispatches(
    rng: np.random.Generator, dispatches: pl.DataFrame, scale: float
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Let some units arrive in the year before they were sent."""
    number = max(2, round(ARRIVED_BEFORE_SENT * scale))
    closed = np.flatnonzero(dispatches["DDXCSJ"].is_not_null().to_numpy())
    rows = np.sort(rng.choice(closed, number, replace=False))
    dispatches = _set(dispatches, rows, DDXCSJ=lambda column: pl.lit("2001") + column.str.slice(4))
    return dispatches, {"arrived_before_sent": number}


def _set(frame: pl.DataFrame, rows: np.ndarray, **values: Callable[[pl.Expr], pl.Expr]) -> pl.DataFrame:
    """Replace the values of some columns in some rows."""
    chosen = pl.Series(np.isin(np.arange(frame.height), rows))
    return frame.with_columns(
        **{
            name: pl.when(chosen).then(value(pl.col(name))).otherwise(pl.col(name)).alias(name)
            for name, value in values.items()
        }
    )
