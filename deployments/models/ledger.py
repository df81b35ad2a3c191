"""What ran and what it cost: intervals that the watch measured, and days that the relay priced. Machine-written."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from deployments.domain.cost.ledger import Asked
from deployments.domain.cost.measuring import Open
from deployments.domain.cost.placed import NodeFacts
from deployments.models.cluster import Cluster
from deployments.models.cost import PriceVersion
from deployments.models.deployment import Deployment
from deployments.models.people import Team


class Source(models.TextChoices):
    WATCH = "watch", "seen by the watch"
    DEMO = "demo", "made for the demo"


class PodTime(models.Model):
    """A pod of ours, what it asked for, and since when. `team` is the one that owned the namespace on that day."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    uid = models.CharField(max_length=64)
    pod = models.CharField(max_length=253)
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    node = models.CharField(max_length=253)
    machine = models.CharField(max_length=63, blank=True)
    pool = models.CharField(max_length=63, blank=True)
    is_spot = models.BooleanField(default=False)
    price_class = models.CharField(max_length=63, blank=True, help_text="Of the hardware profile.")
    millicores = models.BigIntegerField()
    memory = models.BigIntegerField(help_text="Bytes.")
    gpus = models.JSONField(default=list, help_text="(accelerator label, number), as domain.cost.ledger.Asked has it.")
    start = models.DateTimeField()
    is_start_exact = models.BooleanField(default=True)
    source = models.CharField(max_length=5, choices=Source, default=Source.WATCH)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.pod} since {self.start:%Y-%m-%d %H:%M:%S}"

    @property
    def asked(self) -> Asked:
        return Asked(self.millicores, self.memory, tuple((str(label), int(count)) for label, count in self.gpus))


class OpenPod(PodTime):
    """A pod that was there when the watch last looked: charged in PodInterval up to `start`, not yet since."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cluster", "uid"], name="pod_open_once")]
        indexes = [models.Index(fields=["deployment"], name="open_pod_of_deployment")]

    @property
    def facts(self) -> tuple[object, ...]:
        """What a change of closes a piece."""
        return (self.node, self.machine, self.pool, self.is_spot, self.asked)

    @property
    def as_open(self) -> Open[tuple[object, ...]]:
        return Open(start=self.start, facts=self.facts, is_start_exact=self.is_start_exact)


class PodInterval(PodTime):
    """Time of a pod within one day of UTC, in which it asked for the same. Rows are added and never changed."""

    day = models.DateField()
    end = models.DateTimeField()
    is_end_exact = models.BooleanField(default=True)
    end_by = models.DateTimeField(null=True, help_text="Where the end was not seen: when it was first missing.")
    made_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "uid", "start"], name="pod_time_once"),
            models.CheckConstraint(condition=models.Q(end__gt=models.F("start")), name="pod_time_passes"),
        ]
        indexes = [
            models.Index(fields=["deployment", "day"], name="pod_time_of_deployment"),
            models.Index(fields=["cluster", "day"], name="pod_time_of_cluster"),
        ]


class NodeTime(models.Model):
    """A node: its shape and labels, and what pods that are not Barista's asked for on it."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    uid = models.CharField(max_length=64)
    node = models.CharField(max_length=253)
    machine = models.CharField(max_length=63, blank=True)
    pool = models.CharField(max_length=63, blank=True)
    gpu = models.CharField(max_length=63, blank=True)
    is_spot = models.BooleanField(default=False)
    labels = models.JSONField(default=list, help_text="(label, value) of those that a price depends on.")
    millicores = models.BigIntegerField()
    memory = models.BigIntegerField(help_text="Bytes.")
    gpus = models.JSONField(default=list)
    others_millicores = models.BigIntegerField(default=0)
    others_memory = models.BigIntegerField(default=0)
    others_gpus = models.JSONField(default=list)
    start = models.DateTimeField()
    is_start_exact = models.BooleanField(default=True)
    source = models.CharField(max_length=5, choices=Source, default=Source.WATCH)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.node} since {self.start:%Y-%m-%d %H:%M:%S}"

    @property
    def to_facts(self) -> NodeFacts:
        return NodeFacts(
            size=Asked(self.millicores, self.memory, tuple((str(label), int(count)) for label, count in self.gpus)),
            machine=self.machine,
            pool=self.pool,
            gpu=self.gpu,
            is_spot=self.is_spot,
            labels=tuple((str(name), str(value)) for name, value in self.labels),
        )

    @property
    def others(self) -> Asked:
        gpus = tuple((str(label), int(count)) for label, count in self.others_gpus)
        return Asked(self.others_millicores, self.others_memory, gpus)


