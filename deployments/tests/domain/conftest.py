"""Property tests of the pure core share a busy machine with a control plane: slow generation is no failure."""

from hypothesis import HealthCheck, settings

settings.register_profile("domain", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("domain")
