"""Measurements run by hand or by `beatwise benchmark`; never timed tests."""
