"""Being written."""

from pages.ui.guard import guard

desk = guard("my_beat")
