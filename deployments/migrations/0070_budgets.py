"""Budgets, guarded by the audit log; what a revision did to them; the audit log by cost difference."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from baristaweb.lib.guards import must_audit

# Partial: only revisions have a difference. The expressions are those of deployments.queries.audit.
BY_COST = """
CREATE INDEX audit_by_cost ON public.deployments_auditevent
    ((facts ->> 'cost_currency'), ((facts ->> 'cost_moves')::numeric(30, 4)), seq) WHERE facts ? 'cost_moves'
"""


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0040_sleep'),
    ]

    operations = [
        migrations.AddField(
            model_name='revision',
            name='budgets',
            field=models.JSONField(db_default=models.Value([], output_field=models.JSONField()), default=list, help_text='What it did to the budgets over it, as deployments.domain.cost.budgets.Effect writes it.'),
        ),
        migrations.CreateModel(
            name='Budget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('environment', models.CharField(blank=True, choices=[('dev', 'Development'), ('staging', 'Staging'), ('prod', 'Production')], max_length=8)),
                ('month', models.DateField(blank=True, help_text='The first day of the month; empty: every month.', null=True)),
                ('currency', models.CharField(default='USD', help_text='Three capitals, like USD.', max_length=3)),
                ('soft', models.DecimalField(blank=True, decimal_places=2, help_text='A forecast above it is told to people.', max_digits=14, null=True)),
                ('hard', models.DecimalField(blank=True, decimal_places=2, help_text="A change that takes the forecast above it needs a maintainer's reason.", max_digits=14, null=True)),
                ('told', models.CharField(blank=True, help_text="User names besides the team's maintainers, with commas between them.", max_length=500)),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('changed_by', models.CharField(blank=True, max_length=120)),
                ('deployment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='budgets', to='deployments.deployment')),
                ('model', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='budgets', to='deployments.servedmodel')),
                ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='budgets', to='deployments.team')),
            ],
            options={
                'ordering': ['team__name', 'environment', 'pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('deployment', None), ('environment', ''), ('model__isnull', False), ('team__isnull', False)), models.Q(('deployment__isnull', False), ('environment', ''), ('model', None), ('team__isnull', False)), models.Q(('deployment', None), ('model', None), ('team__isnull', False)), models.Q(('deployment', None), ('model', None), ('team', None), models.Q(('environment', ''), _negated=True)), _connector='OR'), name='budget_of_one_thing'), models.CheckConstraint(condition=models.Q(models.Q(('soft__isnull', False), ('hard__isnull', False), _connector='OR'), models.Q(('soft', None), ('soft__gte', 0), _connector='OR'), models.Q(('hard', None), ('hard__gte', 0), _connector='OR'), models.Q(('soft', None), ('hard', None), ('soft__lte', models.F('hard')), _connector='OR')), name='budget_has_a_limit'), models.UniqueConstraint(fields=('team', 'environment', 'model', 'deployment', 'month'), name='budget_once_a_month', nulls_distinct=False)],
            },
        ),
        must_audit("deployments_budget", object_type="budget"),
        migrations.RunSQL(BY_COST, "DROP INDEX public.audit_by_cost"),
    ]
