"""Sign-offs are added, never changed."""

from importlib import import_module

from django.db import migrations

run = import_module("deployments.migrations.0002_database_rules").run


class Migration(migrations.Migration):
    dependencies = [("deployments", "0003_personal")]
    operations = [run("reviews.sql")]
