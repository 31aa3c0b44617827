"""How many incidents a day brings: season, weekday, public holidays and exchanged working days, Spring Festival."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import holidays
import numpy as np


@dataclass(frozen=True)
class Days:
    """A run of local days. Arrays of shape (days,)."""

    first: date
    day_of_year: np.ndarray
    weekday: np.ndarray
    day_off: np.ndarray
    eve_of_day_off: np.ndarray
    from_spring_festival: np.ndarray
    years: np.ndarray

    def __len__(self) -> int:
        return len(self.weekday)


def count_days(first: date, last: date) -> Days:
    """Describe every day from ``first`` to ``last``, both included.

    Notes
    -----
    Days off are taken from the ``holidays`` package (China), which knows the weekends worked in exchange. For years
    whose exchange has not been announced yet, only the holidays themselves are off.
    """
    days = [first + timedelta(days=k) for k in range((last - first).days + 2)]
    china = holidays.country_holidays(
        "CN", years=range(first.year - 1, last.year + 2), language="en_US", categories=("public",)
    )
    festivals = [
        day
        for day, name in sorted(china.items())
        if "Spring Festival" in name and "Spring Festival" not in china.get(day - timedelta(days=1), "")
    ]
    off = np.array([not china.is_working_day(day) for day in days])
    nearest = np.array([min(((day - f).days for f in festivals), key=abs) for day in days[:-1]])
    return Days(
        first=first,
        day_of_year=np.array([day.timetuple().tm_yday for day in days[:-1]]),
        weekday=np.array([day.weekday() for day in days[:-1]]),
        day_off=off[:-1],
        eve_of_day_off=off[1:],
        from_spring_festival=nearest,
        years=np.arange(len(days) - 1) / 365.25,
    )


def day_factors(
    days: Days,
    *,
    summer: float = 0.0,
    peak_day: int = 200,
    day_off: float = 1.0,
    weekend_eve: float = 1.0,
    before_festival: float = 1.0,
    in_festival: float = 1.0,
    growth: float = 0.0,
) -> np.ndarray:
    """Return the factor of each day relative to an ordinary working day in the first year.

    Parameters
    ----------
    summer
        Half the difference between the best and the worst season, as a share.
    peak_day
        Day of the year on which the season peaks.
    day_off, weekend_eve
        Factor on days off, and on days before one.
    before_festival, in_festival
        Factor in the 20 days before Spring Festival and in the 8 days from its eve.
    growth
        Share added per year.
    """
    season = 1 + summer * np.cos(2 * np.pi * (days.day_of_year - peak_day) / 365.25)
    offset = days.from_spring_festival
    festival = np.where((offset >= -20) & (offset < -1), before_festival, 1.0)
    festival = np.where((offset >= -1) & (offset < 7), in_festival, festival)
    return np.asarray(
        season
        * np.where(days.day_off, day_off, 1.0)
        * np.where(days.eve_of_day_off, weekend_eve, 1.0)
        * festival
        * (1 + growth) ** days.years
    )
