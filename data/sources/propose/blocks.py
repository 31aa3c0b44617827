"""One [[file]] block from beginning to end: its columns, its identity, its headers."""

from __future__ import annotations

from data.schemas import CANONICAL
from data.sources.propose.columns import find_columns, find_population
from data.sources.propose.drafts import Draft, glob_of, name_of
from data.sources.propose.findings import BY_VALUES, ColumnProposal
from data.sources.propose.points import find_point
from data.sources.propose.shapes import find_areas, find_base_map
from data.sources.propose.times import find_time


def settle(draft: Draft) -> None:
    """Find all rules of a file, what makes its rows unique, and by which headers it is recognised."""
    if draft.table == "lookup":
        draft.block["headers"] = [profile.header for profile in draft.profiles if not profile.key.startswith("#")][:6]
        _leave_the_rest(draft, "kept aside as a lookup table, whole")
        return
    if draft.personal:
        by_value = [header for header, why in draft.personal.items() if why != "by its name"]
        if by_value:
            draft.block["personal"] = by_value
    if draft.table == "areas":
        find_areas(draft)
    elif draft.table == "base_map":
        find_base_map(draft)
    else:
        if draft.table == "calls":
            find_time(draft)
        find_columns(draft)
        if draft.table == "population":
            find_population(draft)
        if "lon" in CANONICAL[draft.table].columns():
            find_point(draft)
    _find_identity(draft)
    _leave_the_rest(draft, "nothing in beatwise is made of it")
    if draft.table == "areas":
        draft.block["headers"] = [one.header for one in draft.columns if one.column in ("area_code", "name_zh")]
    else:
        read = [one for one in draft.columns if one.column and one.confidence >= BY_VALUES and " + " not in one.header]
        draft.block["headers"] = [one.header for one in read if not one.header.startswith("(")][:6]
    if not draft.block["headers"]:
        draft.block["file_name"] = [glob_of(draft.sample.path)]
        del draft.block["headers"]


def _find_identity(draft: Draft) -> None:
    columns = draft.block.get("columns", {})
    keys = {
        "dispatches": "dispatch_id",
        "feedbacks": "feedback_id",
        "addresses": "address_code",
        "visits": "visit_id",
        "visit_register": "object_id",
    }
    if draft.table in keys:
        draft.block["identity"] = [keys[draft.table]]
        return
    fixed = {
        "areas": ["level", "area_code", "valid_from"],
        "base_map": ["feature_id"],
        "population": ["area_code", "month", "population_class"],
        "shifts": ["unit_code", "shift_code"],
    }
    if draft.table in fixed:
        draft.block["identity"] = fixed[draft.table]
        return
    own = next((p for p in draft.profiles if columns.get("call_id", {}).get("from") == name_of(p)), None)
    if own is not None and own.unique and own.filled > 0.98:
        draft.block["identity"] = ["call_id"]
        return
    told = [
        name
        for name in ("call_id", "category", "category_intake", "address", "unit_code", "beat_code")
        if name in columns
    ]
    told += ["occurred_from" if "at" in draft.block.get("time", {}) else "occurred_on"] if "time" in draft.block else []
    told += ["x", "y"] if "point" in draft.block else []
    draft.block["identity"] = told
    draft.block["identical_rows"] = "legitimate"


def _leave_the_rest(draft: Draft, reason: str) -> None:
    used = {header for one in draft.columns for header in one.header.split(" + ")}
    for profile in draft.profiles:
        if (profile.header or profile.key) not in used:
            why = "it is always empty" if profile.filled == 0 else reason
            draft.columns.append(ColumnProposal(profile.header or profile.key, None, 0.0, why))
