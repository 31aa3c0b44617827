"""The demo city: a seeded, fictional Chinese town written as the files its upstream systems would hand over."""
