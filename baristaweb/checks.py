"""System checks: what production must not start with."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from baristaweb.lib import broker

WEAK_SECRETS = ("", "secret", "changeme", "change-me", "django-insecure")


@checks.register(checks.Tags.security)
def production_values(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Weak or missing values that Django's own deployment checks do not look at."""
    problems: list[tuple[str, str, str]] = []
    if settings.BARISTA.env != "production":
        return []
    key = settings.SECRET_KEY
    if len(key) < 50 or any(key.startswith(weak) for weak in WEAK_SECRETS if weak):
        problems.append(("E001", "SECRET_KEY is shorter than 50 characters or a known default.", "Set a random one."))
    if "*" in settings.ALLOWED_HOSTS or not settings.ALLOWED_HOSTS:
        problems.append(("E002", "ALLOWED_HOSTS must name the site's hosts.", "List them, comma separated."))
    if ":@" in settings.CELERY_BROKER_URL or "@" not in settings.CELERY_BROKER_URL:
        problems.append(("E003", "REDIS_URL has no password.", "Use rediss://:password@host:port/0."))
    if broker.is_unverified(settings.CELERY_BROKER_URL):
        problems.append(("E009", "REDIS_URL switches the check of certificates off.", "Set REDIS_CA_FILE instead."))
    if settings.DATABASES["default"].get("USER") in {"postgres", "barista_owner"}:
        problems.append(("E004", "DATABASE_URL uses the owner or a superuser.", "Use the role barista_app."))
    if any(len(token) < 20 for token in settings.BARISTA.metrics_tokens):
        problems.append(("E005", "BARISTA_METRICS_TOKEN is shorter than 20 characters.", "Set a random one."))
    if settings.SESSION_COOKIE_AGE > 43_200:
        problems.append(("E006", "Sessions live longer than 12 hours.", "Set SESSION_COOKIE_AGE to 43200 or less."))
    return [checks.Error(text, hint=hint, id=f"barista.{code}") for code, text, hint in problems]


@checks.register(checks.Tags.database)
def database_role(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """What the database itself says of the role: one that may change the audit log proves nothing by it."""
    if settings.BARISTA.env != "production" or "default" not in (databases or ()):
        return []
    return role_problems("default")


def role_problems(alias: str) -> list[checks.CheckMessage]:
    """Why the role of this connection must not run the site."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper, EXISTS (SELECT FROM pg_class WHERE relowner = role.oid AND relkind = 'r'), "
            "has_database_privilege(current_database(), 'TEMP, CREATE') "
            "OR EXISTS (SELECT FROM pg_namespace WHERE has_schema_privilege(oid, 'CREATE')) "
            "FROM pg_roles AS role WHERE rolname = current_user"
        )
        name, is_superuser, is_owner, may_create = cursor.fetchone()
    hint = "Use the role barista_app, see docs/security.md."
    if is_superuser:
        return [checks.Error(f"The database role {name} is a superuser.", hint=hint, id="barista.E007")]
    if is_owner:
        return [checks.Error(f"The database role {name} owns tables.", hint=hint, id="barista.E008")]
    if may_create:
        hint = "As the owner: the REVOKE statements under Backup and restore in docs/operations.md."
        return [checks.Error(f"The database role {name} may create objects.", hint=hint, id="barista.E010")]
    return []


def refuse_weak_values() -> None:
    """Raise with every problem of production's values: for the web and the workers, which no system check stops."""
    if problems := production_values(None):
        told = " ".join(f"{problem.msg} {problem.hint}" for problem in problems)
        raise ImproperlyConfigured(f"Barista does not start in production with weak values. {told}")
