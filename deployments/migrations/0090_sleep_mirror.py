"""Schedules that are said in the cluster too, as annotations that kube-downscaler reads."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0089_audit_checks")]
    operations = [
        migrations.AddField(
            model_name="sleepschedule",
            name="is_mirrored",
            field=models.BooleanField(
                "written as annotations too",
                db_default=False,
                default=False,
                help_text="As kube-downscaler, Python or Go, reads them: it would go by them if it ran on the cluster.",
            ),
        ),
        migrations.AddField(
            model_name="deployment",
            name="mirrored",
            field=models.JSONField(
                db_default=models.Value({}, output_field=models.JSONField()),
                default=dict,
                help_text="Annotations of kube-downscaler that say its schedule in the cluster; empty: not asked for.",
            ),
        ),
    ]
