"""When deployments sleep: schedules at four layers, keep-awakes, open and past sleeps, decisions as they were made."""

from __future__ import annotations

from datetime import datetime

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from deployments.domain.sleep.plan.cases import Answer, Hold, Record
from deployments.domain.sleep.schedule.decisions import Decision
from deployments.domain.sleep.schedule.history import from_json
from deployments.domain.sleep.schedule.windows import Schedule, WakeOrder, Window
from deployments.models.cluster import Cluster
from deployments.models.layers import ENVIRONMENTS, OfLayer
from deployments.models.people import Team

LONGEST_GRACE_MINUTES = 240


class SleepSchedule(OfLayer, models.Model):
    """The weekly windows of one layer; the nearest layer of a deployment that has a row decides.

    In production only a deployment's own row counts, and only with `allowed_by`.
    """

    deployment = models.OneToOneField(
        "Deployment", on_delete=models.PROTECT, null=True, blank=True, related_name="sleep_schedule"
    )
    team = models.OneToOneField(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="sleep_schedule")
    environment = models.CharField(max_length=8, blank=True, choices=ENVIRONMENTS)
    cluster = models.OneToOneField(
        Cluster, on_delete=models.PROTECT, null=True, blank=True, related_name="sleep_schedule"
    )
    zone = models.CharField(max_length=60, help_text="IANA time zone, like Europe/Berlin.")
    windows = models.TextField(blank=True, help_text="One a line, like: Fri 20:00 -> Mon 07:30. Empty: awake all week.")
    target = models.PositiveIntegerField(default=0, help_text="Replicas while asleep.")
    priority = models.CharField(
        max_length=8, choices=[(item.value, item.value) for item in WakeOrder], default=WakeOrder.NORMAL.value
    )
    wake_to = models.PositiveIntegerField(
        null=True, blank=True, help_text="Replicas to wake to, without an autoscaler; empty: to what it was."
    )
    lead_minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="Minutes that waking starts early; empty: the p90 of its last 20 wakes."
    )
    grace_minutes = models.PositiveIntegerField(
        default=0,
        db_default=0,
        validators=[MaxValueValidator(LONGEST_GRACE_MINUTES)],
        help_text="Minutes after a deploy in which it does not fall asleep; at most 240.",
    )
    is_mirrored = models.BooleanField(
        "written as annotations too",
        default=False,
        db_default=False,
        help_text="As kube-downscaler, Python or Go, reads them: it would go by them if it ran on the cluster.",
    )
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=120, blank=True)
    allowed_by = models.CharField(max_length=120, blank=True, help_text="Who allowed it in production.")
    allowed_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="sleep_schedule_of_one_layer",
                condition=Q(deployment__isnull=False, team=None, cluster=None, environment="")
                | Q(deployment=None, team__isnull=False, cluster=None, environment="")
                | Q(deployment=None, team=None, cluster__isnull=False, environment="")
                | (Q(deployment=None, team=None, cluster=None) & ~Q(environment="")),
            ),
            models.UniqueConstraint(
                fields=["environment"], condition=~Q(environment=""), name="sleep_schedule_once_per_environment"
            ),
        ]

    def __str__(self) -> str:
        return f"Sleep of {self.level.value} {self.layer_name}"

    def to_schedule(self) -> Schedule:
        """Raises `ValueError` when the row holds what the parser refuses, as after a change of the pinned zones."""
        return Schedule(
            key=str(self.pk),
            version=self.version,
            name=f"{self.level.value} schedule",
            zone=self.zone,
            windows=tuple(Window.parse(line) for line in self.windows.splitlines() if line.strip()),
            target=self.target,
            wake_to=self.wake_to,
            lead_minutes=self.lead_minutes,
            order=WakeOrder(self.priority),
        )


class KeepAwake(models.Model):
    """Somebody wants it awake until then. It always ends by itself; `ended_at` is when somebody ended it before."""

    deployment = models.ForeignKey("Deployment", on_delete=models.CASCADE, related_name="keep_awakes")
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()
    by = models.CharField(max_length=120)
    reason = models.CharField(max_length=300)
    ended_at = models.DateTimeField(null=True)
    counted_at = models.DateTimeField(null=True, help_text="When what it gave up was counted to its end.")

    class Meta:
        ordering = ["-since"]
        constraints = [models.CheckConstraint(name="keep_awake_ends", condition=Q(until__gt=models.F("since")))]

    def __str__(self) -> str:
        return f"keep-awake of {self.deployment_id}"


