"""What ran and what it cost: intervals, the days made of them, and the months that are closed."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models

# Intervals are only added. Days of a closed month stand: what comes later is booked in an open one.
RULES = """
CREATE FUNCTION public.deployments_interval_append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'measured intervals are append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER interval_append_only BEFORE UPDATE OR DELETE ON public.deployments_podinterval
    FOR EACH ROW EXECUTE FUNCTION public.deployments_interval_append_only();
CREATE TRIGGER interval_append_only BEFORE UPDATE OR DELETE ON public.deployments_nodeinterval
    FOR EACH ROW EXECUTE FUNCTION public.deployments_interval_append_only();
REVOKE EXECUTE ON FUNCTION public.deployments_interval_append_only() FROM PUBLIC;

CREATE FUNCTION public.deployments_closed_month() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    booked pg_catalog.date;
BEGIN
    IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        booked := OLD.day;
    ELSE
        booked := NEW.day;
    END IF;
    IF EXISTS (SELECT 1 FROM public.deployments_closedmonth
               WHERE month OPERATOR(pg_catalog.=)
                     pg_catalog.date_trunc('month', booked::pg_catalog.timestamp)::pg_catalog.date) THEN
        RAISE EXCEPTION 'the month of % is closed', booked USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER closed_month BEFORE INSERT OR UPDATE OR DELETE ON public.deployments_costday
    FOR EACH ROW EXECUTE FUNCTION public.deployments_closed_month();
REVOKE EXECUTE ON FUNCTION public.deployments_closed_month() FROM PUBLIC;

CREATE FUNCTION public.deployments_month_stays_closed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'a closed month stays closed' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER month_stays_closed BEFORE UPDATE OR DELETE ON public.deployments_closedmonth
    FOR EACH ROW EXECUTE FUNCTION public.deployments_month_stays_closed();
