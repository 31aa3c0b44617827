"""Shares in words: what is not whole never reads as nothing or everything."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.shares import percent
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("share", "digits", "told"),
    [
        (0.0, 0, "0%"),
        (1.0, 1, "100.0%"),
        (0.1 + 0.2 + 0.7, 0, "100%"),
        (0.5, 0, "50%"),
        (11_774 / 11_809, 0, "99.7%"),
        (11_774 / 11_809, 1, "99.7%"),
        (0.99964, 0, "99.96%"),
        (1 - 1e-6, 0, ">99.99%"),
        (1 - 1e-6, 3, ">99.999%"),
        (0.004, 0, "0.4%"),
        (0.0001, 1, "0.01%"),
        (1e-7, 2, "<0.01%"),
        (1.004, 0, "100%"),
        (0.995, 0, "99.5%"),
    ],
)
def test_a_share_that_is_not_whole_does_not_look_so(share: float, digits: int, told: str) -> None:
    assert percent(share, digits) == told


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(0, 3))
def test_of_any_counts(part: int, rest: int, digits: int) -> None:
    told = percent(part / (part + rest), digits)
    assert told[0] in "<>" or 0 < float(told[:-1]) < 100
    assert percent(1.0, digits).startswith("100")


def test_nothing_writes_shares_by_itself() -> None:
    """A percentage of Python's own rounds 99.7 % up to 100 %; what is no share of anything may have one."""
    own = re.compile(r":[<>^]?\d*,?(\.\d)?%\}|%\{[xyz]:\.\d%\}")
    rooms = [path for room in ("pages", "commands", "analytics", "data") for path in (ROOT / room).rglob("*.py")]
    wrong = [path.name for path in rooms if own.search(path.read_text(encoding="utf-8"))]
    assert wrong == []