class SleepRecord(models.Model):
    """One sleep, stored before anything is scaled. What is saved never changes; `closed_at` None: it is open."""

    deployment = models.ForeignKey("Deployment", on_delete=models.CASCADE, related_name="sleep_records")
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, help_text="When the wake is due, as known when last renewed.")
    target = models.PositiveIntegerField()
    saved_replicas = models.PositiveIntegerField()
    saved_minimum = models.PositiveIntegerField(null=True, help_text="The autoscaler's; empty: there was none.")
    spec_replicas = models.PositiveIntegerField(help_text="What the spec said when it fell asleep.")
    generation = models.PositiveIntegerField(help_text="Of the intent that fell asleep, or that wakes.")
    words = models.CharField(max_length=300, help_text="Why it sleeps.")
    reached_at = models.DateTimeField(null=True)
    wake_started_at = models.DateTimeField(null=True)
    wake_due_at = models.DateTimeField(null=True)
    wake_words = models.CharField(max_length=300, blank=True, help_text="Why it wakes.")
    hold_since = models.DateTimeField(null=True, help_text="When somebody was seen to have scaled it while asleep.")
    hold_replicas = models.PositiveIntegerField(null=True)
    hold_writer = models.CharField(max_length=120, blank=True, db_default="")
    hold_answer = models.CharField(max_length=8, blank=True, db_default="", help_text="adopt, restore, or none yet.")
    flips = models.JSONField(
        default=list,
        db_default=models.Value([], output_field=models.JSONField()),
        help_text="When a change of another machine was put back: ISO 8601.",
    )
    conflict_at = models.DateTimeField(null=True, help_text="When Barista stopped putting it back.")
    wake_failed_at = models.DateTimeField(null=True, help_text="When it was seen not to be Ready in time.")
    wake_problem = models.CharField(max_length=500, blank=True, db_default="", help_text="Why, as the cluster says.")
    wake_retries = models.PositiveIntegerField(default=0, db_default=0)
    wake_retried_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(fields=["deployment"], condition=Q(closed_at=None), name="one_open_sleep")
        ]

    def __str__(self) -> str:
        return f"sleep of {self.deployment_id}"

    @property
    def is_waking(self) -> bool:
        return self.wake_started_at is not None

    @property
    def hold(self) -> Hold | None:
        if self.hold_since is None:
            return None
        answer = Answer(self.hold_answer)
        return Hold(since=self.hold_since, replicas=self.hold_replicas or 0, writer=self.hold_writer, answer=answer)

    @property
    def conflict(self) -> Hold | None:
        return self.hold if self.conflict_at is not None else None

    def to_record(self, *, written_at: datetime | None = None) -> Record:
        """For the plan; `written_at` is when the cluster accepted the newest intent, None: not yet."""
        return Record(
            opened_at=self.opened_at,
            due_at=self.due_at,
            target=self.target,
            saved_replicas=self.saved_replicas,
            saved_minimum=self.saved_minimum,
            spec_replicas=self.spec_replicas,
            written_at=self.opened_at if self.is_waking else written_at,
            reached_at=self.reached_at,
            hold=self.hold,
            flips=tuple(datetime.fromisoformat(at) for at in self.flips),
            wake_started_at=self.wake_started_at,
            wake_due_at=self.wake_due_at,
            wake_written_at=written_at if self.is_waking else None,
        )


class SleepDecision(models.Model):
    """What was decided from `at` on, with what it was decided from, in words that outlive schedules."""

    deployment = models.ForeignKey("Deployment", on_delete=models.CASCADE, related_name="sleep_decisions")
    at = models.DateTimeField()
    decision = models.JSONField()

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["deployment", "-at"], name="sleep_decision_newest")]

    def __str__(self) -> str:
        return f"sleep decision for {self.deployment_id}"

    def to_decision(self) -> Decision:
        return from_json(self.decision)
