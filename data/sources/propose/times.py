"""When it happened: which headers tell it and in which form their dates are."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from data.sources.parsing import local_date, parse_text
from data.sources.propose.clocks import clock_of, clock_rule, find_shift, is_slot
from data.sources.propose.date_forms import IN_WORDS, true_share
from data.sources.propose.drafts import Draft, name_of
from data.sources.propose.findings import BY_VALUES, ColumnProposal, Question
from data.sources.propose.lexicon import NAMES, STRONG, matches
from data.sources.propose.names import best_header, time_role
from data.sources.propose.profiling import Profile
from data.sources.propose.words import OF_TIME, words_of
from data.sources.propose.zones import settle_zone

#: Roles of times that can tell when it happened, the best first; what was reported stands in when nothing else does.
TELLS = ("occurred", "plain", "reported", "answered", "dispatched")
#: Headers of the parts of a date, in order, with the smallest and largest number each may hold.
DATE_PARTS: tuple[tuple[str, int, int], ...] = (
    ("(occ(urr(ed|ence)?)?|incident|crime)?(year|yr)|(发生)?年份?|ano|anio", 1900, 2100),
    ("(occ(urr(ed|ence)?)?|incident|crime)?(month|mon)|(发生)?月份?|mes", 1, 12),
    ("(occ(urr(ed|ence)?)?|incident|crime)?(day|dd)(ofmonth)?|(发生)?日|dia", 1, 31),
    ("(occ(urr(ed|ence)?)?|incident|crime)?(hour|hr|hh)(ofday)?|(发生)?(小时|时|點|点)|hora", 0, 24),
    ("(occ(urr(ed|ence)?)?|incident|crime)?(minute|min|mi)s?|(发生)?分钟?|minuto", 0, 59),
)
DATE_DIRECTIVES = ("%Y", "%m", "%d", "%H", "%M")
#: A call is not lost for a wrong end: it is noted.
LENIENT = {"on_error": "null"}
#: The date in front of a clock time.
DATE_IN_FRONT = r"^\s*(.+?)(?:[T ]*\d{1,2}[:时]\d{2}.*)?$"


def find_time(draft: Draft) -> None:
    """Choose what tells when it happened; what tells when it was reported stands in when nothing else does."""
    chosen = _chosen(draft)
    named = chosen is not None and (chosen[1] != "plain" or _names_a_time(chosen[0]))
    if not named:
        if _split_date(draft):
            return
        month = best_header(draft, "calls", "time.month")
        if month is not None:
            _month(draft, month[0], month[1])
            return
    if chosen is None:
        draft.questions.append(Question("time", "none", "no column tells when it happened."))
        return
    profile, role = chosen
    form = profile.dates
    if form is None:
        return
    confidence = STRONG if named else BY_VALUES
    reason = ("the name says so" if named else "the values are dates") + f"; {form.kind}, {_form_in_words(profile)}"
    if role in ("reported", "answered", "dispatched"):
        reason += f"; no column tells more than when it was {role}"
    partner = (
        None if form.kind == "month" or (form.kind == "moment" and not form.midnight) else clock_of(draft, profile)
    )
    if form.kind == "month" or (form.first_days and partner is None):
        _month(draft, profile, confidence)
    elif form.kind == "moment" and not form.midnight:
        _moment(draft, profile, confidence, reason)
    elif partner is not None:
        _day_and_clock(draft, profile, partner, confidence, reason)
    else:
        draft.use("time.date", profile, confidence, reason + "; the day only", date_rule(draft, profile, moment=False))
        find_shift(draft)
    if role == "reported":
        # The same column tells when it was reported.
        draft.taken.discard(profile.header)


def _chosen(draft: Draft) -> tuple[Profile, str] | None:
    by_role: dict[str, list[Profile]] = {}
    for profile in draft.profiles:
        if profile.dates is not None and profile.header not in draft.taken and profile.dates.share > 0:
            by_role.setdefault(time_role(profile), []).append(profile)
    poor: list[tuple[Profile, str]] = []
    for role in TELLS:
        some = by_role.get(role, [])
        if role == "plain" and not any(_names_a_time(profile) for profile in some):
            # Values alone: after what is named.
            continue
        if not some:
            continue
        best = max(some, key=lambda one: _telling(draft, one))
        if best.filled > 0.5:
            exact = _exact_report(draft, best, by_role) if role == "occurred" else None
            return (exact, "reported") if exact is not None else (best, role)
        poor.append((best, role))
    if poor:
        return poor[0]
    for role in ("plain", "aside", "cleared", "arrived"):
        rest = [profile for profile in by_role.get(role, []) if profile.filled > 0.5]
        if rest:
            best = max(rest, key=lambda one: _telling(draft, one))
            why = "no header is named like the time of a call; this one holds dates."
            draft.questions.append(Question("time", best.header, why))
            return best, "plain"
    return None


def _exact_report(draft: Draft, day: Profile, by_role: dict[str, list[Profile]]) -> Profile | None:
    """Return a reported moment that tells the hour of a day the file gives alone; None where the days differ."""
    form = day.dates
    if form is None or (form.kind != "day" and not form.midnight) or not form.forms or clock_of(draft, day) is not None:
        return None
    for one in by_role.get("reported", []):
        if one.dates is None or one.dates.kind != "moment" or one.dates.midnight or not one.dates.forms:
            continue
        texts = [draft.sample.texts[profile.key] for profile in (day, one)]
        days = [
            pl.select(
                local_date(pl.lit(text).str.extract(DATE_IN_FRONT, 1), [_date_part(one) for one in forms])
            ).to_series()
            for text, forms in zip(texts, (form.forms, one.dates.forms), strict=True)
        ]
        same = (days[0] == days[1]).drop_nulls()
        if same.len() > 20 and true_share(same) > 0.95:
            return one
    return None


def _telling(draft: Draft, profile: Profile) -> tuple[bool, ...]:
    form, words = profile.dates, words_of(profile.header)
    exact = form is not None and form.kind == "moment" and not form.midnight
    return (
        profile.filled > 0.5,
        exact or (form is not None and form.kind != "month" and clock_of(draft, profile) is not None),
        form is not None and form.kind != "month",
        # Beside a beginning a middle is nobody's observation.
        bool(words & {"occ", "start"} or matches(NAMES["calls"]["time.at"][0], profile.header))
        and not re.search("single|mid|avg", profile.header.lower()),
        "occ" in words,
        exact,
    )


def _names_a_time(profile: Profile) -> bool:
    sure, unsure = NAMES["calls"]["time.at"]
    return bool(words_of(profile.header) & OF_TIME) or matches(sure, profile.header) or matches(unsure, profile.header)


def _form_in_words(profile: Profile) -> str:
    keys = profile.dates.keys if profile.dates is not None else {}
    said = keys.get("formats", keys.get("parse"))
    return ", ".join(map(str, said)) if isinstance(said, list) else str(said)


def _month(draft: Draft, profile: Profile, confidence: float) -> None:
    rule = date_rule(draft, profile, moment=False)
    draft.use("time.month", profile, confidence, "only the month is told", rule)
    # What is told for a month is known at its end at the earliest: a forecast must not see it before.
    draft.block.setdefault("columns", {})["known_on"] = {"from": name_of(profile), "parse": "month_end", **rule}


def _moment(draft: Draft, profile: Profile, confidence: float, reason: str) -> None:
    form = profile.dates
    said = settle_zone(draft, profile)
    rule = date_rule(draft, profile, moment=True)
    draft.use("time.at", profile, confidence, reason + said, rule)
    spare = _spare(draft, profile)
    if spare is not None and form is not None and form.forms and "extract" not in form.keys:
        forms = list(dict.fromkeys([*form.forms, *(spare.dates.forms if spare.dates else [])]))
        names = [name_of(profile), name_of(spare)]
        joined = {"combine": names, "separator": "|", "extract": r"^([^|]+)", "formats": forms}
        draft.block["time"]["at"] = joined
        draft.columns[-1] = ColumnProposal(
            " + ".join(names), "time.at", confidence, f"{reason}; where blank, the other"
        )
        draft.taken.add(spare.header)
    until = end_of(draft, moment=True)
    if form is not None and form.until is not None:
        draft.block["time"]["until"] = {"from": name_of(profile), **form.until, **LENIENT}
    elif until is not None:
        rule = {**date_rule(draft, until, moment=True), **LENIENT}
        draft.use("time.until", until, STRONG, "the end of the interval", rule)
    unknown = [
        clock
        for clock, shape in (
            ("00:00", r"[ T]?00:00(:00)?(\.0+)?$|12:00(:00)? AM$|^\d{5}(\.0+)?$"),
            ("00:01", r"[ T]00:01(:00)?(\.0+)?$"),
        )
        if true_share(profile.texts.str.contains(shape)) > 0.05
    ]
    if unknown and "zone" not in rule:
        draft.block["time"]["unknown_at"] = unknown


def _spare(draft: Draft, profile: Profile) -> Profile | None:
    """Return a column of moments that is filled where the chosen one is often blank."""
    if profile.filled > 0.98:
        return None
    others = [
        one
        for one in draft.profiles
        if one.header not in draft.taken
        and one.dates is not None
        and one.dates.kind == "moment"
        and one.dates.forms
        and "extract" not in one.dates.keys
        and time_role(one) in ("occurred", "plain")
        and one.filled > profile.filled
    ]
    return max(others, key=lambda one: one.filled, default=None)


def end_of(draft: Draft, *, moment: bool) -> Profile | None:
    """Return the column that tells the end of an interval: as moments, or as days with a clock time beside them."""
    for profile in draft.profiles:
        form = profile.dates
        if profile.header in draft.taken or form is None or time_role(profile) != "end":
            continue
        exact = form.kind == "moment" and not form.midnight
        if exact if moment else (not exact and form.kind != "month" and clock_of(draft, profile) is not None):
            return profile
    return None


def _day_and_clock(draft: Draft, day: Profile, clock: Profile, confidence: float, reason: str) -> None:
    draft.use("time.date", day, confidence, reason, date_rule(draft, day, moment=False))
    if is_slot(clock):
        draft.use("time.slot", clock, STRONG, "two hours of the day")
    elif clock.clock == "%H":
        draft.use("time.hour", clock, STRONG, "whole hours 0 to 23")
    else:
        draft.use("time.clock", clock, STRONG, f"a clock time beside the day, {clock.clock}", clock_rule(clock))
        last = end_of(draft, moment=False)
        beside = clock_of(draft, last) if last is not None else None
        if last is not None and beside is not None and beside.clock not in (None, "%H"):
            rule = {**date_rule(draft, last, moment=False), **LENIENT}
            draft.use("time.until_date", last, STRONG, "the end of the interval", rule)
            draft.use("time.until_clock", beside, STRONG, "the end of the interval", clock_rule(beside))
        texts = clock.texts.str.zfill(4)
        if clock.clock == IN_WORDS:
            texts = pl.select(parse_text(pl.lit(clock.texts), "clock", [], "UTC")).to_series()
        unknown = [
            c for c in ("00:00", "00:01") if true_share(texts.str.contains(f"^0?{c.replace(':', ':?')}(:00)?$")) > 0.05
        ]
        if unknown:
            draft.block["time"]["unknown_at"] = unknown


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


def find_reported(draft: Draft) -> None:
    """Fill when it was reported: the moment, or the day on which the police knew it."""
    some = [one for one in draft.profiles if one.dates is not None and one.header not in draft.taken]
    some = [one for one in some if time_role(one) == "reported" and one.filled > 0.5]
    if not some:
        return
    best = max(some, key=lambda one: _telling(draft, one))
    form = best.dates
    if form is None or form.kind == "month":
        return
    if form.kind == "moment" and not form.midnight:
        reason = f"the name says so; dates as {_form_in_words(best)}"
        draft.use("reported_at", best, STRONG, reason, date_rule(draft, best, moment=True))
        return
    clock = clock_of(draft, best)
    rule: dict[str, Any] = {}
    plain = form.kind == "day" and form.forms and "extract" not in form.keys
    if clock is not None and plain and clock.clock not in (None, "%H", "%H%M", IN_WORDS):
        rule = {"combine": [name_of(best), name_of(clock)], "formats": [f"{one} {clock.clock}" for one in form.forms]}
        draft.block.setdefault("columns", {})["reported_at"] = {**rule, "on_error": "null"}
        draft.taken |= {best.header, clock.header}
        joined = f"{best.header} + {clock.header}"
        draft.columns.append(ColumnProposal(joined, "reported_at", STRONG, "a day and a clock time, joined"))
        return
    # A day is no moment; the day on which the police knew it is worth having all the same.
    rule = {"parse": "date", **date_rule(draft, best, moment=False)}
    draft.use("known_on", best, STRONG, "the day it was reported; no clock time", rule)


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
    if not moment and form.forms and form.next_day and not draft.clocks_are_local:
        keys["parse"] = "datetime"
    elif not moment and form.forms and form.kind == "moment":
        # A day is wanted of a date and time: the date stands first.
        days = list(dict.fromkeys(_date_part(one) for one in form.forms))
        together = all(one.startswith("%Y%m%d%H") for one in form.forms)
        keys = {**({"slice": [0, 8]} if together else {"extract": DATE_IN_FRONT}), "formats": days}
    if draft.clocks_are_local:
        keys.pop("zone", None)
        if keys.get("parse") == "epoch_ms" and not form.midnight:
            keys["parse"] = "epoch_ms_local"
    if keys.get("parse") == "epoch_ms" and form.midnight and not form.next_day:
        keys["zone"] = "UTC"
    if profile.placeholder:
        keys = {"blank": profile.placeholder, **keys}
    return keys


def _date_part(form: str) -> str:
    return re.split(r"[ T]?%[HI]", form)[0]
