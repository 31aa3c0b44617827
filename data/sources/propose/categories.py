"""What kind of call it was: which header tells it in words, which in codes, which at intake and which at the end."""

from __future__ import annotations

from typing import Any

from data.sources.propose.date_forms import true_share
from data.sources.propose.drafts import Draft, name_of
from data.sources.propose.findings import BY_VALUES, ColumnProposal, Question
from data.sources.propose.flags import find_flags, use_flags
from data.sources.propose.lexicon import NAMES, STRONG, WEAK, matches
from data.sources.propose.profiling import Profile
from data.sources.propose.words import listed, words_of

#: Words that name what happened.
WHAT = frozenset({"offense", "incident", "call", "nature", "charge", "complaint", "ucr"})
#: Words with which a header tells of something else.
ELSE = listed(
    "weapon premise victim suspect officer status clearance outcome district beat sector"
    " ward area address property priority agency against day weekday week month year time"
    " hour block city zip community census count unit lat lon shift source location"
    " council officer_initiated surrogate age sex race"
)
#: Least share of rows with a value: a row without a category cannot be counted anywhere.
NEARLY_ALL = 0.98
_WEEKDAYS = r"(?i)^(monday|mon|星期一|周一|january|jan|lunes|lun|montag|segunda)\s*$"


def find_categories(draft: Draft) -> None:
    """Fill category, category_intake, category_final and category_name."""
    rated = sorted(
        (
            # One value throughout tells nothing where another header tells more.
            (score - 2.0 * (profile.distinct < 2), -place, profile)
            for place, profile in enumerate(draft.profiles)
            if (score := _score(draft, profile)) > 0
        ),
        key=lambda item: item[:2],
        reverse=True,
    )
    at_end = [profile for _, _, profile in rated if _said_at_end(profile)]
    told = [profile for _, _, profile in rated if not _said_at_end(profile)] or at_end
    flags = find_flags(draft)
    if flags and (not told or told[0] in flags or _named(told[0]) < STRONG):
        use_flags(draft, flags)
        return
    if not told:
        _by_values(draft)
        return
    best, intake = told[0], None
    if "initial" in words_of(best.header):
        # What it is called now, beside what it was called when the call came in.
        now = [one for one in told[1:] if words_of(one.header) == words_of(best.header) - {"initial"}]
        best, intake = (now[0], best) if now and now[0].filled >= NEARLY_ALL else (best, None)
    sure = _named(best)
    reason = "the name says so" if sure == STRONG else "the name suggests it"
    _use(draft, "category", best, sure, f"{reason}; {best.distinct} different")
    finer = intake or _finer(best, [profile for profile in told if profile is not best])
    if finer is not None:
        _use(draft, "category_intake", finer, _named(finer), "the name says so; the code or the finer kind")
    else:
        draft.block["columns"]["category_intake"] = dict(draft.block["columns"]["category"])
    last = next((one for one in at_end if one is not best and one.header not in draft.taken), None)
    if last is not None:
        draft.use("category_final", last, STRONG, "what it was called in the end", _blank(last))
    _name(draft)


def _use(draft: Draft, column: str, profile: Profile, confidence: float, reason: str) -> None:
    draft.use(column, profile, confidence, reason)
    if column == "category" and profile.filled < 1:
        # A row is never lost for want of a category.
        draft.block["columns"]["category"]["default"] = "UNKNOWN"


def _named(profile: Profile) -> float:
    words = words_of(profile.header)
    whole = any(matches(NAMES["calls"][one][0], profile.header) for one in ("category", "category_intake"))
    return STRONG if whole or words & WHAT or "category" in words else WEAK


def _said_at_end(profile: Profile) -> bool:
    words = words_of(profile.header)
    sure = matches(NAMES["calls"]["category_final"][0], profile.header)
    return sure or ("final" in words or ("clear" in words and "type" in words))


