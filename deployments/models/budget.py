"""Limits of what a team, a model, a deployment or an environment may cost in a month."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from deployments.domain.catalogue import Environment
from deployments.domain.cost.budgets import Limits
from deployments.models.deployment import Deployment, ServedModel
from deployments.models.people import Team, User


class BudgetQuerySet(models.QuerySet["Budget"]):
    def visible_to(self, user: User) -> Self:
        """Those of the user's teams; all, with those of whole environments, for platform admins and auditors."""
        return self if user.sees_everything else self.filter(team_id__in=list(user.roles))

    def covering(self, deployment: Deployment) -> Self:
        """Whatever the month; needs its namespace. A deployment that is not saved yet is covered too."""
        place = deployment.namespace
        anywhere = Q(model=None, deployment=None)
        return self.filter(
            Q(deployment_id=deployment.pk, deployment__isnull=False)
            | Q(model_id=deployment.model_id)
            | anywhere & Q(team_id=place.team_id, environment__in=["", place.environment])
            | anywhere & Q(team=None, environment=place.environment)
        )

    def related(self) -> Self:
        return self.select_related("team", "model", "deployment__namespace")


class Budget(models.Model):
    """What is covered: one deployment, one model, a team (in one environment or all), or an environment of all teams.

    `team` owns it, also where it is of a model or a deployment; an environment's has none and is the platform team's.
    A row with a month stands in for the one of every month.
    """

    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="budgets")
    environment = models.CharField(max_length=8, blank=True, choices=[(item.value, item.label) for item in Environment])
    model = models.ForeignKey(ServedModel, on_delete=models.PROTECT, null=True, blank=True, related_name="budgets")
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, null=True, blank=True, related_name="budgets")
    month = models.DateField(null=True, blank=True, help_text="The first day of the month; empty: every month.")
    currency = models.CharField(max_length=3, default="USD", help_text="Three capitals, like USD.")
    soft = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="A forecast above it is told to people."
    )
    hard = models.DecimalField(
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="A change that takes the forecast above it needs a maintainer's reason.",
    )
    told = models.CharField(
        max_length=500, blank=True, help_text="User names besides the team's maintainers, with commas between them."
    )
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=120, blank=True)

    objects = BudgetQuerySet.as_manager()

    class Meta:
        ordering = ["team__name", "environment", "pk"]
        constraints = [
            models.CheckConstraint(
                name="budget_of_one_thing",
                condition=Q(team__isnull=False, environment="", model__isnull=False, deployment=None)
                | Q(team__isnull=False, environment="", model=None, deployment__isnull=False)
                | Q(team__isnull=False, model=None, deployment=None)
                | (Q(team=None, model=None, deployment=None) & ~Q(environment="")),
            ),
            models.CheckConstraint(
                name="budget_has_a_limit",
                condition=(Q(soft__isnull=False) | Q(hard__isnull=False))
                & (Q(soft=None) | Q(soft__gte=0))
                & (Q(hard=None) | Q(hard__gte=0))
                & (Q(soft=None) | Q(hard=None) | Q(soft__lte=F("hard"))),
            ),
            models.UniqueConstraint(
                fields=["team", "environment", "model", "deployment", "month"],
                name="budget_once_a_month",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.covers}{f', {self.month:%B %Y}' if self.month else ''}"

    @property
    def covers(self) -> str:
        """ "team Vision in dev", "model ranker", "deployment ranker in vision-dev", "prod of all teams" """
        if self.deployment is not None:
            return f"deployment {self.deployment.name} in {self.deployment.namespace.name}"
        if self.model is not None:
            return f"model {self.model.name}"
        if self.team is not None:
            return f"team {self.team.name}{f' in {self.environment}' if self.environment else ''}"
        return f"{self.environment} of all teams"

    @property
    def scope(self) -> tuple[object, ...]:
        """Equal for rows that stand in for each other."""
        return self.team_id, self.environment, self.model_id, self.deployment_id

    @property
    def limits(self) -> Limits:
        return Limits(currency=self.currency, soft=self.soft, hard=self.hard)

    @property
    def told_names(self) -> list[str]:
        return [name for name in (part.strip() for part in self.told.split(",")) if name]

    def holds_in(self, month: date) -> bool:
        return self.month is None or self.month == month

    def covered(self) -> Q:
        """Deployments whose cost counts."""
        if self.deployment_id:
            return Q(pk=self.deployment_id)
        if self.model_id:
            return Q(model_id=self.model_id)
        found = Q(namespace__environment=self.environment) if self.environment else Q()
        return found & Q(namespace__team_id=self.team_id) if self.team_id else found
