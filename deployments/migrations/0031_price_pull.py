"""When Google's catalog is read, and price lists that come from it."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0030_price_versions'),
    ]

    operations = [
        migrations.CreateModel(
            name='PricePull',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('next_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('tried_at', models.DateTimeField(null=True)),
                ('read_at', models.DateTimeField(help_text='When it was last read whole.', null=True)),
                ('fault', models.TextField(blank=True, help_text='Why it was not read, or what of it was not taken over.')),
            ],
        ),
        migrations.AlterField(
            model_name='priceversion',
            name='source',
            field=models.CharField(choices=[('typed', 'typed in'), ('csv', 'CSV file'), ('demo', 'demo prices'), ('google', "Google's catalog")], max_length=8),
        ),
    ]
