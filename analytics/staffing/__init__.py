"""Staffing: demand in officer-hours, officers needed, waiting, and what moving officers would change."""
