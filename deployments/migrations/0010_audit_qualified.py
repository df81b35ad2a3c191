"""The database's rules with every name qualified; the actor's user name in each event; no right to make anything."""

from importlib import import_module

from django.db import migrations, models

run = import_module("deployments.migrations.0002_database_rules").run


class Migration(migrations.Migration):
    dependencies = [("deployments", "0009_observation_degraded")]
    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="actor_username",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        run("audit_qualified.sql"),
        run("create_nothing.sql"),
    ]
