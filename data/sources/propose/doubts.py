"""What a steward must know of a file before its rows count: sums, several rows of one incident, shapes as text."""

from __future__ import annotations

import polars as pl

from data.sources.propose.date_forms import true_share
from data.sources.propose.drafts import Draft, name_of
from data.sources.propose.findings import Question
from data.sources.propose.lexicon import STRONG
from data.sources.propose.names import confidence_of
from data.sources.propose.profiling import Profile
from data.sources.propose.words import words_of
from data.sources.reading.shape_texts import find_shapes

#: Words a header of a count may have besides: it counts what a row tells of.
COUNTED = frozenset({"count", "offense", "incident", "call", "report", "case", "complaint"})
#: Different numbers of incidents per row, at least and at most, where several rows tell of one incident.
FEWEST, MOST = 0.2, 0.97
#: Share of the incidents whose rows all tell the same time.
SAME_TIME = 0.95


def raise_doubts(draft: Draft) -> None:
    """Ask what would otherwise be counted wrongly without a word; the draft is settled."""
    if draft.table in ("calls", "lookup"):
        _shapes_as_text(draft)
    if draft.table == "calls":
        _sums(draft)
        _rows_of_one_incident(draft)


def _sums(draft: Draft) -> None:
    for profile in draft.profiles:
        words = words_of(profile.header)
        if "count" in words and words <= COUNTED and profile.whole and (profile.high or 0) > 1:
            why = "a row stands for as many incidents as this column says, but counts as one; ask for single incidents."
            draft.questions.append(Question(f"sums of {draft.block['name']}", profile.header, why))
            return


def _rows_of_one_incident(draft: Draft) -> None:
    rules = draft.block.get("columns", {})
    own = next((one for one in draft.profiles if name_of(one) == rules.get("call_id", {}).get("from")), None)
    at = draft.block.get("time", {}).get("at", draft.block.get("time", {}).get("date", {}))
    time = next((one for one in draft.profiles if name_of(one) == at.get("from")), None)
    if own is None or time is None or not own.unique:
        return
    for other in draft.profiles:
        some = other is not own and other.filled > 0.98 and confidence_of("calls", "call_id", other) >= STRONG
        if some and FEWEST * other.rows < other.distinct < MOST * other.rows and _tells_one_time(draft, other, time):
            why = (
                f"rows with one {other.header} tell the same time: they seem to be parts of one incident (victims, "
                "offences), and each counts. To count incidents, read call_id from it."
            )
            draft.questions.append(Question(f"records of {draft.block['name']}", own.header, why, (other.header,)))
            return


def _tells_one_time(draft: Draft, number: Profile, time: Profile) -> bool:
    texts = draft.sample.texts.select(number=number.key, time=time.key).drop_nulls()
    several = texts.group_by("number").agg(pl.len(), pl.col("time").n_unique()).filter(pl.col("len") > 1)
    return true_share(several["time"] == 1) > SAME_TIME


def _shapes_as_text(draft: Draft) -> None:
    found = find_shapes(draft.sample.raw)
    if found is not None:
        why = (
            "it holds boundaries as text, in a reference system the file does not name: they are not read. Write a "
            f"[[file]] of areas with shape = {found[0]!r} and its crs, or ask for GeoJSON or a shapefile."
        )
        draft.questions.append(Question(f"shapes of {draft.block['name']}", found[0], why))
