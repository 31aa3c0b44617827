"""Who may what, as constant tables: role → pages, tables, doings, columns, grades. ``data.access`` decides by them."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["commander", "researcher", "officer", "steward", "security", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)
#: System, security and audit administration (三权分立): no account may hold two of them.
SEPARATED_ROLES: frozenset[Role] = frozenset({"steward", "security", "auditor"})

#: In place of the code of a police force in a grant: every force of the store, those still to come included.
ALL_FORCES = "all"
#: Roles that may be held for all forces: who keeps the store, watches over it or studies it. Who decides or goes there
#: belongs to one force, and the areas of such a grant are areas of that force.
ROLES_OF_ALL_FORCES: frozenset[Role] = frozenset({"researcher", "steward", "security", "auditor"})

#: Page key → roles that may open it.
PAGES: dict[str, frozenset[Role]] = {
    "briefing": frozenset({"commander", "officer"}),
    "hotspots": frozenset({"commander", "researcher", "officer"}),
    "model": frozenset({"commander", "researcher", "auditor"}),
    "staffing": frozenset({"commander", "auditor"}),
    "my_beat": frozenset({"commander", "officer"}),
    "trends": frozenset({"commander", "researcher", "officer"}),
    "data_quality": frozenset({"steward", "auditor"}),
    "audit": frozenset({"auditor"}),
    "catalogue": frozenset({"steward", "security", "auditor"}),
    "grants": frozenset({"security", "auditor"}),
    "sources": frozenset({"steward", "auditor"}),
    "addresses": frozenset({"steward", "auditor"}),
}

#: Table → roles that may read it. Steward and security administrator see no advice; the auditor sees no raw rows.
TABLES: dict[str, frozenset[Role]] = {
    "hotspots": frozenset({"commander", "researcher", "officer", "auditor"}),
    "spare_hotspots": frozenset({"commander", "researcher", "officer", "auditor"}),
    "calm_lists": frozenset({"commander", "researcher", "officer", "auditor"}),
    "area_hotspots": frozenset({"commander", "researcher", "officer", "auditor"}),
    "unit_hotspots": frozenset({"commander", "researcher", "officer", "auditor"}),
    # How far patrol hours reach is asked by who has them; observed counts in it may be small.
    "patrol_reach": frozenset({"commander"}),
    "hotspot_surface": frozenset({"commander", "researcher", "officer"}),
    "model_scores": frozenset({"commander", "researcher", "officer", "auditor"}),
    "model_comparison": frozenset({"commander", "researcher", "auditor"}),
    "model_curves": frozenset({"commander", "researcher", "auditor"}),
    "model_calibration": frozenset({"commander", "researcher", "auditor"}),
    "model_groups": frozenset({"commander", "researcher", "auditor"}),
    "grid_sensitivity": frozenset({"commander", "researcher", "auditor"}),
    "feedback": frozenset({"commander", "researcher", "auditor"}),
    # Sums of a whole list, as in the back-test; single places are for those who were given the advice.
    "past_lists": frozenset({"commander", "researcher", "auditor"}),
    "past_places": frozenset({"commander", "officer"}),
    "visit_workload": frozenset({"commander", "officer", "auditor"}),
    "visit_plan": frozenset({"commander", "officer"}),
    "visit_scores": frozenset({"commander", "researcher", "auditor"}),
    "staffing": frozenset({"commander", "auditor"}),
    "staffing_loads": frozenset({"commander", "auditor"}),
    "daily_counts": frozenset({"commander", "researcher", "officer"}),
    "hourly_profile": frozenset({"commander", "researcher", "officer"}),
    "funnel": frozenset({"commander", "researcher", "steward", "auditor"}),
    "areas": frozenset({"commander", "researcher", "officer", "steward", "auditor"}),
    "base_map": frozenset({"commander", "researcher", "officer"}),
    "manifest": frozenset({"commander", "researcher", "officer", "steward", "auditor"}),
    "loads": frozenset({"steward", "auditor"}),
    "mappings": frozenset({"steward", "auditor"}),
    "quarantine_counts": frozenset({"steward", "auditor"}),
    "quarantine_rows": frozenset({"steward"}),
    "decisions": frozenset({"commander", "officer", "auditor"}),
    "visits_recorded": frozenset({"commander", "officer"}),
    "audit_log": frozenset({"auditor"}),
    "viewers": frozenset({"security", "auditor"}),
    # Metadata only: the security administrator may know what there is and how it is graded, and sees none of it.
    "catalogue": frozenset({"steward", "security", "auditor"}),
    "routing": frozenset({"commander", "officer", "steward", "security", "auditor"}),
    "quality": frozenset({"steward", "auditor"}),
    "lineage": frozenset({"commander", "researcher", "officer", "steward", "auditor"}),
    "visits_export": frozenset({"steward"}),
    # What is due for deletion, by table and load: counts and days, no rows.
    "retention": frozenset({"steward", "auditor"}),
    "address_links": frozenset({"steward", "auditor"}),
    # Grade 4, above the steward's grade, for one purpose: to decide what a text means. Every reading is logged.
    "address_texts": frozenset({"steward"}),
}

#: Action → roles that may do it. Nobody but a person decides: there is no role for a program.
DOINGS: dict[str, frozenset[Role]] = {
    "decide": frozenset({"commander"}),
    "record_visit": frozenset({"officer"}),
    "save_mapping": frozenset({"steward"}),
    "export": frozenset({"commander", "researcher", "steward", "auditor"}),
    "verify_audit": frozenset({"auditor"}),
    "grant": frozenset({"security"}),
    "export_visits": frozenset({"steward"}),
    "review_address": frozenset({"steward"}),
    "apply_addresses": frozenset({"steward"}),
}

#: Highest column grade (see ``data.schemas.columns``) a role reads. Grade 3, names and exact places of the objects
#: to visit, is for the officer who goes there.
HIGHEST_GRADE: dict[Role, int] = {
    "commander": 2,
    "researcher": 2,
    "officer": 3,
    "steward": 2,
    "security": 0,
    "auditor": 2,
}

#: Columns fine enough to show single incidents (an hour of the week at one place): null for roles of aggregates.
FINE_COLUMNS: dict[str, tuple[str, ...]] = {"hotspots": ("hours",), "spare_hotspots": ("hours",)}
#: Columns of records that a role does not need. Who made a visit is for the record, not for a ranking of officers.
HIDDEN_RECORD_COLUMNS: dict[tuple[str, Role], frozenset[str]] = {
    ("visits_recorded", "commander"): frozenset({"recorded_by"}),
}
#: Tables about the whole force: no column says where, so no row can be dropped by area.
WITHOUT_AREA: frozenset[str] = frozenset(
    {
        # Rows of areas, of which the desk gives out those of the viewer's own (``Desk.patrol_reach``, ``past_lists``).
        "patrol_reach",
        "past_lists",
        "model_scores",
        "model_comparison",
        "model_curves",
        "model_calibration",
        "model_groups",
        "grid_sensitivity",
        "visit_scores",
        "feedback",
        "funnel",
        "base_map",
        "areas",
    }
)
