from django.db import migrations, models


class Migration(migrations.Migration):
    """A list of features draws thousands of points: read from the index, they need no row."""

    dependencies = [("observability", "0010_results")]

    operations = [
        migrations.RemoveIndex(model_name="featureverdict", name="verdicts_of_feature"),
        migrations.AddIndex(
            model_name="featureverdict",
            index=models.Index(
                fields=["spec", "place", "start"], include=["value", "threshold"], name="verdicts_of_feature"
            ),
        ),
    ]
