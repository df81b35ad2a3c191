"""Settings of the property tests: few examples, no deadline, the same on every machine."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "barista", max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("barista")
