"""Personal data in the values of columns: identity numbers, mobile numbers, e-mail addresses.

A column is dropped by its name (``data.sources.personal``); what stands in a column of another name is found here and
taken out before anything is stored: a cell that *is* such a value becomes empty, inside a longer text it becomes
``***``. Found are

- resident identity numbers (GB 11643-1999): 18 characters, a province code, a birth date that exists, the check digit
  of ISO 7064 MOD 11-2. Random digits of that shape pass one time in eleven;
- mainland mobile numbers: 11 digits from 13 to 19, also with +86 or 0 before them and in groups of 3-4-4;
- e-mail addresses.

Numbers of cases can look the same. In a column that identifies records, a value is left alone when the column shows
itself to be a series: see :func:`without_personal`. Passports and names have no form that could be told from other
text; they are recognised by the header only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date

import polars as pl

#: What replaces a personal value inside a longer text.
REMOVED = "***"
#: A quick look that lets no personal value pass; Unicode digits are digits here.
SUSPECT = r"\d{11}|[1１][3-9３-９]\d[ -]\d{4}|\d{6}[ -]\d{8}|[@＠]"
#: Texts looked at to see whether few of a column differ.
MANY = 4096
#: Share of a column's filled values from which the column itself is personal.
MOSTLY = 0.5
#: A series of record numbers: at least so many values of the shape, mostly different; its four commonest beginnings
#: (so many characters of 11, of 12 or 13 with a prefix, of 18) make at least half of it; a value that begins unlike
#: the others does not belong.
SERIES_ROWS, BEGINNINGS = 20, {11: 4, 12: 5, 13: 6, 18: 6}
SERIES_SHARE, BELONGS_SHARE = 0.5, 0.02

_IDENTITY = re.compile(r"(?<!\d)(?<!\d\.)(\d{6})[ -]?(\d{8})[ -]?(\d{3}[\dXx])(?![\d])")
_MOBILE = re.compile(r"(?<!\d)(?<!\d\.)(?:\+?86[ -]?|0)?(1[3-9]\d)([ -]?)(\d{4})\2(\d{4})(?!\d)")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
#: Hashes, UUIDs and decimal fractions hold runs of digits that mean nothing.
_HARMLESS = re.compile(r"(?=.*[A-Fa-f])[0-9A-Fa-f-]{24,}|[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
_WIDE = str.maketrans("０１２３４５６７８９ＸｘX＠．", "0123456789XXX@.")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
#: First two digits of GB/T 2260 division codes, with the codes of residents of Hong Kong, Macao and Taiwan.
_PROVINCES = frozenset(
    {*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83, 91}
)


def is_identity_number(text: str) -> bool:
    """Return whether 18 characters are a resident identity number: province, birth date and check digit fit."""
    number = text.upper()
    if len(number) != 18 or not number[:17].isdecimal() or int(number[:2]) not in _PROVINCES:
        return False
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    if not 1880 <= year <= 2100:
        return False
    try:
        date(year, month, day)
    except ValueError:
        return False
    return _CHECK[sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False)) % 11] == number[17]


def redact(text: str) -> tuple[str | None, list[str]]:
    """Return a text without personal values (None when nothing else was in it) and the kinds that were found."""
    plain = text.translate(_WIDE)
    if _HARMLESS.fullmatch(plain):
        return text, []
    kinds: list[str] = []

    def take(kind: str) -> str:
        kinds.append(kind)
        return REMOVED

    def identity(found: re.Match[str]) -> str:
        return take("identity_number") if is_identity_number("".join(found.groups())) else found.group(0)

    clean = _IDENTITY.sub(identity, plain)
    clean = _MOBILE.sub(lambda found: take("mobile_number"), clean)
    clean = _EMAIL.sub(lambda found: take("email"), clean)
    if not kinds:
        return text, []
    return (clean if clean.replace(REMOVED, "").strip(" ,;，；、/|:：()（）+") else None), kinds


def without_personal(
    column: pl.Series, *, identifies: bool = False, texts: pl.Series | None = None
) -> tuple[pl.Series, dict[str, pl.Series]]:
    """Take personal values out of a text column.

    Parameters
    ----------
    column
        Text; other types come back as they are.
    identifies
        The column holds numbers of records (calls, dispatches, addresses) or codes. There a whole-cell value stays
        when the column is a series: at least half of it, and ``SERIES_ROWS`` rows, have this shape, most are different,
        and they begin alike (4 of 11 digits, 6 of 18), as running numbers and area codes do, but telephone and identity
        numbers of many people do not. Of 18 digits the check digit must also fail in most rows.

    texts
        All texts of the column, each at least once, and perhaps others; found out when not given.

    Returns
    -------
    tuple
        The column, and kind → which cells something was taken from (Boolean).

    Notes
    -----
    What cannot be told apart is not: an identity number of the same district among 18-digit case numbers that begin
    with the district's code is taken for one of them.
    """
    if column.dtype != pl.String or column.is_empty():
        return column, {}
    different = different_texts(column) if texts is None else texts
    if different is None:
        different = column
    suspect = different.str.contains(SUSPECT).fill_null(False)
    if not suspect.any():
        return column, {}
    series = _series(column) if identifies else frozenset()
    replaced: dict[str, str | None] = {}
    of_kind: dict[str, list[str]] = {}
    for cell in different.filter(suspect).unique().to_list():
        if series and _beginning(cell) in series:
            continue
        clean, kinds = redact(cell)
        if kinds:
            replaced[cell] = clean
            for kind in set(kinds):
                of_kind.setdefault(kind, []).append(cell)
    if not replaced:
        return column, {}
    everywhere = {kind: column.is_in(cells).fill_null(False) for kind, cells in sorted(of_kind.items())}
    where = {kind: cells for kind, cells in everywhere.items() if cells.any()}
    return column.replace(list(replaced), list(replaced.values())), where


def different_texts(column: pl.Series) -> pl.Series | None:
    """Return the different texts of a column in which few differ; None where it is not worth telling them apart."""
    return column.unique() if column.head(MANY).n_unique() < min(MANY, column.len()) / 4 else None


def scrub(
    frame: pl.DataFrame,
    identifying: set[str] | frozenset[str] = frozenset(),
    texts: Mapping[str, pl.Series] | None = None,
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Take personal values out of every text column of a frame.

    Parameters
    ----------
    identifying
        Columns that hold numbers of records, see :func:`without_personal`.
    texts
        Column → all its texts, of columns for which they are known already.

    Returns
    -------
    tuple
        The frame, and ``personal_<kind>_removed`` → in which rows (Boolean).
    """
    found: dict[str, pl.Series] = {}
    cleaned = []
    known = texts or {}
    for column in frame:
        of_column = known.get(column.name)
        clean, where = without_personal(column, identifies=column.name in identifying, texts=of_column)
        if where:
            cleaned.append(clean)
        for kind, mask in where.items():
            name = f"personal_{kind}_removed"
            found[name] = found[name] | mask if name in found else mask
    return (frame.with_columns(cleaned) if cleaned else frame), found


