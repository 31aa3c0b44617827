"""Which header a column's name points to; the values must agree with it."""

from __future__ import annotations

from data.schemas import CANONICAL
from data.sources.propose.drafts import Draft
from data.sources.propose.lexicon import STRONG, WEAK, confidence_of_name
from data.sources.propose.profiling import Profile, true_share

#: A cell that holds nothing but a point.
COORDINATES = r"^\W*(?:POINT\s*\()?\(?-?\d{1,3}\.\d+[,\s]+-?\d{1,3}\.\d+\)*\W*$"


def best_header(draft: Draft, table: str, column: str, minimum: float = WEAK) -> tuple[Profile, float] | None:
    """Return the header whose name speaks most for a column and whose values agree, with its confidence."""
    rated = [
        (confidence, profile.filled, -place, profile)
        for place, profile in enumerate(draft.profiles)
        if profile.header not in draft.taken
        and profile.filled > 0
        and (confidence := confidence_of_name(table, column, profile.header)) >= minimum
        and values_agree(table, column, profile)
    ]
    if not rated:
        return None
    if column.endswith("_id"):
        # Of several numbers the one that tells rows apart identifies them.
        rated.sort(key=lambda item: (item[0], item[3].unique, item[2]))
    else:
        rated.sort(key=lambda item: (item[0], item[1] > 0.5, item[2]))
    return rated[-1][3], rated[-1][0]


def values_agree(table: str, column: str, profile: Profile) -> bool:
    """Return whether the values of a header could be those of a column."""
    if column == "time.month":
        return profile.dates is not None and (profile.dates.kind == "month" or _first_days(profile))
    if column == "time.clock":
        return profile.clock is not None
    if column == "time.slot":
        return true_share(profile.texts.str.contains(r"^\d{1,2}\s*[~～\-—至]\s*\d{1,2}$")) > 0.8
    if column.startswith("time."):
        return profile.dates is not None
    if column == "call_id" and confidence_of_name(table, column, profile.header) < STRONG and not profile.unique:
        return False
    if column == "address":
        return true_share(profile.texts.str.contains(COORDINATES)) < 0.5
    if column == "weight":
        return profile.whole and set(profile.texts.unique().to_list()) <= {"1", "-1", "0"}
    columns = CANONICAL[table].columns()
    if column not in columns:
        return True
    dtype = columns[column].dtype
    if dtype.is_temporal():
        return profile.dates is not None
    if dtype.is_numeric():
        return profile.is_number
    if str(dtype) == "Boolean":
        return profile.distinct <= 3
    if column in ("category", "category_intake", "category_final", "unit_code", "beat_code", "channel", "level"):
        return profile.dates is None and not (profile.unique and profile.rows > 30)
    return not (column.endswith(("_id", "_code")) and profile.dates is not None and not profile.unique)


def _first_days(profile: Profile) -> bool:
    return bool(profile.texts.str.contains(r"^\d{4}[-/]?\d{2}[-/]?01").all())
