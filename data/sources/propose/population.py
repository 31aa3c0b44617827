"""Counts of people by area: which month they are of, how they are written, and which areas they are of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from data.sources.propose.drafts import Draft, name_of
from data.sources.propose.findings import ColumnProposal, Question
from data.sources.propose.lexicon import NAMES, STRONG, matches
from data.sources.propose.profiling import Profile
from data.sources.propose.shapes import level_in_words
from data.sources.propose.words import words_of
from data.sources.propose.years import find_years

#: Share of the areas of a population that must be among the boundaries, or the other way round.
JOINS = 0.8
#: Year and month in the name of a file: 2025年12月, 2025-12; and of the Republic of China: 114年11月.
MONTH_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d{2})[年\-_.](\d{1,2})(?!\d)|(?<!\d)(1[01]\d)年(\d{1,2})月")
ROC_MONTH = r"^1[01]\d(0[1-9]|1[0-2])$"
WHY_MONTH = "the month the population was counted for."


def find_population(draft: Draft) -> None:
    """Fill the class and the month of population counts that no header tells, and thousands written with dots."""
    columns = draft.block.setdefault("columns", {})
    if "population_class" not in columns:
        columns["population_class"] = {"constant": "total"}
        draft.columns.append(ColumnProposal("(constant)", "population_class", 0.5, "one count per area"))
    if find_years(draft):
        return
    count = next((one for one in draft.profiles if name_of(one) == columns.get("count", {}).get("from")), None)
    if count is not None and count.texts.str.contains(r"^\d{1,3}(\.\d{3})+$").all():
        # Nobody counts thousandths of a person in every area.
        columns["count"]["replace"] = [[".", ""]]
    if "month" not in columns:
        _month(draft)


def _month(draft: Draft) -> None:
    for profile in draft.profiles:
        words = words_of(profile.header)
        if words & {"month", "year"} and profile.texts.str.contains(ROC_MONTH).all() and profile.filled > 0:
            rule = {"suffix": "01", "parse": "roc_date"}
            draft.use("month", profile, 0.8, "years of the Republic of China and months", rule)
            return
        if words == {"year"} and profile.texts.str.contains(r"^(19|20)\d{2}$").all() and profile.filled > 0:
            draft.use("month", profile, 0.8, "the year of the count", {"suffix": "-01-01", "parse": "date"})
            return
    columns = draft.block["columns"]
    stem = draft.sample.path.stem
    found = MONTH_IN_NAME.search(stem)
    year = re.search(r"(?<!\d)(19|20)\d{2}(?!\d)", " ".join([stem, *(one.header for one in draft.profiles)]))
    value = f"{year.group(0) if year else '2020'}-01-01"
    if found is not None:
        whole, month = found.group(1) or int(found.group(3)) + 1911, int(found.group(2) or found.group(4))
        value = f"{whole}-{month:02d}-01" if 1 <= month <= 12 else value
    columns["month"] = {"constant": value, "parse": "date"}
    sure = 0.7 if found else 0.5 if year else 0.2
    draft.columns.append(ColumnProposal("(constant)", "month", sure, "no column tells the month"))
    draft.questions.append(Question("month", value, WHY_MONTH))


def join_population(drafts: Sequence[Draft]) -> None:
    """Let the counts name their areas as the boundaries do; both must be settled."""
    areas = [draft for draft in drafts if draft.table == "areas"]
    for people in (draft for draft in drafts if draft.table == "population"):
        found = False
        for codes in filter(None, (_codes_of(one) for one in areas)):
            count = people.block["columns"].get("count", {}).get("from")
            some = [one for one in people.profiles if name_of(one) != count]
            own = next((one for one in some if _same_areas(one, codes)), None)
            if own is None:
                continue
            found = True
            rule = people.block["columns"].get("area_code", {})
            if rule.get("from") != name_of(own):
                people.columns = [
                    one for one in people.columns if one.column != "area_code" and one.header != own.header
                ]
                people.block["headers"] = [one for one in people.block.get("headers", []) if one != rule.get("from")]
                people.questions = [one for one in people.questions if one.name != "area_code"]
                people.use("area_code", own, STRONG, "the codes that the boundaries have")
                people.block["headers"] = [own.header, *people.block["headers"]]
            break
        if areas and not found:
            header = str(people.block["columns"].get("area_code", {}).get("from", "none"))
            why = "none of the boundaries has these codes: these people would be counted in no area."
            people.questions.append(Question(f"areas of {people.block['name']}", header, why))


def _codes_of(areas: Draft) -> Profile | None:
    rule = areas.block.get("columns", {}).get("area_code", {})
    return next((one for one in areas.profiles if name_of(one) == rule.get("from")), None)


def _same_areas(profile: Profile, codes: Profile) -> bool:
    own, drawn = set(profile.texts.unique().to_list()), set(codes.texts.unique().to_list())
    if profile.is_number and not (words_of(profile.header) & {"id", "code"} or level_in_words(profile)):
        # Small numbers are everywhere: 12 households are not area 12.
        return False
    return len(own) > 1 and len(own & drawn) >= JOINS * min(len(own), len(drawn))


def beside_areas(areas: Draft) -> Draft | None:
    """Return a block for the population that boundaries carry; None where no property counts people."""
    code = areas.block.get("columns", {}).get("area_code")
    if areas.table != "areas" or code is None or "from" not in code:
        return None
    counts = [one for one in areas.profiles if matches(NAMES["population"]["count"][0], one.header) and one.is_number]
    if not counts or not all(one.filled > 0.5 and (one.low or 0) >= 0 for one in counts[:1]):
        return None
    beside = Draft(areas.sample, areas.known)
    beside.table = "population"
    beside.block = {"name": "population", "table": "population", "beside": areas.block["name"]}
    beside.block |= {"identity": ["area_code", "month", "population_class"]}
    own = _codes_of(areas)
    if own is None:
        return None
    beside.use("area_code", own, STRONG, "people are counted in the area of the shape")
    beside.use("count", counts[0], STRONG, "the name says so")
    find_population(beside)
    areas.columns = [one for one in areas.columns if one.header != counts[0].header]
    return beside


__all__ = ["beside_areas", "find_population", "join_population"]
