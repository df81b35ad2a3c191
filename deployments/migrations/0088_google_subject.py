"""Users can be people whom Google's Identity-Aware Proxy names."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0087_cost_due_oldest")]
    operations = [
        migrations.AddField(
            model_name="user",
            name="google_subject",
            field=models.CharField(editable=False, max_length=254, null=True, unique=True),
        ),
    ]