class OpenNode(NodeTime):
    """A node that was in the last list."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cluster", "uid"], name="node_open_once")]

    @property
    def facts(self) -> tuple[object, ...]:
        return (self.to_facts, self.others)

    @property
    def as_open(self) -> Open[tuple[object, ...]]:
        return Open(start=self.start, facts=self.facts, is_start_exact=self.is_start_exact)


class NodeInterval(NodeTime):
    """Time of a node within one day of UTC, in which its shape and what others asked for stayed the same."""

    day = models.DateField()
    end = models.DateTimeField()
    is_end_exact = models.BooleanField(default=True)
    end_by = models.DateTimeField(null=True)
    made_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "uid", "start"], name="node_time_once"),
            models.CheckConstraint(condition=models.Q(end__gt=models.F("start")), name="node_time_passes"),
        ]
        indexes = [models.Index(fields=["cluster", "day"], name="node_time_of_cluster")]


class CostDue(models.Model):
    """A day that has to be priced (again): of a deployment, or of all nodes of the cluster."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, null=True, related_name="+")
    day = models.DateField()
    since = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "deployment", "day"], name="cost_due_once", nulls_distinct=False)
        ]
        indexes = [models.Index(fields=["since", "id"], name="cost_due_oldest")]

    def __str__(self) -> str:
        return f"{self.deployment_id or self.cluster_id} on {self.day}"


class ClosedMonth(models.Model):
    """From here on the days of a month stand; what changes is booked later, as an adjustment. `month` is its first."""

    month = models.DateField(primary_key=True)
    closed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class CostDay(models.Model):
    """What a deployment's pods of a day came to by one price version and class.

    Amounts are unknown together, with the `reason`. An adjustment is booked on `day` and corrects `adjusts`, a day of a
    closed month: it holds the difference.
    """

    day = models.DateField()
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="cost_days")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    adjusts = models.DateField(null=True)
    version = models.ForeignKey(PriceVersion, on_delete=models.PROTECT, null=True, related_name="+")
    price_class = models.CharField(max_length=80, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    pod_hours = models.DecimalField(max_digits=20, decimal_places=9)
    cpu_hours = models.DecimalField(max_digits=20, decimal_places=9)
    memory_hours = models.DecimalField(max_digits=20, decimal_places=9, help_text="GiB hours.")
    gpu_hours = models.JSONField(default=dict, help_text="By accelerator label.")
    cpu = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    memory = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    gpu = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    amount = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    reason = models.CharField(max_length=300, blank=True)
    pods = models.PositiveIntegerField(default=0)
    is_exact = models.BooleanField(default=True)
    source = models.CharField(max_length=5, choices=Source, default=Source.WATCH)
    priced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(amount=None, reason__gt="") | models.Q(amount__isnull=False, reason=""),
                name="cost_day_known_or_why",
            )
        ]
        indexes = [
            models.Index(fields=["deployment", "day"], name="cost_day_of_deployment"),
            models.Index(fields=["day", "team", "deployment"], include=["amount", "currency"], name="cost_day_in_sums"),
        ]

    def __str__(self) -> str:
        return f"{self.deployment_id} on {self.day}"


class NodeDay(models.Model):
    """What a node of a day came to, and who asked for it. The four are unknown together, with the `reason`."""

    day = models.DateField()
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="node_days")
    node = models.CharField(max_length=253)
    machine = models.CharField(max_length=63, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    hours = models.DecimalField(max_digits=20, decimal_places=9)
    total = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    ours = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    others = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    idle = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    reason = models.CharField(max_length=300, blank=True)
    shares = models.JSONField(default=dict, help_text="Of `ours`, by the key of the deployment.")
    is_over = models.BooleanField(default=False, help_text="Pods asked for more than there is and share it.")
    source = models.CharField(max_length=5, choices=Source, default=Source.WATCH)
    priced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cluster", "day", "node"], name="node_day_once")]

    def __str__(self) -> str:
        return f"{self.node} on {self.day}"
