"""Folding calls into incidents: chains, missing parents, circles, and officer-hours that move to the first call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from data.integration.folding import FOLDED_LINKS, FoldedCalls, fold_calls, onto_incidents
from data.snapshots import current_snapshot
from data.store import Store

from .conftest import Load

START = datetime(2025, 3, 1, tzinfo=UTC)


def calls_of(*rows: tuple[str, str | None, str | None]) -> pl.DataFrame:
    """Rows of (call_id, parent_call_id, link_type), a minute apart; record_key is k + call_id."""
    return pl.DataFrame(
        [
            {
                "record_key": f"k{call}",
                "call_id": call,
                "parent_call_id": parent,
                "link_type": link,
                "reported_at": START + timedelta(minutes=minute),
            }
            for minute, (call, parent, link) in enumerate(rows)
        ],
        schema_overrides={"parent_call_id": pl.String, "link_type": pl.String},
    )


def incident_of(folded: FoldedCalls) -> dict[str, str]:
    return dict(folded.calls.iter_rows())


def outcomes(folded: FoldedCalls) -> dict[str, tuple[str, int]]:
    return {row["call_id"]: (row["outcome"], row["depth"]) for row in folded.links.iter_rows(named=True)}


def test_a_chain_of_calls_is_one_incident_and_keeps_its_links() -> None:
    folded = fold_calls(
        calls_of(
            ("1", None, None), ("2", "1", "repeat"), ("3", "2", "reminder"), ("4", "3", "feedback"), ("9", None, None)
        )
    )
    assert incident_of(folded) == {"k1": "k1", "k2": "k1", "k3": "k1", "k4": "k1", "k9": "k9"}
    assert outcomes(folded) == {"2": ("folded", 1), "3": ("folded", 2), "4": ("folded", 3)}
    assert folded.links["link_type"].to_list() == ["repeat", "reminder", "feedback"]


def test_a_link_of_another_kind_keeps_two_incidents_apart() -> None:
    folded = fold_calls(calls_of(("1", None, None), ("2", "1", "same_place"), ("3", "1", None), ("4", "2", "nuisance")))
    assert incident_of(folded) == {"k1": "k1", "k2": "k2", "k3": "k3", "k4": "k2"}
    assert outcomes(folded) == {"2": ("kept_apart", 0), "3": ("kept_apart", 0), "4": ("folded", 1)}


def test_calls_whose_first_call_is_not_there_gather_under_the_earliest() -> None:
    folded = fold_calls(calls_of(("8", "gone", "repeat"), ("2", "gone", "repeat"), ("3", "8", "reminder")))
    assert incident_of(folded) == {"k8": "k8", "k2": "k8", "k3": "k8"}
    assert {outcome for outcome, _ in outcomes(folded).values()} == {"parent_missing"}


def test_a_circle_is_told_and_ends() -> None:
    folded = fold_calls(
        calls_of(
            ("5", "6", "repeat"), ("6", "7", "repeat"), ("7", "6", "repeat"), ("1", "1", "repeat"), ("0", "5", "repeat")
        )
    )
    # 5 and 0 only lead into the circle of 6 and 7; 5 came first of the four.
    assert incident_of(folded) == {"k5": "k5", "k6": "k5", "k7": "k5", "k0": "k5", "k1": "k1"}
    assert {outcome for outcome, _ in outcomes(folded).values()} == {"in_a_circle"}


def test_no_links_at_all() -> None:
    folded = fold_calls(calls_of(("1", None, None), ("2", None, None)))
    assert incident_of(folded) == {"k1": "k1", "k2": "k2"}
    assert folded.links.is_empty()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 14), st.sampled_from([*FOLDED_LINKS, "other", None])), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_every_call_has_one_incident_whatever_the_order(links: list[tuple[int, str | None]], random) -> None:  # type: ignore[no-untyped-def]
    rows = [
        (f"{number:02d}", f"{parent:02d}" if parent != number else None, link)
        for number, (parent, link) in enumerate(links)
    ]
    calls = calls_of(*rows)
    folded = fold_calls(calls)
    assert folded.calls["record_key"].to_list() == calls["record_key"].to_list()
    assert set(folded.calls["incident_key"]) <= set(calls["record_key"])
    # The call that stands for an incident stands for itself, and each link is in the table once.
    own = incident_of(folded)
    assert all(own[own[key]] == own[key] for key in own)
    assert folded.links.height == calls["parent_call_id"].is_not_null().sum()
    order = list(range(calls.height))
    random.shuffle(order)
    assert incident_of(fold_calls(calls[order])) == own


def test_dispatches_of_a_folded_call_count_for_the_incident() -> None:
    calls = calls_of(("1", None, None), ("2", "1", "repeat"), ("3", "1", "same_place"))
    dispatches = pl.DataFrame({"dispatch_id": ["a", "b", "c", "d"], "call_id": ["2", "1", "3", "not there"]})
    assert onto_incidents(dispatches, calls)["call_id"].to_list() == ["1", "1", "3", "not there"]


def test_the_hours_of_a_repeat_are_the_incidents_hours(load: Load, store: Store) -> None:
    load(
        {
            "calls.csv": "JJDBH,GLJJDBH,GLLX,BJSJ,BJLX,GXDWDM,X,Y\n"
            "1,,,20250301080000,010100,S1,120.5,30.5\n"
            "2,1,01,20250301081000,010100,S1,120.5,30.5\n",
            "dispatches.csv": "PJDBH,JJDBH,PJSJ,CJSJ,DDSJ,WBSJ,CDRC\n"
            "d1,1,20250301080100,20250301080200,20250301081000,20250301090200,2\n"
            "d2,2,20250301081100,20250301081200,20250301081500,20250301084200,1\n",
        }
    )
    snapshot = current_snapshot(store)
    number = dict(snapshot.read("calls").select("record_key", "call_id").iter_rows())
    rows = {number[row["incident_id"]]: row for row in snapshot.read("incidents").iter_rows(named=True)}
    # 1 h x 2 officers sent to the call, half an hour x 1 to its repeat.
    assert (rows["1"]["officer_hours"], rows["1"]["valid"]) == (2.5, True)
    assert (rows["2"]["officer_hours"], rows["2"]["valid"]) == (None, False)
