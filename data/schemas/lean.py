"""Imports dataframely without its bridge to SQLAlchemy, which nothing here uses.

The bridge takes longer to import than dataframely and Polars together. dataframely does without it where SQLAlchemy is
not installed, so for the moment of its import it is told so; the records import SQLAlchemy as ever. Only while the process
has one thread, as a command has when it starts: another thread of the dashboard might import SQLAlchemy just then.
"""

from __future__ import annotations

import sys
import threading

_BRIDGED = "sqlalchemy"

if threading.active_count() == 1 and _BRIDGED not in sys.modules and "dataframely" not in sys.modules:
    sys.modules[_BRIDGED] = None  # type: ignore[assignment]  # Python's own sign for "cannot be imported"
    try:
        import dataframely  # noqa: F401
    finally:
        del sys.modules[_BRIDGED]
