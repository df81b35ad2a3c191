"""Other downscalers that the watch saw in a cluster."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0084_watch_leases")]
    operations = [
        migrations.AddField(
            model_name="clusterhealth",
            name="downscalers",
            field=models.JSONField(
                help_text="Other programs that put workloads to sleep there; not set: nobody has looked yet.", null=True
            ),
        ),
    ]
