"""The worker process: `celery -A baristaweb worker`. In production it refuses to start with weak values."""

import os
from typing import Any

from celery import Celery, bootsteps
from celery.signals import setup_logging
from django_structlog.celery.steps import DjangoStructLogInitStep

from baristaweb.checks import refuse_weak_values
from baristaweb.lib import transport

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "baristaweb.settings")


class RefuseWeakValues(bootsteps.Step):  # type: ignore[misc]  # Celery is untyped
    """Celery runs Django's system checks and goes on whatever they say."""

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        refuse_weak_values()


class NoTalkAmongWorkers(bootsteps.Step):  # type: ignore[misc]
    """Workers tell each other nothing that anybody reads, and a heartbeat waits for a frozen queue without a limit."""

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        parent.options |= {"without_heartbeat": True, "without_gossip": True, "without_mingle": True}


transport.use()
app = Celery("barista")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].update({DjangoStructLogInitStep, RefuseWeakValues, NoTalkAmongWorkers})
app.autodiscover_tasks()


@setup_logging.connect  # type: ignore[untyped-decorator]
def keep_our_logging(**kwargs: Any) -> None:
    """Whoever answers this signal has set logging up: Django has, and Celery would silence every line below WARNING."""
