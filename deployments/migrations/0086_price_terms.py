"""Negotiated prices: percentages off a cluster's list, and prices in its place."""

import django.db.models.deletion
from django.db import migrations, models

from baristaweb.lib.guards import must_audit


class Migration(migrations.Migration):
    dependencies = [("deployments", "0085_downscalers")]
    operations = [
        migrations.CreateModel(
            name="PriceTerm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("discount", "percent off"), ("override", "price of its own")], max_length=8
                    ),
                ),
                (
                    "value",
                    models.DecimalField(
                        decimal_places=12,
                        help_text="Percent off the list, or the price of one unit and hour.",
                        max_digits=18,
                    ),
                ),
                (
                    "component",
                    models.CharField(
                        blank=True,
                        choices=[("cpu", "cpu"), ("memory", "memory"), ("gpu", "gpu")],
                        help_text="Empty: a discount on all.",
                        max_length=8,
                    ),
                ),
                (
                    "price_class",
                    models.CharField(blank=True, help_text="Of hardware profiles. Empty: all.", max_length=63),
                ),
                (
                    "gpu",
                    models.CharField(
                        blank=True, help_text="The accelerator label, of the price of a GPU.", max_length=63
                    ),
                ),
                ("effective_at", models.DateTimeField(help_text="From when it counts.")),
                (
                    "ends_at",
                    models.DateTimeField(blank=True, help_text="Until when; empty: until it is ended.", null=True),
                ),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="price_terms",
                        to="deployments.cluster",
                    ),
                ),
            ],
            options={"verbose_name": "negotiated price", "ordering": ["-effective_at", "-pk"]},
        ),
        migrations.AddConstraint(
            model_name="priceterm",
            constraint=models.CheckConstraint(condition=models.Q(("value__gt", 0)), name="price_term_above_0"),
        ),
        migrations.AddConstraint(
            model_name="priceterm",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("kind", "discount"), _negated=True), ("value__lt", 100), _connector="OR"),
                name="price_term_below_100",
            ),
        ),
        must_audit("deployments_priceterm", object_type="priceterm"),
    ]
