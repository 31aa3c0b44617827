"""The figures staffing rests on, each with its unit and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from data.errors import RequestError


@dataclass(frozen=True)
class StaffingParameters:
    """Parameters of a staffing table. Units are in the names.

    Attributes
    ----------
    target_committed_share
        Share of on-duty time that may be committed on average: the "rule of 60" (ICMA/CPSM).
    peak_committed_share
        Share that calls alone may commit in the busiest hour; the rule allows single hours above 60 % [assumption].
    working_days_per_year, hours_per_working_day, lost_hours_per_year
        Net hours of an officer-year: 248 d x 8 h less 160 h of training and leave of other kinds [configuration].
    minimum_crew
        Fewest officers on duty in a shift: nobody goes alone [assumption].
    officers_per_call
        Officers one call takes at a time; crews, not officers, are the servers of the queue [assumption].
    default_incident_minutes
        Time on a call where no officer times are recorded, minutes for each officer sent [assumption].
    default_incident_travel_minutes
        Time on the way to such a call; recorded hours run from departure and include it [assumption].
    longest_incident_hours
        Cap on the officer-hours of one incident: a forgotten clearance is not a day's work [assumption].
    visit_hours_from, visit_hours_to
        Local hours between which visits are made [assumption].
    duty_officers
        Officers bound the whole shift by fixed duties, such as the desk; fractions allowed [assumption].
    history_days, recent_days
        Days the pattern and the level are learnt from.
    enough_recorded
        Recorded times of a unit needed before their mean replaces the default.
    interval_level, bootstrap_draws, seed
        Interval of the full-time equivalents: level, draws and seed of the bootstrap over weeks.
    """

    target_committed_share: float = 0.60
    peak_committed_share: float = 0.85
    working_days_per_year: float = 248.0
    hours_per_working_day: float = 8.0
    lost_hours_per_year: float = 160.0
    minimum_crew: float = 2.0
    officers_per_call: float = 2.0
    default_incident_minutes: float = 45.0
    default_incident_travel_minutes: float = 10.0
    longest_incident_hours: float = 24.0
    visit_hours_from: int = 8
    visit_hours_to: int = 21
    duty_officers: float = 0.25
    history_days: int = 728
    recent_days: int = 56
    enough_recorded: int = 30
    interval_level: float = 0.8
    bootstrap_draws: int = 400
    seed: int = 20260101

    def __post_init__(self) -> None:
        for name in ("target_committed_share", "peak_committed_share", "interval_level"):
            self._require(name, 0 < getattr(self, name) < 1, "lie between 0 and 1")
        for name in (
            "working_days_per_year",
            "hours_per_working_day",
            "minimum_crew",
            "officers_per_call",
            "default_incident_minutes",
            "longest_incident_hours",
        ):
            self._require(name, getattr(self, name) > 0, "be greater than 0")
        for name in (
            "lost_hours_per_year",
            "default_incident_travel_minutes",
            "duty_officers",
        ):
            self._require(name, getattr(self, name) >= 0, "not be negative")
        self._require("visit_hours_to", 0 <= self.visit_hours_from < self.visit_hours_to <= 24, "end after they begin")
        self._require("recent_days", 7 <= self.recent_days <= self.history_days, "be 7 to history_days")
        self._require("recent_days", self.recent_days % 7 == 0, "be whole weeks")
        self._require("bootstrap_draws", self.bootstrap_draws >= 50, "be 50 or more")
        self._require("lost_hours_per_year", self.net_hours_per_year > 0, "leave some net hours")

    def _require(self, name: str, holds: bool, rule: str) -> None:
        if not holds:
            raise RequestError(
                f"the staffing parameter {name!r} must {rule}. Got {getattr(self, name)!r} instead.", where=name
            )

    @property
    def net_hours_per_year(self) -> float:
        """Hours an officer is really on duty in a year."""
        return self.working_days_per_year * self.hours_per_working_day - self.lost_hours_per_year

    def relief_factor(self, shift_hours: float) -> float:
        """Return officers on the roll per officer on a post of ``shift_hours`` manned every day of the year."""
        return 365.0 * shift_hours / self.net_hours_per_year
