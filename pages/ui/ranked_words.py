"""What rankings of areas and of other kinds of place say alike: a place on the map, and how past lists did."""

from __future__ import annotations

from typing import Any

from pages.ui import advice
from pages.ui.formats import baseline_place, interval, share
from pages.ui.language import t


def on_map(row: dict[str, Any], place_id: str, title: str, geometry: Any) -> dict[str, Any]:
    """Return a ranked place as the map's layers and its tooltip take it."""
    return {
        "place_id": place_id,
        "title": title,
        "detail": t(
            "areas.tooltip",
            rank=row["rank"],
            expected=interval(row["expected"], row["low"], row["high"]),
            baseline=baseline_place(row["baseline_rank"]),
        ),
        "expected": row["expected"],
        "rank": row["rank"],
        "geometry": geometry,
    }


def past_sentence(family: str, verdict: dict[str, Any], **named: object) -> str:
    """Return how past lists did beside the plain count's; empty without a back-test.

    Parameters
    ----------
    family
        Page whose words are used: ``<family>.past.equal``, ``better`` and ``worse``.
    verdict
        Of the edition's manifest: periods, events, hits, plain_hits, coverage.
    named
        Further fields of the sentence.
    """
    if not verdict.get("events"):
        return ""
    gain = verdict["hits"] - verdict["plain_hits"]
    equal = abs(gain) <= advice.EQUAL_WITHIN * max(verdict["plain_hits"], 1.0)
    return t(
        f"{family}.past.{'equal' if equal else 'better' if gain > 0 else 'worse'}",
        periods=verdict["periods"],
        hits=share(verdict["hits"] / verdict["events"], 1),
        plain=share(verdict["plain_hits"] / verdict["events"], 1),
        coverage=share(verdict["coverage"]),
        **named,
    )
