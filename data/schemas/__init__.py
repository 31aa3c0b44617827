"""The canonical tables: a schema class is the documentation of what a column means."""

import data.schemas.lean  # noqa: F401  (before the first schema)
from data.schemas.advice import (
    AreaHotspots,
    CalmLists,
    Hotspots,
    HotspotSurface,
    PatrolReach,
    SpareHotspots,
    UnitHotspots,
)
from data.schemas.incidents import Calls, Dispatches, Feedbacks, Incidents
from data.schemas.links import AddressLinks
from data.schemas.models import (
    Feedback,
    GridSensitivity,
    ModelCalibration,
    ModelComparison,
    ModelCurves,
    ModelGroups,
    ModelScores,
    PastLists,
    PastPlaces,
)
from data.schemas.places import Addresses, Areas, BaseMap, Population
from data.schemas.planning import Staffing, StaffingLoads, VisitPlan, VisitScores, VisitWorkload
from data.schemas.trends import DailyCounts, Funnel, HourlyProfile
from data.schemas.work import Shifts, VisitRegister, Visits

#: Tables that a load may fill, by name. The order is the order in which they are validated and stored.
CANONICAL = {
    "areas": Areas,
    "addresses": Addresses,
    "base_map": BaseMap,
    "population": Population,
    "calls": Calls,
    "dispatches": Dispatches,
    "feedbacks": Feedbacks,
    "visit_register": VisitRegister,
    "visits": Visits,
    "shifts": Shifts,
}

#: Tables derived from the canonical ones when a snapshot is written.
DERIVED = {"incidents": Incidents, "address_links": AddressLinks}

#: Tables of an edition.
EDITION = {
    "hotspots": Hotspots,
    "spare_hotspots": SpareHotspots,
    "calm_lists": CalmLists,
    "area_hotspots": AreaHotspots,
    "unit_hotspots": UnitHotspots,
    "patrol_reach": PatrolReach,
    "hotspot_surface": HotspotSurface,
    "model_scores": ModelScores,
    "model_comparison": ModelComparison,
    "model_curves": ModelCurves,
    "model_calibration": ModelCalibration,
    "model_groups": ModelGroups,
    "grid_sensitivity": GridSensitivity,
    "feedback": Feedback,
    "past_lists": PastLists,
    "past_places": PastPlaces,
    "visit_workload": VisitWorkload,
    "visit_plan": VisitPlan,
    "visit_scores": VisitScores,
    "staffing": Staffing,
    "staffing_loads": StaffingLoads,
    "daily_counts": DailyCounts,
    "hourly_profile": HourlyProfile,
    "funnel": Funnel,
    "areas": Areas,
    "base_map": BaseMap,
}

__all__ = [
    "CANONICAL",
    "DERIVED",
    "EDITION",
    "AddressLinks",
    "Addresses",
    "AreaHotspots",
    "Areas",
    "BaseMap",
    "Calls",
    "CalmLists",
    "DailyCounts",
    "Dispatches",
    "Feedback",
    "Feedbacks",
    "Funnel",
    "GridSensitivity",
    "HotspotSurface",
    "Hotspots",
    "HourlyProfile",
    "Incidents",
    "ModelCalibration",
    "ModelComparison",
    "ModelCurves",
    "ModelGroups",
    "ModelScores",
    "PastLists",
    "PastPlaces",
    "PatrolReach",
    "Population",
    "Shifts",
    "SpareHotspots",
    "Staffing",
    "StaffingLoads",
    "UnitHotspots",
    "VisitPlan",
    "VisitRegister",
    "VisitScores",
    "VisitWorkload",
    "Visits",
]
