"""Routing on a page: which advice of the edition goes to whose desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import tables
from pages.ui.formats import number
from pages.ui.language import pick, t, term

if TYPE_CHECKING:
    from data.desk import Desk


def draw(desk: Desk) -> None:
    """Draw the routed advice of the edition, the viewer's own desk first."""
    found = desk.inbox().to_dicts()
    rules = {rule.id: rule for rule in desk.routing()}
    with st.expander(t("routing.title"), icon=":material/alt_route:", key="no_print.routing"):
        mine = sum(row["mine"] for row in found)
        tables.takeaway(t("routing.mine", n=number(mine)) if mine else t("routing.none_mine"))
        names = ("rule", "table", "desk", "rows", "mine")
        st.html(
            tables.html_table(
                [t(f"routing.column.{name}") for name in names],
                [
                    [
                        pick(rules[row["rule_id"]].zh, rules[row["rule_id"]].en),
                        term("table", row["table"]),
                        t(f"routing.{rules[row['rule_id']].level}"),
                        number(row["rows"]),
                        number(row["mine"]),
                    ]
                    for row in sorted(found, key=lambda row: -row["mine"])
                ],
                caption=t("routing.caption"),
                numeric=(3, 4),
            )
        )
