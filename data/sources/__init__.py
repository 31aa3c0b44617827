"""Upstream systems: one declarative mapping each, and the readers of their files."""
