"""From upstream records to canonical tables: rules, times, places, keys, loads."""
