from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0060_sleep_layers"),
    ]

    operations = [
        migrations.AddField(
            model_name="proposal",
            name="promotes",
            field=models.JSONField(
                help_text="Of a promotion: deployment and revision taken over, the state then, and why in spite of it.",
                null=True,
            ),
        ),
    ]
