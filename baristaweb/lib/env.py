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
    kubeconfig_root: Path  # BARISTA_KUBECONFIG_ROOT: kubeconfigs and what they name are read below this folder only
    exec_plugins: frozenset[str]  # BARISTA_EXEC_PLUGINS: commands that a kubeconfig may run for credentials
    metrics_tokens: tuple[str, ...]  # BARISTA_METRICS_TOKEN: bearer tokens of /metrics; none switches /metrics off
    max_replicas: int  # BARISTA_MAX_REPLICAS: ceiling of a deployment's replicas
    resync_s: int  # BARISTA_RESYNC_S: a settled deployment is compared with its cluster this often
    relay_lease_s: float  # BARISTA_RELAY_LEASE_S: bounds how long a lost nudge costs
    observation_stale_s: int  # BARISTA_OBSERVATION_STALE_S: older observations are shown as stale
    login_failures: int  # BARISTA_LOGIN_FAILURES: failed logins per user and address in 15 minutes
    login_failures_address: int  # BARISTA_LOGIN_FAILURES_ADDRESS: the same per address
    login_failures_user: int  # BARISTA_LOGIN_FAILURES_USER: the same per user, from all addresses together
    trusted_hops: int  # BARISTA_TRUSTED_HOPS: proxies of our own in front of the site
    refused_events: int  # BARISTA_REFUSED_EVENTS: denied attempts of a person in an hour with an audit event each
    keep_log_answers_h: int  # BARISTA_KEEP_LOG_ANSWERS_H: hours that fetched log lines are kept
    keep_proposals_d: int  # BARISTA_KEEP_PROPOSALS_D: days that proposals are kept which made no revision
    keep_drafts_d: int  # BARISTA_KEEP_DRAFTS_D: days that drafts are kept
    keep_events_d: int  # BARISTA_KEEP_EVENTS_D: days that events of clusters are kept
    keep_samples_d: int  # BARISTA_KEEP_SAMPLES_D: days that samples of use are kept
    keep_sleep_d: int  # BARISTA_KEEP_SLEEP_D: days that past sleeps and why they were are kept
    wakes_at_once: int  # BARISTA_WAKES_AT_ONCE: deployments of a cluster that may wake at the same time
    wake_within_min: int  # BARISTA_WAKE_WITHIN_MIN: minutes after its due time in which one that wakes must be ready
    iap_audience: str  # BARISTA_IAP_AUDIENCE: how Google's Identity-Aware Proxy calls this site; empty: no such logins
    iap_keys: str  # BARISTA_IAP_KEYS: where the keys are that it signs with
    billing_endpoint: str  # BARISTA_BILLING_ENDPOINT: whom to ask for Google's prices; empty: Google
    billing_key: str  # BARISTA_BILLING_KEY: API key for it; empty: application default credentials
    gke_endpoint: str  # BARISTA_GKE_ENDPOINT: Google's Container API, which knows clusters by name
    iam_endpoint: str  # BARISTA_IAM_ENDPOINT: whom to ask to act as a service account; empty: Google
    store_keys: Path  # BARISTA_STORE_KEYS: keys of object stores are files below this folder of the import workers
    id_key: str  # BARISTA_ID_KEY: secret in front of ids and sensitive values before they are hashed
    max_object_bytes: int  # BARISTA_MAX_OBJECT_BYTES: no source may raise its limit beyond
    max_object_rows: int  # BARISTA_MAX_OBJECT_ROWS: the same for rows
    import_lease_s: float  # BARISTA_IMPORT_LEASE_S: an object whose worker died is another's after this
    import_backfills: int  # BARISTA_IMPORT_BACKFILLS: objects of backfills that are read at the same time
    import_sabotage: str  # BARISTA_IMPORT_SABOTAGE: a rule to break, for trials; ignored in production
    daily_after_d: int  # BARISTA_DAILY_AFTER_D: hourly windows become daily ones after so many days
    static_root: Path | None  # BARISTA_STATIC_ROOT: where static files are collected; None: served as they lie


def read(env: FileAwareEnv) -> Barista:
    """The settings from `env`; raises ImproperlyConfigured when a value is not of its type."""
    return Barista(
        env=env.str("BARISTA_ENV", "production"),
        kubeconfig_root=Path(env.str("BARISTA_KUBECONFIG_ROOT", "/etc/barista")).absolute(),
        exec_plugins=frozenset(filter(None, env.list("BARISTA_EXEC_PLUGINS", default=[]))),
        metrics_tokens=tuple(filter(None, env.list("BARISTA_METRICS_TOKEN", default=[]))),
        max_replicas=env.int("BARISTA_MAX_REPLICAS", 50),
        resync_s=env.int("BARISTA_RESYNC_S", 180),
        relay_lease_s=env.float("BARISTA_RELAY_LEASE_S", 3.0),
        observation_stale_s=env.int("BARISTA_OBSERVATION_STALE_S", 60),
        login_failures=env.int("BARISTA_LOGIN_FAILURES", 5),
        login_failures_address=env.int("BARISTA_LOGIN_FAILURES_ADDRESS", 20),
        login_failures_user=env.int("BARISTA_LOGIN_FAILURES_USER", 30),
        trusted_hops=env.int("BARISTA_TRUSTED_HOPS", 0),
        refused_events=env.int("BARISTA_REFUSED_EVENTS", 20),
        keep_log_answers_h=env.int("BARISTA_KEEP_LOG_ANSWERS_H", 1),
        keep_proposals_d=env.int("BARISTA_KEEP_PROPOSALS_D", 90),
        keep_drafts_d=env.int("BARISTA_KEEP_DRAFTS_D", 30),
        keep_events_d=env.int("BARISTA_KEEP_EVENTS_D", 30),
        keep_samples_d=env.int("BARISTA_KEEP_SAMPLES_D", 7),
        keep_sleep_d=env.int("BARISTA_KEEP_SLEEP_D", 400),
        wakes_at_once=env.int("BARISTA_WAKES_AT_ONCE", 20),
        wake_within_min=env.int("BARISTA_WAKE_WITHIN_MIN", 15),
        iap_audience=env.str("BARISTA_IAP_AUDIENCE", ""),
        iap_keys=env.str("BARISTA_IAP_KEYS", "https://www.gstatic.com/iap/verify/public_key"),
        billing_endpoint=env.str("BARISTA_BILLING_ENDPOINT", ""),
        billing_key=env.str("BARISTA_BILLING_KEY", ""),
        gke_endpoint=env.str("BARISTA_GKE_ENDPOINT", "https://container.googleapis.com"),
        iam_endpoint=env.str("BARISTA_IAM_ENDPOINT", ""),
        store_keys=Path(env.str("BARISTA_STORE_KEYS", "/etc/barista/stores")).absolute(),
        id_key=env.str("BARISTA_ID_KEY", ""),
        max_object_bytes=env.int("BARISTA_MAX_OBJECT_BYTES", 16 << 30),
        max_object_rows=env.int("BARISTA_MAX_OBJECT_ROWS", 200_000_000),
        import_lease_s=env.float("BARISTA_IMPORT_LEASE_S", 30.0),
        import_backfills=env.int("BARISTA_IMPORT_BACKFILLS", 1),
        import_sabotage=env.str("BARISTA_IMPORT_SABOTAGE", ""),
        daily_after_d=env.int("BARISTA_DAILY_AFTER_D", 14),
        static_root=Path(root).absolute() if (root := env.str("BARISTA_STATIC_ROOT", "")) else None,
    )