REVOKE EXECUTE ON FUNCTION public.deployments_month_stays_closed() FROM PUBLIC;
"""
BACK = """
DROP TRIGGER month_stays_closed ON public.deployments_closedmonth;
DROP FUNCTION public.deployments_month_stays_closed();
DROP TRIGGER closed_month ON public.deployments_costday;
DROP FUNCTION public.deployments_closed_month();
DROP TRIGGER interval_append_only ON public.deployments_nodeinterval;
DROP TRIGGER interval_append_only ON public.deployments_podinterval;
DROP FUNCTION public.deployments_interval_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0070_budgets"),
    ]

    operations = [
        migrations.CreateModel(
            name="ClosedMonth",
            fields=[
                ("month", models.DateField(primary_key=True, serialize=False)),
                ("closed_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddField(
            model_name="clusterhealth",
            name="measured_at",
            field=models.DateTimeField(help_text="Up to when its pods were measured for their costs.", null=True),
        ),
        migrations.CreateModel(
            name="CostDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("adjusts", models.DateField(null=True)),
                ("price_class", models.CharField(blank=True, max_length=80)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("pod_hours", models.DecimalField(decimal_places=9, max_digits=20)),
                ("cpu_hours", models.DecimalField(decimal_places=9, max_digits=20)),
                ("memory_hours", models.DecimalField(decimal_places=9, help_text="GiB hours.", max_digits=20)),
                ("gpu_hours", models.JSONField(default=dict, help_text="By accelerator label.")),
                ("cpu", models.DecimalField(decimal_places=12, max_digits=24, null=True)),
                ("memory", models.DecimalField(decimal_places=12, max_digits=24, null=True)),
                ("gpu", models.DecimalField(decimal_places=12, max_digits=24, null=True)),
                ("amount", models.DecimalField(decimal_places=12, max_digits=24, null=True)),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("pods", models.PositiveIntegerField(default=0)),
                ("is_exact", models.BooleanField(default=True)),
                (
                    "source",
                    models.CharField(
                        choices=[("watch", "seen by the watch"), ("demo", "made for the demo")],
                        default="watch",
                        max_length=5,
                    ),
                ),
                ("priced_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cost_days",
                        to="deployments.deployment",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="deployments.team"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="deployments.priceversion",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["deployment", "day"], name="cost_day_of_deployment"),
                    models.Index(
                        fields=["day", "team", "deployment"], include=("amount", "currency"), name="cost_day_in_sums"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("amount", None), ("reason__gt", "")),
                            models.Q(("amount__isnull", False), ("reason", "")),
                            _connector="OR",
                        ),
                        name="cost_day_known_or_why",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CostDue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                (
                    "since",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now
                    ),
                ),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="deployments.cluster"
                    ),
                ),
                (
                    "deployment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="deployments.deployment",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("cluster", "deployment", "day"), name="cost_due_once", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="NodeDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("node", models.CharField(max_length=253)),
                ("machine", models.CharField(blank=True, max_length=63)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("hours", models.DecimalField(decimal_places=9, max_digits=20)),
                ("total", models.DecimalField(decimal_places=12, max_digits=24, null=True)),
                ("ours", models.DecimalField(decimal_places=12, max_digits=24, null=True)),
                ("others", models.DecimalField(decimal_places=12, max_digits=24, null=True)),
                ("idle", models.DecimalField(decimal_places=12, max_digits=24, null=True)),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("shares", models.JSONField(default=dict, help_text="Of `ours`, by the key of the deployment.")),
                (
                    "is_over",
                    models.BooleanField(default=False, help_text="Pods asked for more than there is and share it."),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("watch", "seen by the watch"), ("demo", "made for the demo")],
                        default="watch",
                        max_length=5,
                    ),
                ),
                ("priced_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="node_days", to="deployments.cluster"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("cluster", "day", "node"), name="node_day_once")],
            },
        ),
        migrations.CreateModel(
            name="NodeInterval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.CharField(max_length=64)),
                ("node", models.CharField(max_length=253)),
                ("machine", models.CharField(blank=True, max_length=63)),
                ("pool", models.CharField(blank=True, max_length=63)),
                ("gpu", models.CharField(blank=True, max_length=63)),
                ("is_spot", models.BooleanField(default=False)),
                (
                    "labels",
                    models.JSONField(default=list, help_text="(label, value) of those that a price depends on."),
                ),
                ("millicores", models.BigIntegerField()),
                ("memory", models.BigIntegerField(help_text="Bytes.")),
                ("gpus", models.JSONField(default=list)),
                ("others_millicores", models.BigIntegerField(default=0)),
                ("others_memory", models.BigIntegerField(default=0)),
                ("others_gpus", models.JSONField(default=list)),
                ("start", models.DateTimeField()),
                ("is_start_exact", models.BooleanField(default=True)),
                (
                    "source",
                    models.CharField(
                        choices=[("watch", "seen by the watch"), ("demo", "made for the demo")],
                        default="watch",
                        max_length=5,
                    ),
                ),
                ("day", models.DateField()),
                ("end", models.DateTimeField()),
                ("is_end_exact", models.BooleanField(default=True)),
                ("end_by", models.DateTimeField(null=True)),
                (
                    "made_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now
                    ),
                ),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="deployments.cluster"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["cluster", "day"], name="node_time_of_cluster")],
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "uid", "start"), name="node_time_once"),
                    models.CheckConstraint(condition=models.Q(("end__gt", models.F("start"))), name="node_time_passes"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OpenNode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.CharField(max_length=64)),
                ("node", models.CharField(max_length=253)),
                ("machine", models.CharField(blank=True, max_length=63)),
                ("pool", models.CharField(blank=True, max_length=63)),
                ("gpu", models.CharField(blank=True, max_length=63)),
                ("is_spot", models.BooleanField(default=False)),
                (
                    "labels",
                    models.JSONField(default=list, help_text="(label, value) of those that a price depends on."),
                ),
                ("millicores", models.BigIntegerField()),
                ("memory", models.BigIntegerField(help_text="Bytes.")),
                ("gpus", models.JSONField(default=list)),
                ("others_millicores", models.BigIntegerField(default=0)),
                ("others_memory", models.BigIntegerField(default=0)),
                ("others_gpus", models.JSONField(default=list)),
                ("start", models.DateTimeField()),
                ("is_start_exact", models.BooleanField(default=True)),
                (
                    "source",
                    models.CharField(
                        choices=[("watch", "seen by the watch"), ("demo", "made for the demo")],
                        default="watch",
                        max_length=5,
                    ),
                ),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="deployments.cluster"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("cluster", "uid"), name="node_open_once")],
            },
        ),
        migrations.CreateModel(
            name="OpenPod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.CharField(max_length=64)),
                ("pod", models.CharField(max_length=253)),
                ("node", models.CharField(max_length=253)),
                ("machine", models.CharField(blank=True, max_length=63)),
                ("pool", models.CharField(blank=True, max_length=63)),
                ("is_spot", models.BooleanField(default=False)),
                ("price_class", models.CharField(blank=True, help_text="Of the hardware profile.", max_length=63)),
                ("millicores", models.BigIntegerField()),
                ("memory", models.BigIntegerField(help_text="Bytes.")),
                (
                    "gpus",
                    models.JSONField(
                        default=list, help_text="(accelerator label, number), as domain.cost.ledger.Asked has it."
                    ),
                ),
                ("start", models.DateTimeField()),
                ("is_start_exact", models.BooleanField(default=True)),
                (
                    "source",
                    models.CharField(
                        choices=[("watch", "seen by the watch"), ("demo", "made for the demo")],
                        default="watch",
                        max_length=5,
                    ),
                ),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="deployments.cluster"
                    ),
                ),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="deployments.deployment"
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="deployments.team"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["deployment"], name="open_pod_of_deployment")],
                "constraints": [models.UniqueConstraint(fields=("cluster", "uid"), name="pod_open_once")],
            },
        ),
        migrations.CreateModel(
            name="PodInterval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.CharField(max_length=64)),
                ("pod", models.CharField(max_length=253)),
                ("node", models.CharField(max_length=253)),
                ("machine", models.CharField(blank=True, max_length=63)),
                ("pool", models.CharField(blank=True, max_length=63)),
                ("is_spot", models.BooleanField(default=False)),
                ("price_class", models.CharField(blank=True, help_text="Of the hardware profile.", max_length=63)),
                ("millicores", models.BigIntegerField()),
                ("memory", models.BigIntegerField(help_text="Bytes.")),
                (
                    "gpus",
                    models.JSONField(
                        default=list, help_text="(accelerator label, number), as domain.cost.ledger.Asked has it."
                    ),
                ),
                ("start", models.DateTimeField()),
                ("is_start_exact", models.BooleanField(default=True)),
                (
                    "source",
                    models.CharField(
                        choices=[("watch", "seen by the watch"), ("demo", "made for the demo")],
                        default="watch",
                        max_length=5,
                    ),
                ),
                ("day", models.DateField()),
                ("end", models.DateTimeField()),
                ("is_end_exact", models.BooleanField(default=True)),
                (
                    "end_by",
                    models.DateTimeField(help_text="Where the end was not seen: when it was first missing.", null=True),
                ),
                (
                    "made_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now
                    ),
                ),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="deployments.cluster"
                    ),
                ),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="deployments.deployment"
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="deployments.team"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["deployment", "day"], name="pod_time_of_deployment"),
                    models.Index(fields=["cluster", "day"], name="pod_time_of_cluster"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "uid", "start"), name="pod_time_once"),
                    models.CheckConstraint(condition=models.Q(("end__gt", models.F("start"))), name="pod_time_passes"),
                ],
            },
        ),
        migrations.RunSQL(RULES, BACK),
    ]
