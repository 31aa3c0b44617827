"""Records of what people did: decisions, visits, grants, and the audit log, in SQLite or PostgreSQL."""

from data.records.agreement import verify_records
from data.records.audit import AuditEvent, ChainReport, append_audit, noted_head, read_audit, verify_chain
from data.records.database import Records, utc_now
from data.records.decisions import DECISION_ACTIONS, LONGEST_COMMENT, REASON_CODES, Decision
from data.records.viewers import demo_viewers, find_viewer, grant_role, list_viewers, resolve_viewer, revoke_role
from data.records.visits import LONGEST_VISIT_MINUTES, NOTE_CODES, VisitRecord

__all__ = [
    "DECISION_ACTIONS",
    "LONGEST_COMMENT",
    "LONGEST_VISIT_MINUTES",
    "NOTE_CODES",
    "REASON_CODES",
    "AuditEvent",
    "ChainReport",
    "Decision",
    "Records",
    "VisitRecord",
    "append_audit",
    "demo_viewers",
    "find_viewer",
    "grant_role",
    "list_viewers",
    "noted_head",
    "read_audit",
    "resolve_viewer",
    "revoke_role",
    "utc_now",
    "verify_chain",
    "verify_records",
]
