"""Rules for columns that headers name: codes, texts, counts, the category."""

from __future__ import annotations

import re
from typing import Any

from data.schemas import CANONICAL
from data.sources.parsing import FALSE, TRUE
from data.sources.personal import key_of_header
from data.sources.propose.categories import NEARLY_ALL, find_categories
from data.sources.propose.date_forms import true_share
from data.sources.propose.drafts import Draft, name_of
from data.sources.propose.findings import ColumnProposal
from data.sources.propose.lexicon import ADDRESS_PARTS, NAMES, STRONG, WEAK
from data.sources.propose.names import best_header
from data.sources.propose.profiling import PLACEHOLDER, Profile
from data.sources.propose.times import date_rule, find_reported
from data.sources.propose.words import words_of

#: Headers that say whether police started a call themselves.
SELF_INITIATED = "(self|officer|police|unit)initiated|on_?view(ed)?|proactive|自行发现|主动发现"


#: Confidence from which the words of a header name a district.
LIKELY = 0.85
#: Columns of calls that have rules of their own: times, categories.
APART = frozenset({"reported_at", "known_on", "category", "category_intake", "category_final", "category_name"})


def find_columns(draft: Draft) -> None:
    """Fill the columns of the table that one header each tells; in calls also the category."""
    columns = CANONICAL[draft.table].columns()
    calls = draft.table == "calls"
    if calls:
        find_reported(draft)
        find_categories(draft)
    for column in NAMES[draft.table]:
        if "." in column or column in draft.block.get("columns", {}) or (calls and column in APART):
            continue
        minimum = STRONG if column in ("channel", "level") else WEAK
        found = best_header(draft, draft.table, column, minimum)
        if column == "address" and calls and _joined_address(draft, found):
            continue
        if found is None:
            continue
        profile, confidence = found
        rule: dict[str, Any] = {}
        dtype = columns[column].dtype
        if dtype.is_temporal() and profile.dates is not None:
            if "Datetime" in str(dtype) and (profile.dates.kind != "moment" or profile.dates.midnight):
                continue
            rule = date_rule(draft, profile, moment="Datetime" in str(dtype))
        if column in ("beat_code", "unit_code", "community_code", "call_id"):
            rule = _without_blanks(profile)
            if column == "call_id":
                # A first call may have the number 0.
                rule.pop("blank", None)
        elif dtype.is_numeric() and profile.placeholder:
            rule = {"blank": profile.placeholder}
        reason = "the name says so" if confidence == STRONG else "the name suggests it"
        if profile.dates is not None and dtype.is_temporal():
            reason += f"; dates as {profile.dates.keys.get('formats', profile.dates.keys.get('parse'))}"
        elif profile.unique and column.endswith("_id"):
            reason += "; every row has its own"
        draft.use(column, profile, confidence, reason, rule)
    if calls:
        _finer_district(draft)
        _known_on(draft)
        _discovered_by_police(draft)


def _finer_district(draft: Draft) -> None:
    """Read the finer of two levels of districts as beats, where no header names beats: precincts within districts."""
    columns = draft.block.get("columns", {})
    unit = next((one for one in draft.profiles if name_of(one) == columns.get("unit_code", {}).get("from")), None)
    if unit is None or "beat_code" in columns:
        return
    found = best_header(draft, "calls", "unit_code", LIKELY)
    if found is not None and found[0].distinct > 2 * unit.distinct:
        why = f"finer than {unit.header}, and no header names beats"
        draft.use("beat_code", found[0], WEAK, why, _without_blanks(found[0]))


def _known_on(draft: Draft) -> None:
    found = best_header(draft, "calls", "known_on", STRONG)
    if found is not None and "known_on" not in draft.block.get("columns", {}):
        profile, confidence = found
        rule = {"parse": "date", **date_rule(draft, profile, moment=False)}
        draft.use("known_on", profile, confidence, "the name says so", rule)


def _without_blanks(profile: Profile) -> dict[str, Any]:
    said = profile.texts.unique().to_list()
    empty = [text for text in said if text in ("-1", "0") or PLACEHOLDER.fullmatch(text)]
    rule: dict[str, Any] = {"blank": sorted(empty)} if empty else {}
    if true_share(profile.texts.str.contains(r"^\d+\.0$")) > NEARLY_ALL:
        # Codes that a program took for numbers: 12.0 is district 12.
        rule["extract"] = r"^(.*?)(?:\.0)?$"
    return rule


def _discovered_by_police(draft: Draft) -> None:
    """Read a yes or no to "did an officer start it": what police find by themselves is no measure of need."""
    for profile in draft.profiles:
        said = {text.casefold(): text for text in profile.texts.unique().to_list()}
        named = "officer_initiated" in words_of(profile.header) or re.fullmatch(
            SELF_INITIATED, key_of_header(profile.header)
        )
        if profile.header in draft.taken or not named:
            continue
        if said and set(said) <= {*TRUE, *FALSE}:
            values = {text: "police" if word in TRUE else "reported" for word, text in sorted(said.items())}
            draft.use("discovered_by", profile, WEAK, "yes or no to: an officer started it", {"values": values})
            return


def _joined_address(draft: Draft, found: tuple[Profile, float] | None) -> bool:
    """Join the parts of an address where no header tells all of it: a block number alone is none."""
    if found is not None and not found[0].is_number and not _is_part(found[0]):
        return False
    free = [one for one in draft.profiles if one.header not in draft.taken and one.filled > 0]
    parts = [one for one in free if ADDRESS_PARTS.fullmatch(key_of_header(one.header))]
    blocks = [one for one in free if _only(one) == {"block"} and one not in parts]
    streets = [one for one in free if ("street" in words_of(one.header) and one in parts) or _only(one) == {"street"}]
    if blocks and streets:
        parts = [blocks[0], *(parts or streets[:1])]
    if len(parts) < 2 or all(part.is_number for part in parts):
        return False
    draft.block.setdefault("columns", {})["address"] = {"combine": [name_of(part) for part in parts]}
    draft.taken |= {part.header for part in parts}
    joined = " + ".join(part.header for part in parts)
    draft.columns.append(ColumnProposal(joined, "address", 0.8, "parts of an address, joined"))
    return True


def _is_part(profile: Profile) -> bool:
    return _only(profile) <= {"block", "street"} or bool(ADDRESS_PARTS.fullmatch(key_of_header(profile.header)))


def _only(profile: Profile) -> frozenset[str]:
    return words_of(profile.header) - {"name"}
