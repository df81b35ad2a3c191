"""The audit log: append-only, hash-chained, enforced by the database (migrations/0002_audit.py)."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils import timezone

from deployments.domain.text.naming import signed_name
from deployments.models.people import User


class AuditQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: User) -> Self:
        """Those of the user's teams and the user's own; all for platform admins and auditors."""
        if user.sees_everything:
            return self
        return self.filter(models.Q(team_id__in=list(user.roles)) | models.Q(actor_id=user.pk))


class AuditEvent(models.Model):
    """Who did what to what, why, and what it was before. Names are stored as they were; there are no foreign keys.

    `seq`, `at`, `txid`, `prev_hash` and `row_hash` are set by a trigger, whatever is sent.
    """

    seq = models.BigIntegerField(unique=True, editable=False, default=0)
    at = models.DateTimeField(editable=False, null=True)
    txid = models.BigIntegerField(editable=False, default=0)
    prev_hash = models.CharField(max_length=64, editable=False, default="")
    row_hash = models.CharField(max_length=64, editable=False, default="")

    kind = models.CharField(max_length=48, help_text="noun.verbed, like revision.saved")
    was_allowed = models.BooleanField(default=True, help_text="Off: it was tried and refused.")
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=120)
    actor_username = models.CharField(max_length=64, blank=True, default="", db_default="")
    via = models.CharField(max_length=16, help_text="web, admin, worker, command")
    request_id = models.CharField(max_length=64, blank=True)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    object_name = models.CharField(max_length=253)
    deployment_id = models.BigIntegerField(null=True)
    team_id = models.BigIntegerField(null=True)
    team_name = models.CharField(max_length=80, blank=True)
    environment = models.CharField(max_length=8, blank=True)
    cluster_name = models.CharField(max_length=80, blank=True)
    note = models.CharField(max_length=500, blank=True)
    changes = models.JSONField(default=list, help_text="[{path, label, before, after}] of the changed fields, as text.")
    facts = models.JSONField(default=dict, help_text="What the sentence needs: revision numbers, roles, names.")

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-seq"]
        indexes = [
            models.Index(fields=["deployment_id", "-seq"]),
            models.Index(fields=["team_id", "-seq"]),
            models.Index(fields=["actor_id", "-seq"]),
            models.Index(fields=["txid", "object_type", "object_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"

    @property
    def who(self) -> str:
        """The name of that time with the user name, which nobody else can have; older events hold only the id."""
        if self.actor_id is None:
            return self.actor_name
        return signed_name(self.actor_name, self.actor_username or f"user {self.actor_id}")


class RefusedTries(models.Model):
    """How often a person was refused in one hour; beyond a number of them they are counted here and nowhere else."""

    actor_id = models.BigIntegerField()
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["actor_id", "hour"], name="refused_tries_once")]

    def __str__(self) -> str:
        return f"{self.count} by {self.actor_id}"


class AuditReview(models.Model):
    """A sign-off of one audit event. Append-only; the event itself is never touched."""

    class Finding(models.TextChoices):
        FINE = "fine", "looked at, fine"
        CONCERN = "concern", "needs follow-up"

    seq = models.BigIntegerField(db_index=True, help_text="The audit event's number.")
    reviewer_id = models.BigIntegerField()
    reviewer_name = models.CharField(max_length=120)
    verdict = models.CharField(max_length=8, choices=Finding)
    note = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"entry {self.seq}"
