"""Typed settings of Barista, read once from the environment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from environ import FileAwareEnv

Mode = Literal["production", "demo", "test"]


@dataclass(frozen=True, kw_only=True)
class Barista:
    """Every knob of the product beside Django's own; docs/operations.md lists them."""

    env: Mode  # BARISTA_ENV
    home: Path  # BARISTA_HOME: state of the one-machine stack; holds the build progress shown on the clusters page
    metrics_token: str  # BARISTA_METRICS_TOKEN: bearer token of /metrics; empty switches /metrics off
    max_replicas: int  # BARISTA_MAX_REPLICAS: ceiling of a deployment's replicas
    resync_s: int  # BARISTA_RESYNC_S: a settled deployment is compared with its cluster this often
    relay_lease_s: float  # BARISTA_RELAY_LEASE_S: bounds how long a lost nudge costs
    observation_stale_s: int  # BARISTA_OBSERVATION_STALE_S: older observations are shown as stale
    login_failures: int  # BARISTA_LOGIN_FAILURES: failed logins per user and address in 15 minutes
    login_failures_address: int  # BARISTA_LOGIN_FAILURES_ADDRESS: the same per address


def read(env: FileAwareEnv) -> Barista:
    """The settings from `env`; raises ImproperlyConfigured when a value is not of its type."""
    return Barista(
        env=env.str("BARISTA_ENV", "production"),
        home=Path(env.str("BARISTA_HOME", ".barista")).absolute(),
        metrics_token=env.str("BARISTA_METRICS_TOKEN", ""),
        max_replicas=env.int("BARISTA_MAX_REPLICAS", 50),
        resync_s=env.int("BARISTA_RESYNC_S", 180),
        relay_lease_s=env.float("BARISTA_RELAY_LEASE_S", 3.0),
        observation_stale_s=env.int("BARISTA_OBSERVATION_STALE_S", 60),
        login_failures=env.int("BARISTA_LOGIN_FAILURES", 5),
        login_failures_address=env.int("BARISTA_LOGIN_FAILURES_ADDRESS", 20),
    )
