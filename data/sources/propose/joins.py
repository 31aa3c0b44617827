"""Boundaries and calls proposed together: the codes of both must be the same, or no call finds its area."""

from __future__ import annotations

from dataclasses import replace

from data.sources.propose.drafts import Draft, name_of
from data.sources.propose.findings import ColumnProposal
from data.sources.propose.profiling import Profile
from data.sources.propose.shapes import level_in_words, measures

#: Column of a call → level of the areas it names.
LEVELS = {"beat_code": "beat", "unit_code": "station", "community_code": "community"}
#: Share of the different codes of calls that must be among those of the areas.
JOINS = 0.8


def join_areas(drafts: list[Draft]) -> None:
    """Let the areas be named by the property that calls name them by, with zeros put back that one side lost."""
    calls = [draft for draft in drafts if draft.table == "calls"]
    for areas in (draft for draft in drafts if draft.table == "areas"):
        for call in calls:
            found = _best(areas, call)
            if found is not None:
                _settle(areas, call, *found)
                break


def _best(areas: Draft, call: Draft) -> tuple[Profile, str, int] | None:
    """Return the property, the column of the calls, and the width to which codes of calls are padded (0: none)."""
    best: tuple[float, int, Profile, str, int] | None = None
    rules = call.block.get("columns", {})
    for column in LEVELS:
        profile = next((one for one in call.profiles if name_of(one) == rules.get(column, {}).get("from")), None)
        if profile is None:
            continue
        blank = rules[column].get("blank", [])
        codes = set(profile.texts.filter(~profile.texts.is_in(blank)).unique().to_list())
        for place, own in enumerate(areas.profiles):
            if measures(own) or own.filled < 0.9 or own.distinct < 0.75 * own.rows:
                continue
            if level_in_words(own) not in ("", LEVELS[column]) and own.is_number:
                # Small numbers are everywhere: neighbourhood 3 is not district 3.
                continue
            share, width = _overlap(codes, own)
            if share >= JOINS and (best is None or (share, -place) > best[:2]):
                best = (share, -place, own, column, width)
    return None if best is None else (best[2], best[3], best[4])


def _overlap(codes: set[str], own: Profile) -> tuple[float, int]:
    """Return the share of the codes that are those of areas, and the width of zeros that has to be put back (0: none).

    Areas without a call are rare: where most of them have none, the numbers are alike by chance.
    """
    names = set(own.texts.unique().to_list())
    widths = own.texts.str.len_chars().unique().to_list()
    width = int(widths[0]) if len(widths) == 1 and own.texts.str.contains(r"^\d+$").all() else 0
    best = (0.0, 0)
    for padding in (0, width):
        both = {code.zfill(padding) for code in codes} & names
        share = len(both) / max(1, len(codes))
        if len(codes) > 1 and len(both) >= 0.5 * len(names) and share > best[0]:
            best = (share, padding)
    return best


def _settle(areas: Draft, call: Draft, own: Profile, column: str, width: int) -> None:
    columns = areas.block["columns"]
    level = LEVELS[column]
    columns["level"] = {"constant": level}
    before = columns["area_code"].get("from")
    columns["area_code"] = {"from": name_of(own)}
    for name in ("name_zh", "name_en"):
        if columns[name].get("from") in (None, before):
            columns[name] = {"from": name_of(own)}
    if columns.get("parent_code", {}).get("from") == name_of(own):
        del columns["parent_code"]
    if width:
        call.block["columns"][column]["pad"] = width
    told = name_of(next(one for one in call.profiles if name_of(one) == call.block["columns"][column]["from"]))
    reason = f"the codes that {told} of {call.block['name']} has" + (f", with zeros to {width} digits" if width else "")
    kept = [one for one in areas.columns if one.column not in ("area_code", "level") and one.header != own.header]
    areas.columns[:] = [
        ColumnProposal(own.header, "area_code", 0.95, reason),
        ColumnProposal("(constant)", "level", 0.9, f"{told} is the {level} of a call"),
        *(replace(one) for one in kept),
    ]
    asked = ("area_code", f"level of {areas.block['name']}")
    areas.questions[:] = [one for one in areas.questions if one.name not in asked]
    areas.block["headers"] = list(dict.fromkeys([own.header, *areas.block.get("headers", [])]))[:2]
    if own.distinct == areas.sample.raw.frame.height:
        areas.block.pop("identical_rows", None)
