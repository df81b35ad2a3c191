"""Price lists by version, guarded by the audit log and unchangeable; what a revision was said to cost."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from baristaweb.lib.guards import must_audit

IMMUTABLE = """
CREATE FUNCTION public.deployments_price_version_immutable() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'price versions are immutable' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER price_version_immutable BEFORE UPDATE OR DELETE ON public.deployments_priceversion
    FOR EACH ROW EXECUTE FUNCTION public.deployments_price_version_immutable();
REVOKE EXECUTE ON FUNCTION public.deployments_price_version_immutable() FROM PUBLIC;
"""
BACK = """
DROP TRIGGER price_version_immutable ON public.deployments_priceversion;
DROP FUNCTION public.deployments_price_version_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("deployments", "0024_observation_figures")]
    operations = [
        migrations.CreateModel(
            name="PriceVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(help_text="What the list is called, like On-premises 2027.", max_length=80),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("typed", "typed in"), ("csv", "CSV file"), ("demo", "demo prices")], max_length=8
                    ),
                ),
                ("currency", models.CharField(help_text="Three capitals, like USD.", max_length=3)),
                ("effective_at", models.DateTimeField(help_text="From when its prices count.")),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "lines",
                    models.JSONField(
                        help_text="Prices of one hour, as deployments.domain.cost.own_list.OwnLine writes them."
                    ),
                ),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="price_versions",
                        to="deployments.cluster",
                    ),
                ),
            ],
            options={"verbose_name": "price list", "ordering": ["-effective_at", "-pk"]},
        ),
        migrations.AddIndex(
            model_name="priceversion",
            index=models.Index(fields=["cluster", "-effective_at", "-id"], name="price_version_in_force"),
        ),
        migrations.AddField(
            model_name="revision",
            name="estimate",
            field=models.JSONField(
                help_text="What it was said to cost when it was saved, as deployments.domain.cost.change writes it.",
                null=True,
            ),
        ),
        must_audit("deployments_priceversion", object_type="priceversion"),
        migrations.RunSQL(IMMUTABLE, BACK),
    ]
