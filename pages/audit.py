"""Being written."""

from pages.ui.guard import guard

desk = guard("audit")
