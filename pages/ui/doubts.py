"""What a reader must know before reading an edition: missing days, overridden thresholds, an area that has ended."""

from __future__ import annotations

from datetime import date, timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from pages.ui import places
from pages.ui.formats import listed, number, period
from pages.ui.language import current, t

if TYPE_CHECKING:
    from data.desk import Desk


def notice(desk: Desk) -> str:
    """Return it as HTML; empty for an edition of which there is nothing to say."""
    told = [_missing(desk.manifest), _overridden(desk.manifest), _area_ended(desk)]
    return "".join(f'<p class="bw-doubt" role="note">{escape(text)}</p>' for text in told if text)


def _area_ended(desk: Desk) -> str:
    viewer = desk.viewer
    if viewer.area_code is None or viewer.area_level is None or desk.own_area_in_force():
        return ""
    return t("common.doubt.area_ended", area=places.named(desk, viewer.area_code, viewer.area_level))


def _missing(manifest: dict[str, Any]) -> str:
    days = [date.fromisoformat(day) for day in manifest.get("days_without_record", [])]
    if not days:
        return ""
    runs: list[tuple[date, date]] = []
    for day in days:
        start = runs.pop()[0] if runs and runs[-1][1] == day else day
        runs.append((start, day + timedelta(days=1)))
    return t("common.doubt.missing", n=number(len(days)), days=listed(period(*run) for run in runs))


def _overridden(manifest: dict[str, Any]) -> str:
    quality = manifest.get("quality") or {}
    if not quality.get("overridden"):
        return ""
    # Editions from before the words were kept name the thresholds only.
    words = quality.get("overridden_words") or [{"zh": one, "en": one} for one in quality["overridden"]]
    return t(
        "common.doubt.overridden",
        thresholds=listed(one[current()] for one in words),
        reason=quality.get("override_reason") or "–",
    )
