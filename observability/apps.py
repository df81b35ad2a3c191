from django.apps import AppConfig


class ObservabilityConfig(AppConfig):
    """Profiles, comparisons and alerts of prediction logs."""

    name = "observability"
    default_auto_field = "django.db.models.BigAutoField"