def share_personal(column: pl.Series) -> tuple[float, str]:
    """Return the share of a text column's filled values that are nothing but a personal value, and their kind."""
    filled = column.drop_nulls()
    if column.dtype != pl.String or filled.is_empty():
        return 0.0, ""
    kinds: Counter[str] = Counter()
    for cell in filled.filter(filled.str.contains(SUSPECT)).to_list():
        clean, found = redact(cell)
        if clean is None:
            kinds[found[0]] += 1
    if not kinds:
        return 0.0, ""
    kind, count = kinds.most_common(1)[0]
    return count / filled.len(), kind


def _beginning(cell: str) -> str | None:
    plain = cell.strip()
    if not plain.isascii() or not plain[:17].isdigit():
        return None
    return plain[: BEGINNINGS[len(plain)]] if len(plain) in BEGINNINGS else None


def _series(column: pl.Series) -> frozenset[str]:
    filled = column.drop_nulls().str.strip_chars()
    known: set[str] = set()
    for length, beginning in BEGINNINGS.items():
        shaped = filled.filter(filled.str.contains(rf"^[0-9]{{{length - 1}}}[0-9Xx]$"))
        if shaped.len() < max(SERIES_ROWS, MOSTLY * filled.len()) or shaped.n_unique() < MOSTLY * shaped.len():
            continue
        if length == 18 and sum(map(is_identity_number, shaped.to_list())) > 0.3 * shaped.len():
            continue
        counts = shaped.str.head(beginning).value_counts(sort=True, name="rows")
        if counts["rows"].head(4).sum() < SERIES_SHARE * shaped.len():
            continue
        belong = counts.filter(pl.col("rows") >= max(2, BELONGS_SHARE * shaped.len()))
        known |= set(belong.to_series(0).to_list())
    return frozenset(known)
