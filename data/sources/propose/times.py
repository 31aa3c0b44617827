"""When it happened: which headers tell it and in which form their dates are."""

from __future__ import annotations

import re
from typing import Any

from data.sources.personal import key_of_header
from data.sources.propose.drafts import Draft, name_of
from data.sources.propose.findings import BY_VALUES, ColumnProposal, Question
from data.sources.propose.lexicon import NAMES, STRONG, confidence_of_name, matches
from data.sources.propose.names import best_header
from data.sources.propose.profiling import Profile, true_share

#: Headers of the parts of a date, in order, with the smallest and largest number each may hold.
DATE_PARTS: tuple[tuple[str, int, int], ...] = (
    ("(occ(urr(ed|ence)?)?|incident|crime)?(year|yr)|(发生)?年份?", 1900, 2100),
    ("(occ(urr(ed|ence)?)?|incident|crime)?(month|mon)|(发生)?月份?", 1, 12),
    ("(occ(urr(ed|ence)?)?|incident|crime)?(day|dd)(ofmonth)?|(发生)?日", 1, 31),
    ("(occ(urr(ed|ence)?)?|incident|crime)?(hour|hr|hh)(ofday)?|(发生)?(小时|时|點|点)", 0, 24),
    ("(occ(urr(ed|ence)?)?|incident|crime)?(minute|min|mi)s?|(发生)?分钟?", 0, 59),
)
DATE_DIRECTIVES = ("%Y", "%m", "%d", "%H", "%M")


def find_time(draft: Draft) -> None:
    """Choose what tells when it happened; what tells when it was reported stands in when nothing else does."""
    at = best_header(draft, "calls", "time.at", STRONG) or best_header(draft, "calls", "reported_at", STRONG)
    at = at or best_header(draft, "calls", "time.at") or best_header(draft, "calls", "reported_at")
    if at is None and _split_date(draft):
        return
    month = best_header(draft, "calls", "time.month")
    if at is None and month is not None:
        profile, confidence = month
        rule = date_rule(draft, profile, moment=False)
        draft.use("time.month", profile, confidence, "only the month is told", rule)
        # What is told for a month is known at its end at the earliest: a forecast must not see it before.
        draft.block.setdefault("columns", {})["known_on"] = {"from": name_of(profile), "parse": "month_end", **rule}
        return
    confidence, reason = (at[1], "the name says so") if at else (BY_VALUES, "the values are dates")
    if at is None:
        dated = [profile for profile in draft.profiles if profile.dates is not None and profile.filled > 0.5]
        dated.sort(key=lambda profile: (profile.dates is not None and profile.dates.kind != "moment", -profile.filled))
        if not dated:
            draft.questions.append(Question("time", "none", "no column tells when it happened."))
            return
        at = (dated[0], BY_VALUES)
    profile = at[0]
    form = profile.dates
    if form is None:
        return
    reported = not confidence_of_name("calls", "time.at", profile.header) and confidence == at[1] == STRONG
    reason += f"; {form.kind}, {form.keys.get('formats', form.keys.get('parse'))}"
    until = best_header(draft, "calls", "time.until")
    if until is not None and re.search("single|mid|avg", key_of_header(profile.header)):
        # Beside an end there is a beginning; a middle is nobody's observation.
        starts = [p for p in draft.profiles if re.search("start|from|begin", key_of_header(p.header)) and p.dates]
        profile = starts[0] if starts else profile
        form = profile.dates or form
    clock = best_header(draft, "calls", "time.clock") or best_header(draft, "calls", "time.slot")
    rule = date_rule(draft, profile, moment=form.kind == "moment")
    if form.kind == "month":
        draft.use("time.month", profile, confidence, reason, rule)
    elif form.kind == "moment" and not form.midnight:
        draft.use("time.at", profile, confidence, reason, rule)
        if until is not None and until[0].dates is not None and until[0].dates.kind == "moment":
            draft.use(
                "time.until", until[0], until[1], "the end of the interval", date_rule(draft, until[0], moment=True)
            )
        midnight = true_share(profile.texts.str.contains(r"[ T]?00:00(:00)?(\.0+)?$|12:00(:00)? AM$")) > 0.05
        if midnight:
            draft.block["time"]["unknown_at"] = ["00:00"]
    elif clock is not None:
        _day_and_clock(draft, profile, clock[0], confidence, reason)
    else:
        rule = date_rule(draft, profile, moment=False)
        draft.use("time.date", profile, confidence, reason + "; the day only", rule)
    if reported:
        # The same column tells when it was reported.
        draft.taken.discard(profile.header)


