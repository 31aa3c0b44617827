"""How shares are written, on pages, in a terminal and in documents: one rule for all of them."""

from __future__ import annotations

#: Most digits behind the point that are added so that a share which is not whole does not look so.
MOST_DIGITS = 2
#: A share this close to 0 or 1 is it: the rest is what floating point leaves of a sum.
NOTHING = 1e-12


def percent(share: float, digits: int = 0, unit: str = "%") -> str:
    """Return a share (0-1) as a percentage that is never rounded to nothing or to everything.

    Parameters
    ----------
    digits
        Digits behind the point; more are shown where 11,774 of 11,809 would else read 100 %, or one of a million 0 %.
    unit
        What stands behind the number.

    Examples
    --------
    >>> percent(0.5), percent(11_774 / 11_809), percent(1 / 1_000_000), percent(1.0)
    ('50%', '99.7%', '<0.01%', '100%')
    """
    if not NOTHING < share < 1 - NOTHING:
        return f"{share * 100:.{digits}f}{unit}"
    most = max(digits, MOST_DIGITS)
    for shown in range(digits, most + 1):
        text = f"{share * 100:.{shown}f}"
        if 0 < float(text) < 100:
            return text + unit
    least = 10**-most
    return f"<{least:.{most}f}{unit}" if share < 0.5 else f">{100 - least:.{most}f}{unit}"
