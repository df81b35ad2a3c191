"""App configurations of the project itself."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class BaristaAdminConfig(AdminConfig):
    """Django's admin with Barista's site, where every write is audited."""

    default_site = "deployments.admin.site.BaristaAdminSite"


class BaristaWebConfig(AppConfig):
    name = "baristaweb"

    def ready(self) -> None:
        from baristaweb import checks  # noqa: F401  registers the system checks; apps must be loaded first