def _split_date(draft: Draft) -> bool:
    """Join year, month, day and, where they are told, hour and minute that stand in headers of their own."""
    parts: list[Profile] = []
    for words, low, high in DATE_PARTS:
        part = next((p for p in draft.profiles if p.header not in draft.taken and matches(words, p.header)), None)
        known = part is not None and part.whole and part.low is not None and part.high is not None
        if part is None or not known or not (low <= float(part.low or 0) and float(part.high or 0) <= high):
            break
        parts.append(part)
    if len(parts) < 3:
        return False
    day = {"combine": [name_of(part) for part in parts[:3]], "formats": [" ".join(DATE_DIRECTIVES[:3])]}
    if len(parts) == 5:
        whole = {"combine": [name_of(part) for part in parts]}
        draft.block["time"] = {"at": {**whole, "formats": [" ".join(DATE_DIRECTIVES), *day["formats"]]}}
        if parts[3].filled < 1:
            # Without an hour the joined text is read as midnight, which nobody observed.
            draft.block["time"]["unknown_at"] = ["00:00"]
    else:
        draft.block["time"] = {"date": day, **({"hour": {"from": name_of(parts[3])}} if parts[3:] else {})}
    draft.taken |= {part.header for part in parts}
    joined = " + ".join(part.header for part in parts)
    column = "time.at" if len(parts) == 5 else "time.date"
    draft.columns.append(ColumnProposal(joined, column, STRONG, "parts of a date, joined"))
    return True


def _day_and_clock(draft: Draft, day: Profile, clock: Profile, confidence: float, reason: str) -> None:
    rule = date_rule(draft, day, moment=False)
    if matches(NAMES["calls"]["time.slot"][0], clock.header):
        draft.use("time.date", day, confidence, reason, rule)
        draft.use("time.slot", clock, STRONG, "two hours of the day")
    elif clock.clock == "%H":
        draft.use("time.date", day, confidence, reason, rule)
        draft.use("time.hour", clock, STRONG, "whole hours 0 to 23")
    else:
        days = [str(one) for one in rule.get("formats", [])]
        if not days:
            draft.use("time.date", day, confidence, reason, rule)
            return
        timed = day.dates is not None and day.dates.kind == "moment"
        midnights = (" 00:00:00", " 12:00:00 AM", " 00:00") if timed else ("",)
        forms = [f"{one}{midnight}" for one in days for midnight in midnights]
        combined = {
            "combine": [name_of(day), name_of(clock)],
            "formats": [f"{one} {clock.clock}" for one in forms] + forms,
        }
        draft.block["time"] = {"at": combined}
        draft.taken |= {day.header, clock.header}
        joined = f"{day.header} + {clock.header}"
        draft.columns.append(ColumnProposal(joined, "time.at", confidence, "a day and a clock time, joined"))


def date_rule(draft: Draft, profile: Profile, *, moment: bool) -> dict[str, Any]:
    """Return the keys that read a header's dates, as moments or as days; a doubtful form is asked about."""
    form = profile.dates
    if form is None:
        return {}
    keys = dict(form.keys)
    if form.doubt:
        epoch_days = keys.get("parse") == "epoch_ms"
        if not epoch_days:
            draft.questions.append(
                Question(f"date form of {profile.header}", str(keys.get("formats")), form.doubt + ".")
            )
    if not moment and form.forms and form.kind == "moment":
        # A day is wanted of a date and time: the date stands first.
        days = list(dict.fromkeys(_date_part(one) for one in form.forms))
        first_word = {} if any(" " in one or "年" in one for one in days) else {"extract": r"^\s*([^ T]+)"}
        keys = {**first_word, "formats": days}
    if keys.get("parse") == "epoch_ms" and form.midnight:
        keys["zone"] = "UTC"
    return keys


def _date_part(form: str) -> str:
    return re.split(r"[ T]?%[HI]", form)[0]
