"""Clock times marked as UTC: are they, or are they local ones that an export program marked so.

Feature servers write every time with ``+00``; some publishers had stored UTC, others the local clock. Five hours of
difference move an evening into the night, so the file itself is asked: by a clock time that stands beside, and by the
quiet hours before dawn, which every place has.
"""

from __future__ import annotations

import polars as pl

from data.sources.parsing import parse_text
from data.sources.propose.date_forms import IN_WORDS
from data.sources.propose.drafts import Draft
from data.sources.propose.findings import Question
from data.sources.propose.names import time_role
from data.sources.propose.placing import likely_zones
from data.sources.propose.profiling import Profile
from data.sources.propose.words import stem_of, words_of

#: Moments needed before the hours of the day say anything, and hours of the window that is looked for.
ENOUGH, QUIET_HOURS = 300, 5
#: Share of an even spread that the quiet window holds at most, and the hours at which it begins by the local clock.
QUIET, BEFORE_DAWN = 0.7, range(1, 6)


def settle_zone(draft: Draft, profile: Profile) -> str:
    """Find out whether times marked as UTC are; say on what it rests, and ask where the file does not tell."""
    form = profile.dates
    if form is not None and form.keys.get("parse") == "epoch_ms" and not draft.clocks_are_local and not form.midnight:
        return _settle_epoch(draft, profile)
    if form is None or form.keys.get("zone") != "UTC" or draft.clocks_are_local or not form.forms:
        return ""
    texts = draft.sample.texts[profile.key]
    bare = texts.str.extract(r"^(.*\d)\s*(?:Z|[+-]\d{2}:?(?:\d{2})?|UTC)$", 1).str.replace("T", " ", literal=True)
    forms = [one.replace("%dT", "%d ") for one in form.forms]
    read = pl.coalesce([pl.lit(bare).str.to_datetime(one, strict=False) for one in forms])
    hours = pl.select(read.dt.hour().cast(pl.Int64)).to_series()
    beside = _hours_beside(draft, profile)
    if beside is not None:
        off = ((beside[1] - hours) % 24).drop_nulls()
        counts = off.value_counts(sort=True, name="rows")
        if off.len() >= 20 and counts["rows"].head(2).sum() > 0.9 * off.len():
            if counts.to_series(0)[0] == 0:
                draft.clocks_are_local = True
                return f"; marked as UTC, but the same as the local clock in {beside[0]}"
            return f"; UTC, as {beside[0]} shows"
    begins = _quiet_from(hours)
    if begins is not None:
        if begins in BEFORE_DAWN:
            draft.clocks_are_local = True
            return f"; marked as UTC, but the quiet hours begin at {begins}:00: the local clock"
        return f"; UTC: the quiet hours begin at {begins}:00"
    why = (
        "the file marks its times as UTC; some publishers write their local clock so. Compare one known call: where the"
        ' clock is local, delete every zone = "UTC".'
    )
    draft.questions.append(Question(f"zone of {profile.header}", "UTC", why))
    return "; marked as UTC"


def _settle_epoch(draft: Draft, profile: Profile) -> str:
    """Find out whether milliseconds since 1970 were counted by the local clock; ask when it looks so.

    By definition they are counted in UTC, so nothing is asked as long as the hours of the day do not speak against it.
    """
    rule = profile.dates.keys if profile.dates is not None else {}
    texts = draft.sample.texts[profile.key] + str(rule.get("suffix", ""))
    moments = pl.select(parse_text(pl.lit(texts), "epoch_ms", [], "UTC")).to_series()
    hours = moments.dt.hour().cast(pl.Int64)
    beside = _hours_beside(draft, profile)
    if beside is not None:
        off = ((beside[1] - hours) % 24).drop_nulls()
        counts = off.value_counts(sort=True, name="rows")
        if off.len() >= 20 and counts["rows"].head(2).sum() > 0.9 * off.len():
            if counts.to_series(0)[0] != 0:
                return f"; UTC, as {beside[0]} shows"
            draft.clocks_are_local = True
            return f"; counted by the local clock, as {beside[0]} shows"
    begins = _quiet_from(hours)
    if begins is None or begins not in BEFORE_DAWN:
        return "" if begins is None else f"; UTC: the quiet hours begin at {begins}:00"
    zone = draft.known.timezone or next(iter(likely_zones(draft.near)), None)
    if zone is not None and _quiet_from(moments.dt.convert_time_zone(zone).dt.hour().cast(pl.Int64)) in BEFORE_DAWN:
        # Near Greenwich both clocks show it, and differ by an hour at most.
        return "; UTC, which is nearly the local clock there"
    draft.clocks_are_local = True
    why = (
        f"by UTC the quiet hours would begin at {begins}:00, as they do by the local clock, so the milliseconds seem to"
        " be counted by that. Compare one known call: where they are counted in UTC, write epoch_ms."
    )
    draft.questions.append(Question(f"clock of {profile.header}", "epoch_ms_local", why, ("epoch_ms",)))
    return f"; the quiet hours begin at {begins}:00: counted by the local clock, it seems"


def _quiet_from(hours: pl.Series) -> int | None:
    """Return the hour at which the quietest hours of the day begin; None where there are too few or no quiet ones."""
    known = hours.drop_nulls()
    if known.len() < ENOUGH:
        return None
    counts = known.value_counts(name="rows")
    by_hour = dict(zip(counts.to_series(0).to_list(), counts["rows"].to_list(), strict=True))
    windows = [sum(by_hour.get((start + one) % 24, 0) for one in range(QUIET_HOURS)) for start in range(24)]
    begins = min(range(24), key=lambda start: windows[start])
    return begins if windows[begins] < QUIET * known.len() * QUIET_HOURS / 24 else None


def _hours_beside(draft: Draft, profile: Profile) -> tuple[str, pl.Series] | None:
    """Return the header and the hours of a clock time that is told of the same moment."""
    stem, role = stem_of(profile.header), time_role(profile)
    for other in draft.profiles:
        plain = time_role(other) == "plain" and not stem_of(other.header) - {"call"}
        alike = stem_of(other.header) == stem or time_role(other) == role or plain
        if other.clock is None or not alike or not words_of(other.header) & {"time", "hour"}:
            continue
        texts = draft.sample.texts[other.key]
        if other.clock == IN_WORDS:
            said = pl.select(parse_text(pl.lit(texts), "clock", [], "UTC")).to_series()
            return other.header, said.str.slice(0, 2).cast(pl.Int64, strict=False)
        if other.clock == "%H%M":
            return other.header, texts.str.zfill(4).str.slice(0, 2).cast(pl.Int64, strict=False)
        if not other.clock.startswith("%I"):
            return other.header, texts.str.extract(r"^(\d{1,2})", 1).cast(pl.Int64, strict=False)
    return None
