"""Settings, top to bottom, from the environment. Production refuses weak values (baristaweb/checks.py)."""

from pathlib import Path

import structlog
from csp.constants import NONE, SELF
from environ import FileAwareEnv
from kombu.entity import Queue

from baristaweb.lib import broker, database_role, log_fields
from baristaweb.lib import env as barista_env

BASE_DIR = Path(__file__).resolve().parent.parent
env = FileAwareEnv()
BARISTA = barista_env.read(env)
IS_PRODUCTION = BARISTA.env == "production"

# The process

DEBUG = False
SECRET_KEY = env.str("SECRET_KEY", "")
# What they signed is still read, nothing new is signed with them.
SECRET_KEY_FALLBACKS = list(filter(None, env.list("SECRET_KEY_FALLBACKS", default=[])))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "baristaweb.urls"
WSGI_APPLICATION = "baristaweb.wsgi.application"

INSTALLED_APPS = [
    "baristaweb.apps.BaristaAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "django_htmx",
    "template_partials",
    "csp",
    "django_structlog",
    "django_prometheus",
    "baristaweb.apps.BaristaWebConfig",
    "deployments",
    "observability",
]

MIDDLEWARE = [
    "baristaweb.shell.probes.ProbesMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    # Before all that look text up: a file, a session.
    "baristaweb.shell.gate.GateMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Below the files, which are compressed already, and above all that writes a page.
    "baristaweb.shell.compression.CompressionMiddleware",
    "baristaweb.shell.polls.PollMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "baristaweb.shell.carried.KeepTyped",
    "baristaweb.shell.session.SessionLimitMiddleware",
    # Below the limit: who is still known to Google goes on without logging in again.
    "baristaweb.shell.iap.IapMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    # What people typed and clusters answered is shown as it is, on pages of errors too.
    "baristaweb.shell.unseen.UnseenMiddleware",
    "baristaweb.shell.errors.ProblemMiddleware",
    "baristaweb.shell.counting.CountingMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "template_partials.templatetags.partials",
                "deployments.templatetags.barista",
                "observability.templatetags.plots",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "baristaweb.shell.context.shell",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Data. The app role is neither owner nor superuser; `locks` carries advisory locks and nothing else.

DATABASE_OPTIONS = {
    "connect_timeout": 3,
}
LIMITS = "-c statement_timeout=15000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=30000"


# Who logs in under a name of their own, as identities of Google Cloud do, becomes the role that has the rights.
AS_APP = database_role.option(env.str("DATABASE_ROLE", ""))
AS_OWNER = database_role.option(env.str("DATABASE_OWNER_ROLE", ""))


def _database(variable: str, options: str) -> dict[str, object]:
    return {
        **env.db_url(variable, default="postgres://barista_app@127.0.0.1:5432/barista"),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": DATABASE_OPTIONS | {"options": options},
    }


DATABASES = {
    "default": _database("DATABASE_URL", LIMITS + AS_APP),
    "locks": _database("DATABASE_URL", LIMITS + AS_APP) | {"TEST": {"MIRROR": "default"}},
    # Migrations run with `--database=owner`; no other process has this URL.
    "owner": _database("DATABASE_OWNER_URL" if env.str("DATABASE_OWNER_URL", "") else "DATABASE_URL", AS_OWNER)
    | {"TEST": {"MIRROR": "default"}},
}
DATABASE_ROUTERS = ["baristaweb.lib.routers.OneDatabase"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# People and sessions

AUTH_USER_MODEL = "deployments.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_S = 3600
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_FAILURE_VIEW = "baristaweb.shell.errors.csrf_failure"

# Transport. A demo speaks plain HTTP on loopback; production is behind TLS.

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_PRODUCTION
SESSION_COOKIE_NAME = "__Host-session" if IS_PRODUCTION else f"barista-session-{env.int('PORT', 8000)}"
CSRF_COOKIE_NAME = "__Host-csrf" if IS_PRODUCTION else f"barista-csrf-{env.int('PORT', 8000)}"
SECURE_SSL_REDIRECT = IS_PRODUCTION and env.bool("SECURE_SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_TLS_PROXY", False) else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 10

# Static files

STATIC_URL = "static/"
# Collected files have their hash in the name, so that browsers keep them for good, and are compressed once. The tests
# read static/ directly: no build step stands between an edit and the page.
STATIC_ROOT = BASE_DIR / "staticfiles" if IS_PRODUCTION else BARISTA.static_root
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_KEEP_ONLY_HASHED_FILES = not IS_PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if STATIC_ROOT is None
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if IS_PRODUCTION
        else "baristaweb.static_storage.QuicklyCompressed"
    },
}

# Language and time

USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# The queue. A message is only a nudge: rows are the intent (docs/decisions/0002-rows-are-intent.md).

CELERY_BROKER_URL = broker.verified(
    env.str("REDIS_URL", "redis://127.0.0.1:6379/0"), ca_file=env.str("REDIS_CA_FILE", "")
)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "health_check_interval": 25,
}
CELERY_VISIBILITY_TIMEOUT = 300
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_RETRY_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 90
CELERY_TASK_DEFAULT_QUEUE = "reconcile"
# Each has workers of its own (docs/operations.md): who asks many questions does not delay the applies of others.
CELERY_TASK_QUEUES = [
    Queue("reconcile", routing_key="reconcile"),  # type: ignore[no-untyped-call]  # kombu is untyped
    Queue("dry-runs", routing_key="dry-runs"),  # type: ignore[no-untyped-call]
    Queue("logs", routing_key="logs"),  # type: ignore[no-untyped-call]
    Queue("imports", routing_key="imports"),  # type: ignore[no-untyped-call]
    Queue("samples", routing_key="samples"),  # type: ignore[no-untyped-call]
]
CELERY_TASK_ROUTES = {
    "deployments.check_proposal": {"queue": "dry-runs"},
    "deployments.check_cluster": {"queue": "dry-runs"},
    "deployments.pull_prices": {"queue": "dry-runs"},
    "deployments.ask_cloud": {"queue": "dry-runs"},
    "deployments.verify_audit": {"queue": "dry-runs"},
    "deployments.fetch_logs": {"queue": "logs"},
    "observability.import_logs": {"queue": "imports"},
    "observability.evaluate": {"queue": "imports"},
    "observability.answer_sample": {"queue": "samples"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
DJANGO_STRUCTLOG_CELERY_ENABLED = True

# Logs: one JSON object a line; user text appears only as a value.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *log_fields.processors("google" if env.str("LOG_FIELDS", "plain") == "google" else "plain"),
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", "INFO")},
    # Celery's own lines about each task say less than ours, and carry no request id.
    "loggers": {"celery": {"level": "WARNING"}, "kubernetes": {"level": "WARNING"}, "urllib3": {"level": "ERROR"}},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
