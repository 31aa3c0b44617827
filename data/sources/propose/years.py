"""Counts of people with one column a year: ``pop10`` … ``pop17``, ``2015年人口`` … ``2020年人口``, bare years."""

from __future__ import annotations

import re
from collections.abc import Sequence

from data.sources.personal import key_of_header
from data.sources.propose.drafts import Draft
from data.sources.propose.findings import ColumnProposal, Question
from data.sources.propose.lexicon import NAMES, STRONG, matches
from data.sources.propose.profiling import Profile
from data.sources.propose.words import words_of

#: A year at the end or at the beginning of a header's key, and what stands beside it.
YEAR_LAST = re.compile(r"(?P<beside>\D*)(?P<year>(?:19|20)\d{2}|\d{2})年?")
YEAR_FIRST = re.compile(r"(?P<year>(?:19|20)\d{2})年?(?P<beside>\D+)")
#: Years of two digits from here on are of the last century.
PIVOT = 35
#: Columns that make a series.
FEWEST = 3


def columns_of_years(profiles: Sequence[Profile]) -> dict[str, tuple[Profile, int]]:
    """Return the columns that count people of a year each, by the text of the year; empty for fewer than three.

    Notes
    -----
    Headers of one series differ in the year only, so margins (``pop11_m``) and shares are none of it.
    """
    series: dict[str, dict[str, tuple[Profile, int]]] = {}
    for profile in profiles:
        key = key_of_header(profile.header)
        found = YEAR_LAST.fullmatch(key) or YEAR_FIRST.fullmatch(key)
        if found is None or not profile.is_number or (profile.low or 0) < 0:
            continue
        beside, text = found["beside"], found["year"]
        if (len(text) == 4 and not beside) or matches(NAMES["population"]["count"][0], beside):
            year = int(text) if len(text) == 4 else int(text) + (2000 if int(text) < PIVOT else 1900)
            form = f"{'first' if key.startswith(text) else 'last'} {len(text)} {beside}"
            series.setdefault(form, {})[text] = (profile, year)
    longest = max(series.values(), key=len, default={})
    return longest if len(longest) >= FEWEST else {}


def find_years(draft: Draft) -> bool:
    """Make one row a year of the columns that count people of a year each; False without such columns."""
    years = columns_of_years(draft.profiles)
    if not years:
        return False
    headers = [profile.header for profile, _ in years.values()]
    columns = draft.block["columns"]
    draft.columns = [one for one in draft.columns if one.column not in ("count", "month") and one.header not in headers]
    for name in [name for name, rule in columns.items() if rule.get("from") in headers]:
        del columns[name]
    draft.block["unpivot"] = {"headers": headers}
    months = {profile.header: f"{year}-01-01" for profile, year in years.values()}
    columns["count"] = {"from": "$value"}
    columns["month"] = {"from": "$name", "values": months, "parse": "date"}
    draft.taken |= set(headers)
    why = f"one column a year, {min(year for _, year in years.values())} to {max(year for _, year in years.values())}"
    draft.columns.append(ColumnProposal(" + ".join(headers), "count", STRONG, why))
    draft.columns.append(ColumnProposal("(headers)", "month", 0.7, why))
    own = [one for one in draft.profiles if one.unique and one.header not in headers]
    if "area_code" not in columns and own:
        coded = [one for one in own if words_of(one.header) & {"id", "code"} or one.is_number]
        draft.use("area_code", (coded or own)[0], 0.4, "every row has another one")
        draft.questions.append(
            Question("area_code", (coded or own)[0].header, "no header is named like a code of areas.")
        )
    first = next(iter(months.values()))
    draft.questions.append(Question("month", first, "the month of each year the population was counted for."))
    return True
