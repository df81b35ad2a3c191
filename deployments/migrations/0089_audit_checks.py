"""Verifications of the audit log as rows, and plainer words of three fields."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0088_google_subject")]
    operations = [
        migrations.CreateModel(
            name="AuditCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("asked_by", models.CharField(max_length=160)),
                (
                    "answer",
                    models.CharField(
                        choices=[("waiting", "waiting for a worker"), ("done", "answered"), ("failed", "failed")],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("answered_at", models.DateTimeField(null=True)),
                ("newest", models.BigIntegerField(default=0, help_text="The newest event that was checked.")),
                (
                    "row_hash",
                    models.CharField(
                        blank=True, help_text="Its hash: the anchor, together with the number.", max_length=64
                    ),
                ),
                (
                    "findings",
                    models.JSONField(default=list, help_text="A sentence for each problem; none: the log is intact."),
                ),
            ],
            options={"ordering": ["-created_at"]},
        ),
        migrations.AlterField(
            model_name="auditreview",
            name="verdict",
            field=models.CharField(
                choices=[("fine", "looked at, fine"), ("concern", "needs follow-up")], max_length=8
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="force_generation",
            field=models.PositiveIntegerField(
                default=0,
                help_text="A maintainer chose to take over conflicting fields, for this generation only.",
            ),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="settle_asked_at",
            field=models.DateTimeField(help_text="When somebody asked to have conflicting fields resolved.", null=True),
        ),
    ]
