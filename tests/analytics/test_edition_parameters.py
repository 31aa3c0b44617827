"""What may be asked of an edition."""

from datetime import date

import pytest

from analytics.edition import EditionParameters
from data.errors import RequestError


def test_what_is_named_twice_is_asked_for_once():
    asked = EditionParameters(date(2026, 7, 1), (28, 7, 28), ("B", "A", "B"))
    assert (asked.horizons_days, asked.categories) == ((28, 7), ("B", "A"))
    assert asked == EditionParameters(date(2026, 7, 1), (28, 7), ("B", "A"))


def test_a_seed_is_not_negative():
    with pytest.raises(RequestError, match="seed"):
        EditionParameters(date(2026, 7, 1), seed=-1)
