"""A proposal goes back with what should change; what others changed is left as it is for a while."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0091_schedules_elsewhere")]
    operations = [
        migrations.AddField(
            model_name="proposal",
            name="returned_at",
            field=models.DateTimeField(help_text="When a maintainer asked for changes, last.", null=True),
        ),
        migrations.AddField(
            model_name="proposal", name="returned_by", field=models.CharField(blank=True, db_default="", max_length=160)
        ),
        migrations.AddField(
            model_name="proposal", name="returned_note", field=models.CharField(blank=True, db_default="", max_length=500)
        ),
        migrations.AddField(
            model_name="deployment",
            name="left_drift",
            field=models.CharField(blank=True, db_default="", help_text="Digest of what was left.", max_length=64),
        ),
        migrations.AddField(model_name="deployment", name="left_until", field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name="deployment", name="left_by", field=models.CharField(blank=True, db_default="", max_length=120)
        ),
        migrations.AddField(
            model_name="deployment", name="left_why", field=models.CharField(blank=True, db_default="", max_length=500)
        ),
    ]
