"""One [[file]] block from beginning to end: its columns, its identity, its headers."""

from __future__ import annotations

from data.schemas import CANONICAL
from data.sources.propose.columns import find_columns
from data.sources.propose.doubts import raise_doubts
from data.sources.propose.drafts import TOTAL, Draft, glob_of, name_of
from data.sources.propose.findings import BY_VALUES, ColumnProposal, Question
from data.sources.propose.lexicon import STRONG
from data.sources.propose.names import time_role
from data.sources.propose.points import find_point
from data.sources.propose.population import find_population
from data.sources.propose.profiling import Profile
from data.sources.propose.shapes import find_areas, find_base_map
from data.sources.propose.times import date_rule, find_time
from data.sources.propose.words import tells_of_a_person, words_of

#: Columns of dispatches that can stand on the row of a call.
DISPATCH_TIMES = (
    ("dispatched_at", "dispatched"),
    ("departed_at", "departed"),
    ("arrived_at", "arrived"),
    ("cleared_at", "cleared"),
)


def settle(draft: Draft) -> None:
    """Find all rules of a file, what makes its rows unique, and by which headers it is recognised."""
    if draft.table == "lookup":
        draft.block["headers"] = [profile.header for profile in draft.profiles if not profile.key.startswith("#")][:6]
        _leave_the_rest(draft, "kept aside as a lookup table, whole")
        raise_doubts(draft)
        return
    if draft.table in ("calls", "dispatches", "feedbacks"):
        _drop_people(draft)
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
    if draft.sample.other_sheets:
        # Nothing is left out in silence.
        sheet = str(draft.block.get("sheet", "the first"))
        others = ", ".join(draft.sample.other_sheets)
        why = f"the workbook has further sheets that are not read: {others}. One [[file]] with `sheet` reads one sheet."
        draft.questions.append(Question(f"sheet of {draft.block['name']}", sheet, why))
    if draft.totals is not None:
        header = draft.sample.raw.headers[draft.totals] or draft.totals
        draft.block["refuse"] = [{"reason": "total_row", "header": header, "matches": TOTAL}]
    _find_identity(draft)
    _leave_the_rest(draft, "nothing in beatwise is made of it")
    raise_doubts(draft)
    if draft.table == "areas":
        draft.block["headers"] = [one.header for one in draft.columns if one.column in ("area_code", "name_zh")]
    else:
        read = [one for one in draft.columns if one.column and one.confidence >= BY_VALUES]
        headers = [part for one in read if not one.header.startswith(("(", "$")) for part in one.header.split(" + ")]
        draft.block["headers"] = list(dict.fromkeys(headers))[:6]
    if not draft.block["headers"]:
        draft.block["file_name"] = [glob_of(draft.sample.path)]
        del draft.block["headers"]


def _drop_people(draft: Draft) -> None:
    """List as personal what headers tell of victims, suspects and officers; how many they were is no such thing."""
    for profile in list(draft.profiles):
        few = profile.is_number and profile.distinct <= 20 and not words_of(profile.header) & {"age", "id"}
        if tells_of_a_person(profile.header) and not few:
            draft.personal[profile.header] = "it tells of a person who took part"
            draft.profiles.remove(profile)


def beside_calls(draft: Draft) -> Draft | None:
    """Return a block for the dispatches on the rows of calls; None where the file does not tell when a unit came.

    Parameters
    ----------
    draft
        Settled. Its calls must have a number each: a row is then one call and at most one dispatch is told of it.
    """
    number = draft.block.get("columns", {}).get("call_id")
    if draft.table != "calls" or draft.block["identity"] != ["call_id"] or number is None:
        return None
    beside = Draft(draft.sample, draft.known)
    beside.table = "dispatches"
    free = {one.header for one in draft.columns if one.column is None}
    beside.profiles = [profile for profile in beside.profiles if profile.header in free]
    beside.clocks_are_local = draft.clocks_are_local
    for column, role in DISPATCH_TIMES:
        found = next((one for one in beside.profiles if time_role(one) == role and _is_moment(one)), None)
        if found is not None:
            rule = {**date_rule(beside, found, moment=True), "on_error": "null"}
            beside.use(column, found, STRONG, "the name says so; on the row of its call", rule)
    told = [one for one in beside.columns if one.column in ("dispatched_at", "arrived_at", "cleared_at")]
    if len(told) < 2:
        return None
    first = next(profile for profile in beside.profiles if profile.header == told[0].header)
    columns = beside.block.pop("columns")
    beside.block = {"name": "dispatches", "table": "dispatches", "beside": draft.block["name"]}
    beside.block["only_with"] = name_of(first)
    beside.block |= {"identity": ["dispatch_id"], "columns": {"dispatch_id": number, "call_id": number, **columns}}
    for name in ("dispatch_id", "call_id"):
        beside.columns.append(ColumnProposal(str(number["from"]), name, STRONG, "one dispatch is told of each call"))
    draft.columns = [one for one in draft.columns if one.header not in beside.taken]
    return beside


def _is_moment(profile: Profile) -> bool:
    form = profile.dates
    return form is not None and form.kind == "moment" and not form.midnight


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
    if own is not None and own.filled > 0.98 and own.distinct == own.texts.len():
        draft.block["identity"] = ["call_id"]
        return
    told = [
        name
        for name in ("call_id", "category", "category_intake", "address", "unit_code", "beat_code")
        if name in columns
    ]
    exact = {"at", "clock"} & set(draft.block.get("time", {}))
    told += ["occurred_from" if exact else "occurred_on"] if "time" in draft.block else []
    told += ["x", "y"] if "point" in draft.block else []
    draft.block["identity"] = told
    draft.block["identical_rows"] = "legitimate"


def _leave_the_rest(draft: Draft, reason: str) -> None:
    used = {header for one in draft.columns for header in one.header.split(" + ")}
    for profile in draft.profiles:
        if (profile.header or profile.key) not in used:
            why = "it is always empty" if profile.filled == 0 else reason
            draft.columns.append(ColumnProposal(profile.header or profile.key, None, 0.0, why))
