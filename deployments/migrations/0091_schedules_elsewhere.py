"""What other downscalers were told in a cluster, for the page that imports it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0090_sleep_mirror")]
    operations = [
        migrations.AddField(
            model_name="clusterhealth",
            name="schedules",
            field=models.JSONField(
                help_text="What such programs were told there, and when that was read; not set: not yet.", null=True
            ),
        ),
    ]
