"""Settings of the test suite: the product's own, pointed at the stack that the test run starts (conftest.py)."""

import os
import tempfile

os.environ.update(
    {
        "BARISTA_ENV": "test",
        "SECRET_KEY": "tests-only-0123456789abcdefghijklmnopqrstuvwxyz0123456789",
        # Where the control plane of the run and the folders of single tests are.
        "BARISTA_KUBECONFIG_ROOT": tempfile.gettempdir(),
        "BARISTA_METRICS_TOKEN": "tests-only-metrics-token",
        "DATABASE_URL": os.environ.get("BARISTA_TEST_APP_URL", "postgres://barista_app@127.0.0.1:1/barista"),
        "DATABASE_OWNER_URL": os.environ.get("BARISTA_TEST_OWNER_URL", "postgres://barista_owner@127.0.0.1:1/barista"),
        "REDIS_URL": os.environ.get("BARISTA_TEST_REDIS_URL", "redis://127.0.0.1:1/0"),
        "LOG_LEVEL": "CRITICAL",
    }
)

from baristaweb.settings import *  # noqa: F403  the environment must be set first

# Hashing passwords slowly is the point of argon2, and no point of a test.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 1, "socket_connect_timeout": 1}
# Each client of a test makes its own handlers: static files are looked up when asked for, not all listed each time.
WHITENOISE_AUTOREFRESH = True
# A test may compute longer than a request may stay idle, on a busy machine.
for _name in ("default", "locks"):
    DATABASES[_name]["OPTIONS"]["options"] += " -c idle_in_transaction_session_timeout=300000"  # noqa: F405
