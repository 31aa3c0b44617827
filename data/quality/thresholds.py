"""Thresholds: bounds on the quality of a load, some of which stop an edition from being published."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data.errors import RequestError, SourceError
from data.quality.measures import KINDS, QualityReport, quality_history
from data.store import Store

SHIPPED = Path(__file__).with_name("thresholds.toml")
#: A store's own bounds, beside ``store.json``.
OWN = "quality.toml"


class Threshold(BaseModel):
    """A bound on one measure; see ``thresholds.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    kind: Literal["completeness", "validity", "timeliness", "duplicates", "joins", "usable", "coverage"]
    table: str
    item: str = ""
    at_least: float | None = None
    at_most: float | None = None
    blocks: bool
    fewest_rows: int = 100
    zh: str
    en: str

    @model_validator(mode="after")
    def _has_one_bound(self) -> Threshold:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.id}: state at_least or at_most, not both")
        return self

    @property
    def bound(self) -> float:
        """The number the measure is compared with."""
        return float(self.at_least if self.at_least is not None else self.at_most or 0.0)

    def broken_by(self, value: float) -> bool:
        """Return whether a value lies on the wrong side of the bound."""
        return value < self.bound if self.at_least is not None else value > self.bound


@dataclass(frozen=True)
class Verdict:
    """One threshold tried on the newest load of one source that has the measure.

    ``status`` is ``passed``, ``warned``, ``blocked``, or ``too_few`` where there are not enough rows to judge.
    """

    threshold: str
    zh: str
    en: str
    kind: str
    table: str
    item: str
    source: str
    load_id: str
    value: float
    bound: float
    bound_is: Literal["at_least", "at_most"]
    rows: int
    status: str

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON-able values."""
        return asdict(self)


def load_thresholds(store: Store | None = None) -> list[Threshold]:
    """Return the bounds that hold for a store: the shipped ones, changed by its own ``quality.toml``.

    Raises
    ------
    SourceError
        If a file is not valid; names it.
    """
    found = _read(SHIPPED)
    own = store.root / OWN if store is not None else None
    if own is not None and own.is_file():
        found.update(_read(own))
    return list(found.values())


def _read(path: Path) -> dict[str, Threshold]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        thresholds = [Threshold.model_validate(one) for one in document.get("threshold", [])]
    except ValueError as error:
        raise SourceError(
            f"the thresholds are not valid ({error}).", where=str(path), remedy="docs/quality.md describes them."
        ) from error
    return {one.id: one for one in thresholds}


def judge(reports: Sequence[QualityReport], thresholds: Sequence[Threshold]) -> list[Verdict]:
    """Try every threshold on the newest load of each source that has its measure.

    Parameters
    ----------
    reports
        Oldest first. An old load that was bad does not stop anything once a newer one of its source is good. A load
        too small to be judged neither mends nor stops anything: the one before it still counts.
    """
    found = []
    for source in sorted({report.source for report in reports}):
        own = [report for report in reports if report.source == source]
        for threshold in thresholds:
            measured = [
                (report, measure)
                for report in own
                if (measure := report.value(threshold.kind, threshold.table, threshold.item)) is not None
                and measure.value is not None
            ]
            if not measured:
                continue
            enough = [one for one in measured if one[1].rows >= threshold.fewest_rows]
            report, measure = (enough or measured)[-1]
            value = float(measure.value or 0.0)
            status = "blocked" if threshold.blocks else "warned"
            if not threshold.broken_by(value):
                status = "passed"
            elif measure.rows < threshold.fewest_rows:
                status = "too_few"
            found.append(
                Verdict(
                    threshold=threshold.id,
                    zh=threshold.zh,
                    en=threshold.en,
                    kind=threshold.kind,
                    table=threshold.table,
                    item=threshold.item,
                    source=source,
                    load_id=report.load_id,
                    value=value,
                    bound=threshold.bound,
                    bound_is="at_least" if threshold.at_least is not None else "at_most",
                    rows=measure.rows,
                    status=status,
                )
            )
    return found


def judge_store(store: Store, jurisdictions: frozenset[str] | None = None) -> list[Verdict]:
    """Try the store's thresholds on its loads, of some police forces or, with None, of all."""
    reports = [one for one in quality_history(store) if jurisdictions is None or one.jurisdiction in jurisdictions]
    return judge(reports, load_thresholds(store))


def require_quality(verdicts: Sequence[Verdict], *, override: str | None = None) -> list[Verdict]:
    """Refuse to publish from data that break a blocking threshold.

    Parameters
    ----------
    override
        The steward's reason to publish all the same.

    Returns
    -------
    The blocking verdicts that were overridden; none when there was nothing to override.

    Raises
    ------
    RequestError
        Names every threshold, its bound and the value; or that the reason is blank.
    """
    if override is not None and not override.strip():
        raise RequestError("an override needs a reason.", where="--override-quality", remedy="Say why in a few words.")
    blocked = [verdict for verdict in verdicts if verdict.status == "blocked"]
    if blocked and override is None:
        said = "; ".join(
            f"{one.threshold} ({one.en}): {one.value:.4g} in load {one.load_id} of {one.source}, "
            f"{'at least' if one.bound_is == 'at_least' else 'at most'} {one.bound:g} is required"
            for one in blocked
        )
        raise RequestError(
            f"the quality of the data forbids publishing. {said}.",
            where="publish",
            remedy="Mend the data and load again, or give a reason with --override-quality; it will be on record.",
        )
    return blocked


__all__ = [
    "KINDS",
    "OWN",
    "Threshold",
    "Verdict",
    "judge",
    "judge_store",
    "load_thresholds",
    "require_quality",
]
