import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from baristaweb.lib.guards import must_audit


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0087_cost_due_oldest"),
        ("observability", "0011_sparklines_from_the_index"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChangeToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="Whose it is, like “search CI”: charts and the audit log name it.", max_length=60
                    ),
                ),
                (
                    "digest",
                    models.CharField(editable=False, help_text="sha256 of the token.", max_length=64, unique=True),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, help_text="Empty: until it is deleted.", null=True),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="change_tokens",
                        to="deployments.team",
                    ),
                ),
            ],
            options={"verbose_name": "change token", "ordering": ["team", "name"]},
        ),
        migrations.AddConstraint(
            model_name="changetoken",
            constraint=models.UniqueConstraint(fields=("team", "name"), name="change_token_once"),
        ),
        must_audit("observability_changetoken", object_type="changetoken"),
    ]
