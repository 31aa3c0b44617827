"""Which header a column's name points to; the values must agree with it."""

from __future__ import annotations

import re

import polars as pl

from data.schemas import CANONICAL
from data.sources.propose.date_forms import true_share
from data.sources.propose.drafts import Draft
from data.sources.propose.lexicon import NAMES, STRONG, WEAK, confidence_of_name, matches
from data.sources.propose.profiling import Profile
from data.sources.propose.words import confidence_of_words, listed, role_of, words_of

#: A cell that holds nothing but a point.
COORDINATES = r"^\W*(?:POINT\s*\()?\(?-?\d{1,3}\.\d+[,\s]+-?\d{1,3}\.\d+\)*\W*$"

#: What a header of a count says that adds up the others.
TOTALS = re.compile(r"合[计計]|[总總]|total|all|实有|實有")
#: Words of numbers that are not those of a call, and of places that police do not work by.
NUMBERS_OF_OTHERS = listed("victim suspect officer street zip address council district beat sector community")
OTHER_PLACES = frozenset({"council", "zip", "victim", "suspect", "officer", "census", "property", "weapon"})
#: Names that only match as a whole → role of the time.
ROLES_BY_NAME = (
    ("calls", "known_on", "aside"),
    ("calls", "time.until", "end"),
    ("calls", "reported_at", "reported"),
    ("calls", "answered_at", "answered"),
    ("calls", "time.at", "occurred"),
    ("dispatches", "dispatched_at", "dispatched"),
    ("dispatches", "departed_at", "departed"),
    ("dispatches", "arrived_at", "arrived"),
    ("dispatches", "cleared_at", "cleared"),
    ("dispatches", "signed_at", "aside"),
    ("feedbacks", "feedback_at", "aside"),
)


def best_header(draft: Draft, table: str, column: str, minimum: float = WEAK) -> tuple[Profile, float] | None:
    """Return the header whose name speaks most for a column and whose values agree, with its confidence."""
    rated = [
        (confidence, profile.filled, -place, profile)
        for place, profile in enumerate(draft.profiles)
        if profile.header not in draft.taken
        and profile.filled > 0
        and (confidence := confidence_of(table, column, profile)) >= minimum
        and values_agree(table, column, profile)
    ]
    if not rated:
        return None
    if column.endswith("_id"):
        # Of several numbers the one that tells rows apart identifies them.
        rated.sort(key=lambda item: (item[0] >= STRONG and item[3].unique, item[0], item[3].unique, item[2]))
    elif column.endswith("_code"):
        # A code joins with the areas, a name only sometimes; districts as they are drawn now before former ones.
        rated.sort(key=lambda item: (item[0], item[1] > 0.5, _is_code(item[3]), item[2]))
    elif column == "address":
        # Many different texts; a kind of place repeats.
        rated.sort(key=lambda item: (item[1] > 0.5, item[3].distinct > max(3, 0.02 * item[3].rows), item[0], item[2]))
    elif (table, column) == ("population", "count"):
        # Of men, women and all it is all who live there.
        rated.sort(key=lambda item: (item[0], bool(TOTALS.search(item[3].header.lower())), item[3].high or 0, item[2]))
    else:
        rated.sort(key=lambda item: (item[0], item[1] > 0.5, item[2]))
    return rated[-1][3], rated[-1][0]


def confidence_of(table: str, column: str, profile: Profile) -> float:
    """Return how much a header speaks for a column: as a whole, or by its words."""
    whole = confidence_of_name(table, column, profile.header)
    if table != "calls":
        return whole
    words = words_of(profile.header)
    if column == "call_id":
        if words & NUMBERS_OF_OTHERS or (whole < STRONG and _counts_rows(profile)):
            return 0.0
        if "surrogate" in words and whole < STRONG:
            return 0.0
    if column in ("unit_code", "beat_code", "community_code", "address") and words & OTHER_PLACES:
        return 0.0
    return max(whole, confidence_of_words(column, profile.header))


def time_role(profile: Profile) -> str:
    """Return of what a header tells the time, by its words and, in pinyin, by the whole name."""
    role = role_of(profile.header)
    if matches(NAMES["calls"]["time.until"][0], profile.header):
        return "end"
    if role != "plain":
        return role
    for table, column, said in ROLES_BY_NAME:
        sure, unsure = NAMES[table][column]
        if matches(sure, profile.header) or (said == "reported" and matches(unsure, profile.header)):
            return said
    return role


def _is_code(profile: Profile) -> tuple[bool, bool]:
    words = words_of(profile.header)
    return not profile.header.lower().startswith("old"), bool(words & {"id", "code"}) and "name" not in words


def _counts_rows(profile: Profile) -> bool:
    """Return whether a column only numbers the rows of this one file, 1, 2, 3 and so on."""
    numbers = profile.texts.cast(pl.Int64, strict=False)
    if numbers.len() < 20 or numbers.has_nulls() or numbers.min() not in (0, 1):
        return False
    return numbers.is_sorted() and numbers.max() == numbers.len() - 1 + int(str(numbers.min()))


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
    if column == "call_id" and confidence_of(table, column, profile) < STRONG and not profile.unique:
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
