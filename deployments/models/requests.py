"""Questions that a page asks the workers: a row is written, a worker answers it, the page polls."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from deployments.models.cluster import Cluster, Namespace
from deployments.models.deployment import Deployment, ServedModel
from deployments.models.people import User


class Answer(models.TextChoices):
    WAITING = "waiting", "waiting for a worker"
    DONE = "done", "answered"
    FAILED = "failed", "failed"


class Proposal(models.Model):
    """A candidate spec with the cluster's verdict on it: reviewed, then applied, sent to a maintainer, or dropped.

    Its id is the idempotency key of the apply: one proposal makes at most one revision.
    """

    class Kind(models.TextChoices):
        CREATE = "create", "new deployment"
        EDIT = "edit", "edit"
        ROLLBACK = "rollback", "roll back"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=12, choices=Kind)
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, null=True, related_name="proposals")
    model = models.ForeignKey(ServedModel, on_delete=models.CASCADE, related_name="+")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=63)
    spec = models.JSONField()
    spec_hash = models.CharField(max_length=64)
    runtime = models.JSONField()
    profile = models.JSONField(null=True)
    based_on = models.PositiveIntegerField(
        default=0, help_text="Number of the revision that the author saw; 0 for none."
    )
    returns_to = models.PositiveIntegerField(null=True)
    promotes = models.JSONField(
        null=True,
        help_text="Of a promotion: deployment and revision taken over, the state then, and why in spite of it.",
    )
    author = models.ForeignKey(User, on_delete=models.CASCADE, related_name="proposals")
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    answer = models.CharField(max_length=8, choices=Answer, default=Answer.WAITING)
    verdict = models.JSONField(default=dict, help_text="What the cluster's dry run said; see deployments/dryrun.py.")
    answered_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True, help_text="When the author sent it to the maintainers.")
    returned_at = models.DateTimeField(null=True, help_text="When a maintainer asked for changes, last.")
    returned_by = models.CharField(max_length=160, blank=True, db_default="")
    returned_note = models.CharField(max_length=500, blank=True, db_default="")
    applied_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.name}"

    @property
    def is_open(self) -> bool:
        return self.applied_at is None and self.dropped_at is None


class LogRequest(models.Model):
    """Log lines of a deployment's pods, fetched by a worker when asked; only its author may read them.

    Asked again, it keeps the lines that it has until newer ones are added (`answered_at` tells from when on).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="log_requests")
    author = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    pod = models.CharField(max_length=253, blank=True, help_text="Empty: all pods, merged by time.")
    container = models.CharField(max_length=63, blank=True)
    previous = models.BooleanField(default=False, help_text="Of the container that ran before the last restart.")
    since_s = models.PositiveIntegerField(default=3600)
    tail = models.PositiveIntegerField(default=500, help_text="Lines of each pod.")
    created_at = models.DateTimeField(default=timezone.now)
    answer = models.CharField(max_length=8, choices=Answer, default=Answer.WAITING)
    answered_at = models.DateTimeField(null=True)
    lines = models.JSONField(default=list, help_text="[instant, pod, container, text] in order of time.")
    problems = models.JSONField(
        default=list, help_text="[pod, what went wrong], for pods whose logs could not be read."
    )
    is_truncated = models.BooleanField(default=False)
    followed_at = models.DateTimeField(null=True, help_text="Since when the page asks for newer lines by itself.")

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"logs of {self.deployment_id}"


class CloudRequest(models.Model):
    """A question about clusters that a worker answers: which a Google project has, or what a connection lacks.

    `result`: of a list {"clusters": [...], "missing": [zones]}; of a check {"steps": [...]}, as `domain.gke.steps`
    writes them. `reason` says why there is none. Kept as long as fetched log lines.
    """

    class Kind(models.TextChoices):
        LIST = "list", "list of a project's clusters"
        CHECK = "check", "check of a connection"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=8, choices=Kind)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, null=True, related_name="+")
    project = models.CharField(max_length=100, blank=True)
    location = models.CharField(max_length=60, blank=True)
    service_account = models.CharField(max_length=130, blank=True)
    author = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    answer = models.CharField(max_length=8, choices=Answer, default=Answer.WAITING)
    answered_at = models.DateTimeField(null=True)
    result = models.JSONField(default=dict)
    reason = models.CharField(max_length=600, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.cluster or self.project}"


class AuditCheck(models.Model):
    """One verification of the log: asked for on its page or by the relay, answered by a worker."""

    created_at = models.DateTimeField(default=timezone.now)
    asked_by = models.CharField(max_length=160)
    answer = models.CharField(max_length=8, choices=Answer, default=Answer.WAITING)
    answered_at = models.DateTimeField(null=True)
    newest = models.BigIntegerField(default=0, help_text="The newest event that was checked.")
    row_hash = models.CharField(max_length=64, blank=True, help_text="Its hash: the anchor, together with the number.")
    findings = models.JSONField(default=list, help_text="A sentence for each problem; none: the log is intact.")

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"check of the audit log up to {self.newest}"

    @property
    def is_intact(self) -> bool:
        return self.answer == Answer.DONE and not self.findings

    @property
    def anchor(self) -> str:
        return f"{self.newest}:{self.row_hash}"
