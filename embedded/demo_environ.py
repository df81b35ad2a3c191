"""How a process reaches the running demo: its settings, as the stack gives them."""

from __future__ import annotations

import urllib.parse
from pathlib import Path

from embedded.paths import LOOPBACK, Home


def environ(home: Home) -> dict[str, str]:
    password = urllib.parse.quote(home.secret("postgres-barista_app"), safe="")
    return {
        "DJANGO_SETTINGS_MODULE": "baristaweb.settings",
        "BARISTA_ENV": "demo",
        "LOG_LEVEL": "WARNING",
        "BARISTA_KUBECONFIG_ROOT": str(home.path / "kubernetes"),
        "SECRET_KEY": home.secret("django"),
        "DATABASE_URL": f"postgres://barista_app:{password}@{LOOPBACK}:{home.port('postgres')}/barista",
        "REDIS_URL": f"redis://:{home.secret('valkey')}@{LOOPBACK}:{home.port('valkey')}/0",
    }


def has_demo(home: Path) -> bool:
    """Whether a demo was started there; its processes may be down."""
    return (home / "secrets" / "postgres-barista_app").exists() and (home / "ports.json").exists()
