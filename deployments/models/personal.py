"""What people keep for themselves, and their sign-offs of the audit."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from deployments.models.deployment import Deployment
from deployments.models.people import User


class Draft(models.Model):
    """What was typed into the form of a spec and not yet proposed; survives a lost session."""

    NEW = "new"  # the key of a deployment that does not exist yet

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="drafts")
    key = models.CharField(max_length=200, help_text="Slug of the deployment, or `new`.")
    data = models.JSONField(help_text="The form's fields as they were posted: lists of strings by name.")
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="draft_once")]

    def __str__(self) -> str:
        return f"draft of {self.key}"


class SavedView(models.Model):
    """A named set of filters of the fleet page."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=500, help_text="The page's query string.")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="saved_view_once")]

    def __str__(self) -> str:
        return self.name


class AuditReview(models.Model):
    """A sign-off of one audit event. Append-only; the event itself is never touched."""

    class Verdict(models.TextChoices):
        FINE = "fine", "looked at, fine"
        CONCERN = "concern", "needs a closer look"

    seq = models.BigIntegerField(db_index=True, help_text="The audit event's number.")
    reviewer_id = models.BigIntegerField()
    reviewer_name = models.CharField(max_length=120)
    verdict = models.CharField(max_length=8, choices=Verdict)
    note = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.seq}: {self.verdict}"


class UsageSample(models.Model):
    """CPU and memory that a deployment's pods used, every few minutes; kept for 7 days."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="usage_samples")
    at = models.DateTimeField()
    cpu_m = models.PositiveIntegerField(help_text="Millicores, all pods together.")
    memory = models.BigIntegerField(help_text="Bytes, all pods together.")
    pods = models.PositiveIntegerField(help_text="Pods measured.")

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["deployment", "at"], name="usage_once")]

    def __str__(self) -> str:
        return f"{self.deployment_id} at {self.at}"
