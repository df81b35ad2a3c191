"""What the clusters said, and when. Machine-written, never intent, not audited."""

from __future__ import annotations

from typing import Any

from django.db import models

from deployments.domain.status.states import State
from deployments.models.cluster import Cluster
from deployments.models.deployment import Deployment


class Observation(models.Model):
    """The newest view of one deployment. Late answers never overwrite newer ones: compare observed_at.

    Beside objects the view holds `events`: what was last told of each pod and why (observe.store.Store.put_event).
    """

    deployment = models.OneToOneField(
        Deployment, on_delete=models.CASCADE, primary_key=True, related_name="observation"
    )
    observed_at = models.DateTimeField(null=True)
    state = models.CharField(
        max_length=24, choices=[(item.value, item.label) for item in State], default=State.UNKNOWN.value
    )
    severity = models.PositiveSmallIntegerField(default=0, help_text="For sorting, worst first: higher is worse.")
    sentence = models.CharField(max_length=500, blank=True)
    why = models.CharField(max_length=1000, blank=True)
    next_action = models.CharField(max_length=24, blank=True)
    worst_pod = models.CharField(max_length=253, blank=True)
    since = models.DateTimeField(null=True)
    ready = models.PositiveIntegerField(default=0)
    desired = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    view = models.JSONField(
        default=dict,
        help_text="Objects as the apiserver returned them, without managedFields: deployment, replicasets, pods, "
        "service, ingress, pdb. Written only when a page would show a difference.",
    )
    figures = models.JSONField(
        default=dict,
        db_default=models.Value({}, output_field=models.JSONField()),
        help_text="What moves all the time, apart from the large view: usage and hpa.",
    )

    def __str__(self) -> str:
        return f"{self.deployment_id}: {self.state}"

    @property
    def shown(self) -> dict[str, Any]:
        """The view with its figures, as ClusterView reads it."""
        shown: dict[str, Any] = self.view | self.figures
        return shown


class ClusterEvent(models.Model):
    """A Kubernetes Event of an object that we own; kept after the cluster forgets it."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="events")
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="events")
    uid = models.CharField(max_length=64)
    object_kind = models.CharField(max_length=40)
    object_name = models.CharField(max_length=253)
    type = models.CharField(max_length=20)
    reason = models.CharField(max_length=128)
    message = models.TextField()
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_at"]
        constraints = [models.UniqueConstraint(fields=["cluster", "uid"], name="event_once_per_cluster")]
        indexes = [models.Index(fields=["deployment", "-last_at"])]

    def __str__(self) -> str:
        return f"{self.reason} {self.object_kind}/{self.object_name}"


class Rollout(models.Model):
    """When a revision was saved, applied, started and ready; kept after the cluster forgets."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="rollouts")
    revision = models.PositiveIntegerField()
    saved_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    first_pod_at = models.DateTimeField(null=True)
    first_ready_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    stalled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-revision"]
        constraints = [models.UniqueConstraint(fields=["deployment", "revision"], name="rollout_once_per_revision")]

    def __str__(self) -> str:
        return f"{self.deployment_id} revision {self.revision}"


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
