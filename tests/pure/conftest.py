"""Properties are tried on the same examples every time, so that a failure here is a failure everywhere."""

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "pure",
    max_examples=50,
    derandomize=True,
    deadline=None,
    database=None,
    # Explaining a failure costs minutes with values as big as these; the smallest failing one says enough.
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("pure")
