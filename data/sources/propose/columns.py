"""Rules for columns that headers name: codes, texts, counts, the category."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from data.schemas import CANONICAL
from data.sources.parsing import FALSE, TRUE
from data.sources.personal import key_of_header
from data.sources.propose.drafts import Draft, name_of
from data.sources.propose.findings import ColumnProposal, Question
from data.sources.propose.lexicon import ADDRESS_PARTS, NAMES, STRONG, WEAK
from data.sources.propose.names import best_header
from data.sources.propose.times import date_rule

#: Headers that say whether police started a call themselves.
SELF_INITIATED = "(self|officer|police|unit)initiated|on_?view(ed)?|proactive|自行发现|主动发现"


def find_columns(draft: Draft) -> None:
    """Fill the columns of the table that one header each tells; in calls also the category."""
    columns = CANONICAL[draft.table].columns()
    for column in NAMES[draft.table]:
        if "." in column or column in draft.block.get("columns", {}):
            continue
        minimum = STRONG if column in ("category_intake", "channel", "level", "category_name") else WEAK
        found = best_header(draft, draft.table, column, minimum)
        if found is None and column == "address" and _joined_address(draft):
            continue
        if found is None:
            continue
        profile, confidence = found
        rule: dict[str, Any] = {}
        dtype = columns[column].dtype
        if dtype.is_temporal() and profile.dates is not None:
            if "Datetime" in str(dtype) and (profile.dates.kind != "moment" or profile.dates.midnight):
                # A day is no moment; the day on which the police knew it is worth having all the same.
                if column == "reported_at" and profile.dates.kind != "month":
                    rule = {"parse": "date", **date_rule(draft, profile, moment=False)}
                    draft.use("known_on", profile, confidence, "the day it was reported; no clock time", rule)
                continue
            rule = date_rule(draft, profile, moment="Datetime" in str(dtype))
        if column in ("beat_code", "unit_code", "community_code"):
            empty = [text for text in ("-1", "0", "UNKNOWN", "NA", "N/A", "-") if (profile.texts == text).any()]
            rule = {"blank": empty} if empty else {}
        reason = "the name says so" if confidence == STRONG else "the name suggests it"
        if profile.dates is not None and dtype.is_temporal():
            reason += f"; dates as {profile.dates.keys.get('formats', profile.dates.keys.get('parse'))}"
        elif profile.unique and column.endswith("_id"):
            reason += "; every row has its own"
        draft.use(column, profile, confidence, reason, rule)
    if draft.table == "calls":
        _discovered_by_police(draft)
    if draft.table == "calls" and "category" not in draft.block.get("columns", {}):
        _category_of_intake(draft)
    _intake_of_category(draft)


def _discovered_by_police(draft: Draft) -> None:
    """Read a yes or no to "did an officer start it": what police find by themselves is no measure of need."""
    for profile in draft.profiles:
        said = {text.casefold(): text for text in profile.texts.unique().to_list()}
        if profile.header in draft.taken or not re.fullmatch(SELF_INITIATED, key_of_header(profile.header)):
            continue
        if said and set(said) <= {*TRUE, *FALSE}:
            values = {text: "police" if word in TRUE else "reported" for word, text in sorted(said.items())}
            draft.use("discovered_by", profile, WEAK, "yes or no to: an officer started it", {"values": values})
            return


def _category_of_intake(draft: Draft) -> None:
    """Let the type at intake stand for the category when no column names the category itself."""
    columns = draft.block.setdefault("columns", {})
    intake = next((one for one in draft.columns if one.column == "category_intake"), None)
    if intake is None:
        _category_by_values(draft)
        return
    columns["category"] = dict(columns["category_intake"])
    draft.columns[draft.columns.index(intake)] = replace(intake, column="category")
    finer = best_header(draft, "calls", "category_intake", STRONG)
    if finer is not None:
        draft.use("category_intake", finer[0], finer[1], "the name says so; finer than the type", {})


def _intake_of_category(draft: Draft) -> None:
    """Without a finer one, the category is what was told at intake; the ingest keeps both."""
    columns = draft.block.get("columns", {})
    if draft.table == "calls" and "from" in columns.get("category", {}):
        columns.setdefault("category_intake", dict(columns["category"]))


def _category_by_values(draft: Draft) -> None:
    codes = [
        profile
        for profile in draft.profiles
        if profile.header not in draft.taken and profile.is_code and profile.filled > 0.9 and not profile.dates
    ]
    worded = [profile for profile in codes if not profile.is_number and profile.distinct >= 2]
    weekday = "monday|mon|星期一|周一|january|jan"
    worded = [p for p in worded if not p.texts.str.to_lowercase().str.contains(f"^({weekday})\\s*$").any()]
    if worded or codes:
        profile = max(worded or codes, key=lambda one: (min(one.distinct, 40), one.filled))
        draft.use("category", profile, 0.35, f"no header says category; {profile.distinct} values repeat here")
        why = "no header is named like a category; this column has a few values that repeat."
        draft.questions.append(Question("category", profile.header, why))
    else:
        draft.block.setdefault("columns", {})["category"] = {"constant": "all"}
        draft.columns.append(ColumnProposal("(constant)", "category", 0.2, "no column tells a category"))
        draft.questions.append(Question("category", "all", "no column tells a category; every row gets the same."))


def _joined_address(draft: Draft) -> bool:
    parts = [
        profile
        for profile in draft.profiles
        if profile.header not in draft.taken and ADDRESS_PARTS.fullmatch(key_of_header(profile.header))
    ]
    if len(parts) < 2:
        return False
    draft.block.setdefault("columns", {})["address"] = {"combine": [name_of(part) for part in parts]}
    draft.taken |= {part.header for part in parts}
    joined = " + ".join(part.header for part in parts)
    draft.columns.append(ColumnProposal(joined, "address", 0.8, "parts of an address, joined"))
    return True


def find_population(draft: Draft) -> None:
    """Fill the class and the month of population counts that no header tells."""
    columns = draft.block.setdefault("columns", {})
    if "population_class" not in columns:
        columns["population_class"] = {"constant": "total"}
        draft.columns.append(ColumnProposal("(constant)", "population_class", 0.5, "one count per area"))
    if "month" not in columns:
        names = " ".join([draft.sample.path.stem, *(profile.header for profile in draft.profiles)])
        year = re.search(r"(?<!\d)(19|20)\d{2}(?!\d)", names)
        value = f"{year.group(0) if year else '2020'}-01-01"
        columns["month"] = {"constant": value, "parse": "date"}
        draft.columns.append(ColumnProposal("(constant)", "month", 0.5 if year else 0.2, "no column tells the month"))
        draft.questions.append(Question("month", value, "the month the population was counted for."))
