"""Which canonical table a file fills."""

from __future__ import annotations

from typing import Any

from data.sources.propose.drafts import Draft, glob_of
from data.sources.propose.findings import Known
from data.sources.propose.lexicon import KEY_COLUMNS
from data.sources.propose.names import best_header
from data.sources.propose.sampling import Sample
from data.sources.propose.words import words_of
from data.sources.propose.years import columns_of_years
from data.sources.reading import GEOMETRY

#: Most rows of a list of codes.
SHORT = 300


def start_draft(sample: Sample, known: Known) -> Draft:
    """Return the draft of a file with its table chosen; columns are found by ``blocks.settle``."""
    draft = Draft(sample, known)
    draft.table = choose_table(draft)
    draft.block = {
        "name": draft.table,
        "table": draft.table,
        "format": [sample.form],
        "headers": [],
        **{key: value for key, value in sample.keys.items() if value not in ("utf-8", ",", 1)},
    }
    if draft.table != "calls" or sample.has_shapes or not any(p.key for p in draft.profiles):
        draft.block["file_name"] = [glob_of(sample.path)]
    return draft


def choose_table(draft: Draft) -> str:
    """Return the table whose key columns the headers name; without any, calls or, for a short list, a lookup."""
    if draft.sample.has_shapes:
        return _table_of_shapes(draft)
    if columns_of_years(draft.profiles) and not any(one.dates is not None for one in draft.profiles):
        return "population"
    for table, needed in KEY_COLUMNS.items():
        found = {column: best_header(draft, table, column) for column in needed}
        if all(found.values()) and (table != "population" or _counts_people(draft, found)):
            if table == "dispatches" and best_header(draft, "calls", "category"):
                continue
            return table
    if _is_list_of_codes(draft):
        return "lookup"
    dates = any(profile.dates for profile in draft.profiles)
    places = {word for profile in draft.profiles for word in words_of(profile.header)} >= {"lon", "lat"}
    if not dates and not places and len(draft.profiles) <= 6 and draft.sample.whole:
        return "lookup"
    return "calls"


def _is_list_of_codes(draft: Draft) -> bool:
    """Return whether a short file tells neither a moment nor a place nor what happened: codes, counts, names."""
    if not draft.sample.whole or draft.sample.raw.records > SHORT or best_header(draft, "calls", "category"):
        return False
    exact = any(
        one.dates is not None and one.dates.kind == "moment" and not one.dates.midnight for one in draft.profiles
    )
    words = {word for profile in draft.profiles for word in words_of(profile.header)}
    timed = exact or any(one.clock is not None and words_of(one.header) & {"time", "hour"} for one in draft.profiles)
    return not timed and not words & {"lat", "lon", "x", "y", "occ", "incident", "offense", "call", "address"}


def _table_of_shapes(draft: Draft) -> str:
    import shapely

    shapes = shapely.from_wkb(draft.sample.raw.frame[GEOMETRY].drop_nulls().head(200).to_list())
    kinds = {shapely.get_type_id(shape) for shape in shapes}
    if kinds & {3, 6}:
        return "areas"
    return "calls" if kinds & {0, 4} else "base_map"


def _counts_people(draft: Draft, found: dict[str, Any]) -> bool:
    count = found["count"][0]
    dated = [profile for profile in draft.profiles if profile.dates and profile.dates.kind == "moment"]
    month = best_header(draft, "population", "month")
    places = found["area_code"][0]
    each = places.unique or (month is not None and places.distinct < places.texts.len())
    return bool(count.is_number and (count.low or 0) >= 0 and not dated and each)
