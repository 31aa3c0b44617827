"""Retention (保存期限) carried out: what is past the catalogue's period is deleted, and the deletion can be shown.

``plan`` finds what is due and deletes nothing; ``reduction`` writes loads without it; ``deletion`` puts a new snapshot
in their place, erases what only older snapshots and editions still held, and keeps a report as proof.
"""

from data.retention.deletion import RetentionReport, retain, retention_reports
from data.retention.plan import Expiry, expiry_list, plan_retention

__all__ = ["Expiry", "RetentionReport", "expiry_list", "plan_retention", "retain", "retention_reports"]
