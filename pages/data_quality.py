"""Being written."""

from pages.ui.guard import guard

desk = guard("data_quality")
