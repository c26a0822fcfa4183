"""Properties are tried on the same examples every time, as in tests/pure."""

from hypothesis import settings

settings.register_profile("monitor", max_examples=50, derandomize=True, deadline=None, database=None)
settings.load_profile("monitor")
