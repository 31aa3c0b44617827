"""Offences as yes-or-no columns, one for each kind: which columns are such, and in which order they count."""

from __future__ import annotations

import re

import polars as pl

from data.sources.parsing import FALSE, TRUE, parse_text
from data.sources.personal import key_of_header
from data.sources.propose.drafts import Draft, name_of
from data.sources.propose.findings import ColumnProposal, Question
from data.sources.propose.lexicon import WEAK
from data.sources.propose.profiling import Profile

#: Kinds of offences as headers name them, in the order in which most police count a case of several: the gravest.
KINDS = (
    r"homicide|murder|manslaughter|杀人|命案",
    r"rape|sex(ual)?|强奸|性侵",
    r"robber|抢劫|抢夺",
    r"kidnap|abduct|绑架|拐卖",
    r"assault|batter|violen|伤害|殴打",
    r"arson|放火|纵火",
    r"burglar|break(ing)?and|入室",
    r"(vehicle|auto|car|motor)theft|theftof(vehicle|auto|car|motor)|盗窃车|盗车",
    r"lockedvehicle|theftfrom(vehicle|auto|car|motor)",
    r"theft|larcen|steal|stolen|盗窃|扒窃",
    r"fraud|forger|诈骗",
    r"damage|vandal|mischief|损毁|毁坏",
    r"drug|narcotic|毒",
    r"weapon|firearm|涉枪",
    r"gambl|prostitut|赌博|卖淫",
    r"disorder|dispute|noise|纠纷|噪音",
)
#: Fewest columns of this kind, share of rows with at least one yes, and most yeses a row has on the average.
FEWEST, TOLD, SEVERAL = 3, 0.95, 1.5
#: A count of more in one cell is no yes or no.
MOST_TIMES = 9


def find_flags(draft: Draft) -> list[Profile]:
    """Return the yes-or-no columns that tell the kind of offence together, in the order of the file; or none."""
    flags = [
        (place, one) for place, one in enumerate(draft.profiles) if one.header not in draft.taken and _is_flag(one)
    ]
    named = [place for place, one in flags if _rank(one) is not None]
    if len(named) < FEWEST:
        return []
    # What stands between them is of their kind, even where its name is not known.
    found = [one for place, one in flags if named[0] <= place <= named[-1]]
    yes = sum((_yes(draft.sample.texts[one.key]) for one in found), pl.Series([0] * draft.sample.texts.height))
    told = (yes > 0).sum() / max(1, yes.len())
    return found if told >= TOLD and float(yes.sum()) <= SEVERAL * yes.len() else []


def use_flags(draft: Draft, flags: list[Profile]) -> None:
    """Fill the category from yes-or-no columns; which of several counts is asked."""
    places = {one.header: place for place, one in enumerate(flags)}
    ordered = sorted(flags, key=lambda one: (_rank(one) is None, _rank(one) or 0, places[one.header]))
    pairs = [[name_of(one), one.header.strip()] for one in ordered]
    rule = {"first_of": pairs, "default": "UNKNOWN"}
    columns = draft.block.setdefault("columns", {})
    columns["category"] = rule
    columns["category_intake"] = dict(rule)
    draft.taken |= {one.header for one in flags}
    joined = " + ".join(one.header for one in ordered)
    draft.columns.append(ColumnProposal(joined, "category", WEAK, "a yes-or-no column for each kind of offence"))
    several = "a row with several counts as the first of this list, the gravest; put it into the order the police use."
    draft.questions.append(Question("order of categories", ", ".join(header for header, _ in pairs), several))


def _is_flag(profile: Profile) -> bool:
    """Return whether the values say yes or no, or how many times."""
    said = {text.casefold() for text in profile.texts.unique().to_list()}
    if not said or profile.dates is not None or len(said) > MOST_TIMES:
        return False
    times = said - {*TRUE, *FALSE}
    return all(text.isdecimal() and int(text) <= MOST_TIMES for text in times)


def _rank(profile: Profile) -> int | None:
    key = key_of_header(profile.header)
    return next((place for place, kind in enumerate(KINDS) if re.search(kind, key)), None)


def _yes(texts: pl.Series) -> pl.Series:
    times = pl.select(parse_text(pl.lit(texts), "number", [], "UTC")).to_series()
    return (texts.str.to_lowercase().is_in(TRUE) | (times > 0)).fill_null(False).cast(pl.Int64)
