"""Visits: what is due, what events will trigger, how much work it is, and in which order to go."""
