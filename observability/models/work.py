"""What people ask of the importer, and what it noticed: backfills, samples, findings."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from deployments.models.deployment import Deployment
from deployments.models.people import User
from deployments.models.requests import Answer
from observability.models.source import LogSource, SourceSpec


class Backfill(models.Model):
    """A person wants a range of time read (again); progress is written by workers."""

    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, related_name="backfills")
    since = models.DateTimeField()
    until = models.DateTimeField()
    spec = models.ForeignKey(SourceSpec, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=120)
    reason = models.CharField(max_length=300, blank=True)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=120, blank=True)
    listed_at = models.DateTimeField(null=True, help_text="When all its objects were found.")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    objects_all = models.PositiveIntegerField(default=0)
    objects_done = models.PositiveIntegerField(default=0)
    bytes_all = models.BigIntegerField(default=0)
    bytes_done = models.BigIntegerField(default=0)
    rows_done = models.BigIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(name="backfill_range", condition=Q(until__gt=F("since"))),
            models.UniqueConstraint(
                fields=["source"], condition=Q(finished_at=None, cancelled_at=None), name="one_backfill_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"backfill of {self.source_id}"

    @property
    def is_running(self) -> bool:
        return self.finished_at is None and self.cancelled_at is None


class SampleRequest(models.Model):
    """A question of the source form that a worker answers from the store; the page polls. Kept for a day.

    `question`: {"root": id, "location", "format", "marker", "max_object_bytes"}; for a dry run also what the form says
    of "spec", "columns", "sensitive", "window", "zone", "lateness_s", "retention_d". `result` as
    observability.ingest.answers describes it; `reason` says what went wrong.
    """

    class Kind(models.TextChoices):
        PROPOSE = "propose", "read a sample and propose"
        DRY_RUN = "dry-run", "dry run"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="+")
    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, null=True, related_name="+")
    author = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    question = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    answer = models.CharField(max_length=8, choices=Answer, default=Answer.WAITING)
    answered_at = models.DateTimeField(null=True)
    progress = models.CharField(max_length=200, blank=True)
    result = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.deployment_id}"


class SourceFinding(models.Model):
    """Something about a source's data that is not as its spec says; open until `closed_at`. Machine-written."""

    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, related_name="findings")
    name = models.CharField(max_length=40, help_text="missing_column, renamed_column, retyped_column, new_column, ...")
    column = models.CharField(max_length=512, blank=True)
    reason = models.CharField(max_length=500)
    uri = models.CharField(max_length=1100, blank=True, help_text="The first object that showed it.")
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    count = models.PositiveIntegerField(default=1, help_text="Objects that showed it.")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-last_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "name", "column"], condition=Q(closed_at=None), name="open_finding_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.source_id}"