def _score(draft: Draft, profile: Profile) -> float:
    """Return how well a header fits as the category, 0 when it is none."""
    words, names = words_of(profile.header), NAMES["calls"]
    if profile.header in draft.taken or profile.dates is not None or profile.decimal_comma or profile.distinct < 1:
        return 0.0
    if words & ELSE or words & {"update", "date", "datetime"} or ("report" in words and "type" in words):
        return 0.0
    if (profile.unique and profile.rows > 30) or profile.distinct > max(50, 0.5 * profile.rows):
        return 0.0
    if "id" in words and not words & {"type", "category", "code", "desc", "ucr"}:
        return 0.0
    whole = matches(names["category"][0], profile.header)
    perhaps = matches(names["category"][1], profile.header)
    code = matches(names["category_intake"][0], profile.header)
    kind = words & {"category", "type", "desc", "code", "nature", "charge", "sub", "name"}
    if not (whole or perhaps or code or (words & WHAT and kind) or words & {"category", "nature", "offense", "ucr"}):
        if not words & {"type", "desc"}:
            return 0.0
        score = 0.5
    else:
        score = 2.0
    said_in_words = true_share(profile.texts.str.contains(r"[^\W\d_]{3}"))
    score += 1.5 * bool(words & WHAT) + 1.6 * whole + 1.8 * ("category" in words) + 0.5 * ("nature" in words)
    score += (
        2.0 * (said_in_words > 0.8)
        - 1.5 * (bool(words & {"code", "ucr"}) and "desc" not in words)
        - 1.0 * ("sub" in words)
    )
    score += 0.3 * ("initial" in words) + 0.2 * ("offense" in words) + 0.5 * (4 <= profile.distinct <= 150)
    score -= 3.0 * (profile.filled < NEARLY_ALL) + 2.0 * (profile.distinct < 2) + 3.0 * (profile.filled < 0.5)
    score -= 2.0 * _says_against(profile) + 1.0 * (profile.whole and not whole) + 1.0 * ("police" in words)
    return max(0.01, score) if score > -2 else 0.0


def _says_against(profile: Profile) -> bool:
    """Return whether the values only tell property from persons, or one letter from another."""
    return true_share(profile.texts.str.contains(r"(?i)^(crimes? )?against |^(property|person|society|[a-z])$")) > 0.8


def _finer(best: Profile, told: list[Profile]) -> Profile | None:
    def rank(profile: Profile) -> tuple[bool, bool, bool, int]:
        words = words_of(profile.header)
        code = (
            bool(words & {"code", "sub"})
            or ("ucr" in words and "desc" not in words)
            or words >= {"type", "id"}
            or words >= {"category", "id"}
        )
        code = code or matches(NAMES["calls"]["category_intake"][0], profile.header)
        exact = bool(words & {"code", "ucr"}) and not words & {"sub", "category"}
        return code and profile.filled > 0.9, "initial" in words, exact, profile.distinct

    good = [one for one in told if one.filled > 0.5 and (words_of(one.header) & WHAT or rank(one)[0])]
    good = [one for one in good if not _says_against(one)]
    coded = [one for one in good if rank(one)[0]]
    if coded:
        return max(coded, key=rank)
    worded = [one for one in good if one.filled >= NEARLY_ALL and one.distinct > best.distinct]
    return worded[0] if worded else None


def _name(draft: Draft) -> None:
    """Read a wording that is finer than the category and read by nothing else."""
    sure = NAMES["calls"]["category_name"][0]
    for profile in draft.profiles:
        if profile.header in draft.taken or profile.dates is not None or profile.is_number or profile.filled < 0.5:
            continue
        words = words_of(profile.header)
        fits = matches(sure, profile.header) or (words & WHAT and words & {"desc", "name"})
        if fits and not words & ELSE and not words & {"final", "report"} and not (profile.unique and profile.rows > 30):
            draft.use("category_name", profile, STRONG, "the name says so")
            return


def _blank(profile: Profile) -> dict[str, Any]:
    return {"blank": profile.placeholder} if profile.placeholder else {}


def _by_values(draft: Draft) -> None:
    codes = [
        profile
        for profile in draft.profiles
        if profile.header not in draft.taken and profile.is_code and profile.filled > 0.9 and not profile.dates
    ]
    codes = [one for one in codes if not words_of(one.header) & (ELSE - {"location", "premise"})]
    worded = [profile for profile in codes if not profile.is_number and profile.distinct >= 2]
    worded = [one for one in worded if not one.texts.str.contains(_WEEKDAYS).any() and not _says_against(one)]
    if worded or codes:
        profile = max(worded or codes, key=lambda one: (min(one.distinct, 40), one.filled))
        draft.use("category", profile, 0.35, f"no header says category; {profile.distinct} values repeat here")
        why = "no header is named like a category; this column has a few values that repeat."
        draft.questions.append(Question("category", profile.header, why))
        draft.block["columns"]["category_intake"] = {"from": name_of(profile)}
    else:
        draft.block.setdefault("columns", {})["category"] = {"constant": "all"}
        draft.columns.append(ColumnProposal("(constant)", "category", BY_VALUES / 2, "no column tells a category"))
        draft.questions.append(Question("category", "all", "no column tells a category; every row gets the same."))
