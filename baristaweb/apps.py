"""App configurations of the project itself."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class BaristaAdminConfig(AdminConfig):
    """Django's admin with Barista's site, where every write is audited."""

    default_site = "deployments.admin.site.BaristaAdminSite"


class BaristaWebConfig(AppConfig):
    name = "baristaweb"

    def ready(self) -> None:
        # Registers the system checks, and makes the queue's app the one that tasks mean; apps must be loaded first.
        from baristaweb import celery, checks  # noqa: F401
