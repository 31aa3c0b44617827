"""What changes if officers move: the table recomputed, nobody made or lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from analytics.staffing.parameters import StaffingParameters
from analytics.staffing.queueing import erlang_c, load_of_wait
from analytics.staffing.waiting import share_waiting
from data.errors import RequestError
from data.schemas import Staffing


@dataclass(frozen=True)
class OfficerMove:
    """Officers taken from one unit's shift and put on another's, every day of the period."""

    from_unit: str
    from_shift: str
    to_unit: str
    to_shift: str
    officers: float


def move_officers(
    staffing: pl.DataFrame,
    changes: Sequence[OfficerMove],
    parameters: StaffingParameters | None = None,
    *,
    loads: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the staffing table after moving officers.

    Parameters
    ----------
    staffing
        Frame of schema Staffing.
    changes
        Moves, applied together: only the result must be possible, not each step.
    loads
        Frame of schema StaffingLoads made together with the table; empty for editions without one.

    Returns
    -------
    polars.DataFrame
        Schema Staffing, same rows in the same order; available, committed_share, gap, wait_share and
        next_officer_value recomputed. The sum of officers on duty is unchanged.

    Raises
    ------
    RequestError
        If a unit or shift is unknown, has no officers on record, the number is not positive, or more officers would
        leave than are there.

    Notes
    -----
    Waiting is worked out from the hourly loads, as in the table itself. Without them one steady load stands in that
    gives the table's own chance of waiting; where a few hours are overloaded that can be tens of percentage points off.
    Demand stays where it is: the table does not know that a neighbour may help out.
    """
    chosen = parameters or StaffingParameters()
    rows = staffing.rows(named=True)
    delta = {(row["unit_code"], row["shift_code"]): 0.0 for row in rows}
    counted = {key for row in rows if row["available"] is not None for key in [(row["unit_code"], row["shift_code"])]}
    for change in changes:
        where = f"{change.from_unit}/{change.from_shift} → {change.to_unit}/{change.to_shift}"
        origin, goal = (change.from_unit, change.from_shift), (change.to_unit, change.to_shift)
        for key in (origin, goal):
            if key not in delta:
                raise RequestError(
                    f"the table has no shift {key[1]!r} of unit {key[0]!r}.",
                    where=where,
                    remedy="Pick one of its rows.",
                )
            if key not in counted:
                raise RequestError(
                    f"no officers on duty are known for shift {key[1]!r} of unit {key[0]!r}.",
                    where=where,
                    remedy="Load shifts for the unit first.",
                )
        if not 0 < change.officers < float("inf"):
            raise RequestError(f"officers must be a positive number, got {change.officers!r}.", where=where)
        delta[origin] -= change.officers
        delta[goal] += change.officers
    of_post = {} if loads is None else loads.partition_by("unit_code", "shift_code", as_dict=True)
    lacking = None if loads is None or loads.is_empty() else loads.clear()
    moved = [
        _recomputed(row, delta[key], chosen, of_post.get(key, lacking))
        for row in rows
        for key in [(row["unit_code"], row["shift_code"])]
    ]
    return Staffing.validate(pl.DataFrame(moved, schema=staffing.schema), cast=True)


def _recomputed(
    row: dict[str, Any], delta: float, chosen: StaffingParameters, loads: pl.DataFrame | None
) -> dict[str, Any]:
    if delta == 0.0:
        return row
    before = row["available"]
    after = before + delta
    if after < -1e-9:
        raise RequestError(
            f"{-delta:g} officers would leave where {before:g} are on duty.",
            where=f"{row['unit_code']}/{row['shift_code']}",
            remedy="Move fewer.",
        )
    after = max(after, 0.0)
    crews = chosen.officers_per_call
    if loads is not None:
        wait, with_one_more = (share_waiting(number, loads, crews) for number in (after, after + 1))
    else:
        load = _effective_load(row, before / crews, chosen)
        wait, with_one_more = (float(erlang_c(number / crews, load)) for number in (after, after + 1))
    return {
        **row,
        "available": after,
        "committed_share": row["demand_hours"] / (after * row["hours"]) if after > 0 else None,
        "gap": row["need_p80"] - after,
        "wait_share": wait,
        "next_officer_value": wait - with_one_more,
    }


def _effective_load(row: dict[str, Any], servers: float, chosen: StaffingParameters) -> float:
    """Return the load in erlangs behind the row's chance of waiting; the mean load where that tells nothing."""
    wait = row["wait_share"]
    if wait is not None and 1e-9 < wait < 1 - 1e-9 and servers > 0:
        return load_of_wait(servers, wait)
    mean = float(row["incident_hours"] / row["hours"] / chosen.officers_per_call)
    # Everybody waits: the load reaches at least the crews there are.
    return max(mean, servers) if wait is not None and wait >= 1 - 1e-9 else mean
