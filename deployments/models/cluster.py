"""Clusters, their health and the namespaces in which teams may deploy."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from deployments.domain.catalogue import Environment
from deployments.domain.gke.cluster import EndpointKind
from deployments.models.people import Team, slug_validator

PROGRESS_S = 60  # how long a word about a cluster's progress counts when nobody repeats it


class Installation(models.Model):
    """This installation's identity, written on every object it owns in a cluster. One row."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.uuid)


class Cluster(models.Model):
    class Access(models.TextChoices):
        KUBECONFIG = "kubeconfig", "kubeconfig file"
        IN_CLUSTER = "in-cluster", "ServiceAccount of the pod that Barista runs in"
        GKE = "gke", "Google Kubernetes Engine, by project, location and name"

    class Provider(models.TextChoices):
        OTHER = "other", "other"
        GKE = "gke", "Google Kubernetes Engine"

    slug = models.CharField(max_length=40, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=80)
    access = models.CharField(max_length=12, choices=Access, default=Access.KUBECONFIG)
    kubeconfig = models.CharField(
        max_length=500, blank=True, help_text="Path of the file on the workers. Its contents are never stored here."
    )
    context = models.CharField(max_length=200, blank=True, help_text="Empty: the file's current context.")
    provider = models.CharField(max_length=12, choices=Provider, default=Provider.OTHER)
    project = models.CharField(max_length=100, blank=True, help_text="Google Cloud project, for links to its console.")
    location = models.CharField(max_length=60, blank=True, help_text="Google Cloud region or zone.")
    cloud_name = models.CharField(
        max_length=63, blank=True, help_text="Its name in Google Cloud. Empty: the same as its slug."
    )
    endpoint = models.CharField(
        max_length=8,
        choices=[(item.value, item.label) for item in EndpointKind],
        default=EndpointKind.AUTO.value,
        db_default=EndpointKind.AUTO.value,
        help_text="By which of its addresses workers reach a cluster by name.",
    )
    service_account = models.CharField(
        max_length=130,
        blank=True,
        default="",
        db_default="",
        help_text="E-mail of a service account that workers act as in this cluster. Empty: their own identity.",
    )
    is_active = models.BooleanField(default=True, help_text="Off: nothing is applied or watched.")

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class ClusterHealth(models.Model):
    """What workers last saw of a cluster. Machine-written; not audited."""

    class State(models.TextChoices):
        UNKNOWN = "unknown", "not seen yet"
        STARTING = "starting", "starting"
        OK = "ok", "reachable"
        AWAY = "away", "unreachable"
        REFUSED = "refused", "refuses our credentials"

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, primary_key=True, related_name="health")
    state = models.CharField(max_length=12, choices=State, default=State.UNKNOWN)
    since = models.DateTimeField(default=timezone.now)
    last_ok_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    consecutive_failures = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True, help_text="The breaker is open until then: nothing is sent.")
    watched_at = models.DateTimeField(null=True, help_text="When the watch last heard from the cluster.")
    watch_holder = models.CharField(
        max_length=80, blank=True, default="", db_default="", help_text="Which watch process leads here."
    )
    watch_until = models.DateTimeField(null=True, help_text="Until then, unless it says so again.")
    version = models.CharField(max_length=40, blank=True)
    progress = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="What is being done to it before it answers."
    )
    progress_at = models.DateTimeField(null=True, help_text="When that was said; it counts for a minute.")
    measured_at = models.DateTimeField(null=True, help_text="Up to when its pods were measured for their costs.")
    capacity = models.JSONField(default=list, help_text="Nodes by pool: allocatable cpu, memory, GPUs.")
    downscalers = models.JSONField(
        null=True, help_text="Other programs that put workloads to sleep there; not set: nobody has looked yet."
    )
    schedules = models.JSONField(
        null=True, help_text="What such programs were told there, and when that was read; not set: not yet."
    )

    def __str__(self) -> str:
        return f"{self.cluster_id}: {self.state}"


class Namespace(models.Model):
    """A namespace of a cluster that belongs to a team and an environment; nothing is applied elsewhere."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="namespaces")
    name = models.CharField(max_length=63, validators=[slug_validator])
    environment = models.CharField(max_length=8, choices=[(item.value, item.label) for item in Environment])
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="namespaces")

    class Meta:
        ordering = ["cluster", "name"]
        constraints = [models.UniqueConstraint(fields=["cluster", "name"], name="namespace_once_per_cluster")]

    def __str__(self) -> str:
        return f"{self.cluster.slug}/{self.name}"
