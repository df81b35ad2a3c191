"""What people decide about a log: what it is compared with, by which rules, and what happened outside of Barista."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from deployments.models.deployment import Deployment
from observability.domain.results.baselines import Choice, How
from observability.models.source import LogSource


class Baseline(models.Model):
    """What windows of a source are compared with; the newest row decides, without one it is How.PREVIOUS.

    `since` and `until` for How.RANGE; `days` for How.TRAILING; `profile` holds the bytes of an uploaded profile.
    """

    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, related_name="baselines")
    how = models.CharField(max_length=10, choices=[(item.value, item.label) for item in How])
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    days = models.PositiveSmallIntegerField(default=14)
    model_version = models.CharField(max_length=200, blank=True, help_text="Only rows of this one. Empty: all.")
    profile = models.BinaryField(null=True)
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="baseline_range",
                condition=~Q(how="range") | Q(since__isnull=False, until__gt=F("since")),
            )
        ]

    def __str__(self) -> str:
        return f"baseline of {self.source_id}"

    @property
    def deployment(self) -> Deployment:
        return self.source.deployment

    def to_choice(self) -> Choice:
        return Choice(
            how=How(self.how),
            since=int(self.since.timestamp()) if self.since else None,
            until=int(self.until.timestamp()) if self.until else None,
            days=self.days,
            version=self.model_version,
        )


class SourceRules(models.Model):
    """The rules of a source's verdicts, as domain.results.rules reads them; without a row the defaults."""

    source = models.OneToOneField(LogSource, on_delete=models.CASCADE, primary_key=True, related_name="rules")
    rules = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=120, blank=True)

    def __str__(self) -> str:
        return f"rules of {self.source_id}"

    @property
    def deployment(self) -> Deployment:
        return self.source.deployment


class ChangeEvent(models.Model):
    """Something outside of Barista that may move data: posted by a person or by CI, marked on charts like revisions."""

    class Kind(models.TextChoices):
        CAMPAIGN = "campaign", "campaign"
        UPSTREAM = "upstream", "upstream release"
        EXPERIMENT = "experiment", "experiment"
        INCIDENT = "incident", "incident"
        OTHER = "other", "other"

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="change_events")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.OTHER)
    title = models.CharField(max_length=120)
    occurred_at = models.DateTimeField(help_text="When it happened, which may be long before it is told.")
    link = models.URLField(max_length=500, blank=True)
    posted_at = models.DateTimeField(default=timezone.now)
    posted_by = models.CharField(max_length=120)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-occurred_at"]
        indexes = [models.Index(fields=["deployment", "-occurred_at"], name="change_events_newest")]

    def __str__(self) -> str:
        return self.title

    def facts(self) -> dict[str, Any]:
        return {"kind": self.kind, "occurred_at": self.occurred_at.isoformat(), "link": self.link}
