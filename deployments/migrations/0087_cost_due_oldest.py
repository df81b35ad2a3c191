"""The oldest days to be priced are found without sorting all of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0086_price_terms")]
    operations = [
        migrations.AddIndex(
            model_name="costdue", index=models.Index(fields=["since", "id"], name="cost_due_oldest")
        ),
    ]
