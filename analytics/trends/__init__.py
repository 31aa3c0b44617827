"""Trends: counts by day and month, profiles by hour, the funnel from call to located incident."""
