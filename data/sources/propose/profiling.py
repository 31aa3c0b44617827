"""What the values of a column look like: dates, numbers, codes. Looks at a sample, decides nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import polars as pl

from data.sources.parsing import parse_text
from data.sources.propose.date_forms import AGREE, VALUES_LOOKED_AT, DateForm, clock_form, date_form

#: What systems write where they know nothing.
PLACEHOLDER = re.compile(
    r"\(?(null|none|n/?a|nan|unknown|unk|redacted|withheld|not available|#n/a|sin dato|s/d|未知|不详|不詳)\)?|[-.?*]+",
    re.I,
)


@dataclass
class Profile:
    """What a sample of one column shows.

    Attributes
    ----------
    filled
        Share of rows with a value.
    distinct
        Number of different values.
    low, high
        1 % and 99 % quantile of the numbers, None when the column is not one of numbers.
    numbers
        Share of the filled values that are numbers.
    decimal_comma
        Numbers are written with a comma before the decimals.
    placeholder
        Words in a column of dates, clock times or numbers that say "not known".
    """

    key: str
    header: str
    rows: int
    filled: float
    distinct: int
    texts: pl.Series
    whole: bool = False
    low: float | None = None
    high: float | None = None
    dates: DateForm | None = None
    clock: str | None = None
    numbers: float = 0.0
    decimal_comma: bool = False
    placeholder: list[str] = field(default_factory=list)

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return self.low is not None

    @property
    def unique(self) -> bool:
        """Whether (nearly) every row has a value of its own."""
        count = self.rows * self.filled
        return count > 0 and self.distinct >= 0.98 * count

    @property
    def is_code(self) -> bool:
        """Whether a few values repeat over many rows."""
        return 1 < self.distinct <= max(20, min(400, 0.2 * self.rows))


def profile_column(key: str, header: str, texts: pl.Series) -> Profile:
    """Describe one column.

    Parameters
    ----------
    texts
        Stripped text, empty = null, one value per row of the sample.
    """
    filled = texts.drop_nulls()
    profile = Profile(key, header, texts.len(), filled.len() / max(1, texts.len()), filled.n_unique(), filled)
    said = [text for text in filled.unique().head(VALUES_LOOKED_AT).to_list() if PLACEHOLDER.fullmatch(text)]
    known = filled.filter(~filled.is_in(said)) if said else filled
    if known.is_empty():
        return profile
    profile.decimal_comma = _decimal_comma(known)
    plain = known.str.replace(",", ".", literal=True) if profile.decimal_comma else known
    numbers = pl.select(parse_text(pl.lit(plain), "number", [], "UTC")).to_series()
    profile.numbers = 1 - numbers.null_count() / known.len()
    if profile.numbers >= AGREE:
        profile.low, profile.high = numbers.quantile(0.01), numbers.quantile(0.99)
        whole = numbers.drop_nulls()
        profile.whole = bool((whole == whole.round()).all())
    profile.dates = date_form(known, profile)
    profile.clock = clock_form(known, profile)
    if profile.is_number or profile.dates is not None or profile.clock is not None:
        profile.placeholder = sorted(said)
    return profile


def _decimal_comma(known: pl.Series) -> bool:
    with_comma = known.filter(known.str.contains(",", literal=True))
    if with_comma.len() < 0.5 * known.len() or not with_comma.str.contains(r"^[+-]?\d+,\d+$").all():
        return False
    return not with_comma.str.contains(r"^[+-]?\d{1,3}(,\d{3})+$").all()
