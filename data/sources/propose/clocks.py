"""What time of the day it was: clock times, hours, slots and names of shifts that stand beside a day."""

from __future__ import annotations

import re
from typing import Any

from data.sources.personal import key_of_header
from data.sources.propose.date_forms import IN_WORDS, true_share
from data.sources.propose.drafts import Draft
from data.sources.propose.findings import Question
from data.sources.propose.lexicon import NAMES, matches
from data.sources.propose.names import time_role
from data.sources.propose.profiling import Profile
from data.sources.propose.words import stem_of, words_of

#: Names of the parts of a day and the usual hours of the shifts of that name; the steward has to confirm them.
SHIFTS = {
    **dict.fromkeys(("jour", "day", "days", "day shift", "白班", "dia", "a tarde"), "08~16"),
    **dict.fromkeys(("soir", "evening", "evenings", "swing", "中班"), "16~24"),
    **dict.fromkeys(("nuit", "night", "midnight", "midnights", "graveyard", "夜班"), "00~08"),
}


def clock_of(draft: Draft, day: Profile) -> Profile | None:
    """Return the clock times, hours or time slots that stand beside a day, by what their names have in common."""
    stem, role = stem_of(day.header), time_role(day)
    rated = []
    for place, profile in enumerate(draft.profiles):
        slot = is_slot(profile)
        if profile.header in draft.taken or profile is day or (profile.clock is None and not slot):
            continue
        words, own = stem_of(profile.header), time_role(profile)
        timed = words_of(profile.header) & {"time", "hour", "datetime"} or matches(
            NAMES["calls"]["time.clock"][0], profile.header
        )
        if not (timed or slot):
            continue
        if _rest(profile) and _rest(profile) == _rest(day):
            likeness = 4
        elif words == stem and own == role:
            likeness = 3
        elif own == role:
            likeness = 2
        elif own == "plain" and not words - {"call", "police"}:
            likeness = 1
        else:
            continue
        rated.append((likeness, profile.clock not in (None, "%H"), profile.filled > 0.5, -place, profile))
    return max(rated, key=lambda item: item[:4])[4] if rated else None


def _rest(profile: Profile) -> str:
    """Return a header without what says date or time: ``Date2 of X`` and ``Time2 of X`` have the same."""
    return re.sub("datetime|date|time|hour|fecha|hora|data", "", key_of_header(profile.header))


def is_slot(profile: Profile) -> bool:
    """Return whether a column holds slots of hours, as ``08~16``."""
    return true_share(profile.texts.str.contains(r"^\d{1,2}\s*[~～\-—至]\s*\d{1,2}$")) > 0.8


def clock_rule(profile: Profile) -> dict[str, Any]:
    """Return the keys that read a column of clock times."""
    digits: dict[str, Any] = {"pad": 4} if profile.clock == "%H%M" else {}
    blank = {"blank": profile.placeholder} if profile.placeholder else {}
    return {**blank, "parse": "clock"} if profile.clock == IN_WORDS else {**blank, **digits, "formats": [profile.clock]}


def find_shift(draft: Draft) -> None:
    """Read the parts of the day by their names: which hours they are has to be confirmed."""
    for profile in draft.profiles:
        said = profile.texts.unique().to_list()
        known = {text: SHIFTS[text.casefold()] for text in sorted(said) if text.casefold() in SHIFTS}
        named = "shift" in words_of(profile.header)
        if profile.header in draft.taken or not named or len(known) < 2 or len(known) < 0.6 * len(said):
            continue
        rule = {"values": known, "otherwise": "null"}
        draft.use("time.slot", profile, 0.6, "names of parts of the day", rule)
        hours = ", ".join(f"{text} {slot}" for text, slot in known.items())
        why = f"the usual hours of shifts of that name; the publisher's may differ: {hours}."
        draft.questions.append(Question(f"hours of {profile.header}", hours, why))
        return
