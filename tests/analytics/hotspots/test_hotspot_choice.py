"""The rule of the choice, and what rankers are fitted on."""

import numpy as np
import pytest

from analytics.hotspots.choice import Evidence, choose_ranker, gather_evidence
from analytics.hotspots.panel import Period, feature_names
from analytics.hotspots.rankers import LADDER
from analytics.hotspots.selection import LEAST_FOCUS, REST_WEIGHT, sample_rows

PLAIN = "count_365"


def evidence(hits, deviance=1.0):
    hits = np.asarray(hits, dtype=float)
    return Evidence(hits, hits / 10, np.full(len(hits), deviance))


def test_the_plain_count_stays_where_it_clearly_catches_more():
    told = {PLAIN: evidence([2, 3, 2, 3]), "kernel": evidence([1, 2, 2, 2], 0.1)}
    name, verdict = choose_ranker([PLAIN, "kernel"], told, 0)
    assert name == PLAIN
    assert verdict.startswith("The plain 365-day count wins here")


def test_a_hit_fewer_by_chance_does_not_outweigh_clearly_better_numbers():
    told = {PLAIN: evidence([1, 2, 1, 2]), "kernel": evidence([1, 1, 1, 2], 0.1)}
    name, verdict = choose_ranker([PLAIN, "kernel"], told, 0)
    assert name == "kernel"
    assert "For the list alone the plain count is about as good" in verdict
    no_closer = {**told, "kernel": evidence([1, 1, 1, 2])}
    assert choose_ranker([PLAIN, "kernel"], no_closer, 0)[0] == PLAIN


def test_as_many_hits_and_clearly_better_numbers_are_enough():
    told = {PLAIN: evidence([1, 2, 1, 2]), "kernel": evidence([1, 2, 1, 2], 0.5)}
    name, verdict = choose_ranker([PLAIN, "kernel"], told, 0)
    assert name == "kernel"
    assert "plain count is about as good; its expected numbers were clearly further off." in verdict
    same_numbers = {**told, "kernel": evidence([1, 2, 1, 2])}
    assert choose_ranker([PLAIN, "kernel"], same_numbers, 0)[0] == PLAIN


def test_numbers_are_called_worse_only_where_that_was_tested():
    # Clearly more over lists of other lengths, not clearly more at the length asked for, and the same deviance.
    caught = np.array([0.3, 0.1, 0.3, 0.1])
    plain = Evidence(np.ones(4), np.full(4, 0.2), np.ones(4))
    told = {PLAIN: plain, "kernel": Evidence(np.full(4, 1.2), caught, np.ones(4))}
    name, verdict = choose_ranker([PLAIN, "kernel"], told, 0)
    assert name == "kernel"
    assert verdict.endswith("over lists of half, once and twice this length it caught clearly fewer.")
    assert "numbers" not in verdict
    both = {**told, "kernel": Evidence(np.full(4, 1.2), caught, np.full(4, 0.5))}
    assert choose_ranker([PLAIN, "kernel"], both, 0)[1].endswith(
        "it caught clearly fewer and its expected numbers were clearly further off."
    )


def test_a_ranker_that_was_asked_for_by_name_is_not_praised():
    told = {PLAIN: evidence([2, 3, 2, 3]), "kernel": evidence([1, 2, 1, 2])}
    name, verdict = choose_ranker(["kernel"], told, 0)
    assert name == "kernel"
    assert verdict.endswith("the plain count is clearly better; nothing else speaks clearly for either.")


def test_the_blend_gives_way_only_to_clearly_more_hits():
    # The kernel is ahead by luck on one origin of six; the other kernel on all of them.
    lucky, sure = [2, 2, 2, 2, 2, 3], [3, 3, 3, 3, 3, 3]
    told = {PLAIN: evidence([1] * 6), "kernel": evidence(lucky, 0.1), "ensemble": evidence([2] * 6, 0.5)}
    names = [PLAIN, "kernel", "ensemble"]
    assert choose_ranker(names, told, 0)[0] == "ensemble"
    assert choose_ranker(names, {**told, "kernel": evidence(sure)}, 0)[0] == "kernel"


def test_one_of_several_members_has_to_be_surer_than_a_single_rival():
    # Ahead on four of eight origins, behind on one: enough against a plain count, too little against the mean of all.
    ahead = np.array([2.2, 2.2, 2.2, 2.2, -0.2, 1, 1.1, 1.2])
    blend, worse = evidence([1] * 8), evidence([0] * 8, 2.0)
    against_mean = {PLAIN: worse, "kernel": evidence(ahead), "ensemble": blend}
    assert choose_ranker([PLAIN, "kernel", "ensemble"], against_mean, 0)[0] == "ensemble"
    assert choose_ranker([PLAIN, "kernel"], {PLAIN: blend, "kernel": evidence(ahead)}, 0)[0] == "kernel"


def test_evidence_by_hand():
    # Three places, one flagged; budgets 1 (half of one is one at least), 1 and 2.
    seen = [np.array([3.0, 1.0, 0.0])]
    good, bad = np.array([3.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0])
    found = gather_evidence({"a": [good], "b": [bad]}, {"a": [seen[0]], "b": [bad]}, seen, [5.0], 1)
    assert found["a"].caught.tolist() == [pytest.approx(0.6)]
    assert found["b"].caught.tolist() == [0.0]
    # Shares .6, .6, .8 and 0, 0, .2 over the usual .3, .3, .5.
    assert found["a"].hits[0] == pytest.approx((2 + 2 + 1.6) / 3)
    assert found["b"].hits[0] == pytest.approx((0 + 0 + 0.4) / 3)
    assert found["a"].deviance[0] == pytest.approx(0, abs=1e-6)


def test_fits_are_about_the_places_that_can_be_listed():
    names = feature_names()
    n = 3000
    features = np.zeros((n, len(names)))
    features[:, names.index("lag_36m_w0")] = np.linspace(5, 0, n)
    counts = np.zeros(n)
    counts[[0, n - 1]] = 1.0
    _, y, weight = sample_rows([Period(0, features, counts, counts, 2.0)], 0, 10)
    assert weight.sum() == pytest.approx(LEAST_FOCUS + REST_WEIGHT * (n - LEAST_FOCUS))
    assert (weight == 1).sum() == LEAST_FOCUS
    assert sorted(weight[y > 0]) == [REST_WEIGHT, 1.0]


def test_the_blend_is_the_last_rung():
    assert LADDER[-1] == "ensemble"
