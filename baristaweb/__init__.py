"""The project: settings, URLs and processes. Nothing imports it except its lib."""

from baristaweb.celery import app as celery_app

__all__ = ["celery_app"]
