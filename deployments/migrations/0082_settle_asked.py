from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0081_overloaded"),
    ]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="settle_asked_at",
            field=models.DateTimeField(null=True, help_text="When somebody asked to have fields of others settled."),
        ),
        migrations.AddField(
            model_name="deployment",
            name="settle_asked_by",
            field=models.CharField(blank=True, db_default="", max_length=120),
        ),
    ]
