"""Who asks at the desk of the tiny edition, and what the log says last."""

from __future__ import annotations

from data.access import Viewer
from data.records import Records, read_audit

CHIEF = Viewer("chief", "commander", "F", "sub_bureau")
CAPTAIN = Viewer("captain", "commander", "S1", "station")
OFFICER = Viewer("officer", "officer", "B1", "beat")
RESEARCHER = Viewer("researcher", "researcher")
STEWARD = Viewer("steward", "steward")
SECURITY = Viewer("security", "security")
AUDITOR = Viewer("auditor", "auditor")


def last_row(records: Records) -> dict:
    return read_audit(records, 1)[0]
