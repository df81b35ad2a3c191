"""Models, their deployments and the revisions of those. A row here is intent: saving it asks for the deploy."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from deployments.domain import catalogue
from deployments.domain.catalogue import Environment, ModelType
from deployments.domain.changes.drift import REPLICAS_PATH, DriftItem, digest_of
from deployments.domain.changes.held import HeldField
from deployments.domain.sleep.plan.cases import Record
from deployments.domain.spec.spec import Spec
from deployments.domain.status.states import Phase
from deployments.models.cluster import Namespace
from deployments.models.people import Team, User, slug_validator
from deployments.models.sleep import SleepRecord


class ServedModel(models.Model):
    """A model that a team owns; deployments serve it."""

    slug = models.CharField(max_length=63, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=120)
    type = models.CharField(max_length=24, choices=[(item.value, item.label) for item in ModelType])
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="models")
    description = models.TextField(blank=True)

    class Meta:
        ordering = ["slug"]
        verbose_name = "model"

    def __str__(self) -> str:
        return self.name


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def visible_to(self, user: User) -> Self:
        """Those of the user's teams; all for platform admins and auditors."""
        return self if user.sees_everything else self.filter(namespace__team_id__in=list(user.roles))

    def live(self) -> Self:
        return self.filter(retired_at=None)

    def related(self) -> Self:
        """With everything a page about a deployment shows of other tables."""
        return self.select_related(
            "model", "namespace__team", "namespace__cluster__health", "current", "state", "observation", "sleep"
        )


class Deployment(models.Model):
    """One model served in one namespace of one cluster. Changing it takes an audit event in the same transaction."""

    slug = models.CharField(max_length=180, unique=True, help_text="cluster.namespace.name, as in the page's address")
    name = models.CharField(max_length=63, validators=[slug_validator])
    model = models.ForeignKey(ServedModel, on_delete=models.PROTECT, related_name="deployments")
    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="deployments")
    current = models.ForeignKey("Revision", on_delete=models.PROTECT, null=True, related_name="+")
    generation = models.PositiveIntegerField(default=0, help_text="Grows with every change of intent.")
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now, help_text="When intent last changed.")
    changed_by = models.CharField(max_length=120, blank=True)
    changed_what = models.CharField(max_length=200, blank=True, help_text="The last change in a few words.")
    restarted_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    paused_reason = models.CharField(max_length=300, blank=True)
    paused_by = models.CharField(max_length=120, blank=True)
    retired_at = models.DateTimeField(null=True)
    sleep = models.ForeignKey(
        SleepRecord, on_delete=models.SET_NULL, null=True, related_name="+", help_text="Its last sleep."
    )
    mirrored = models.JSONField(
        default=dict,
        db_default=models.Value({}, output_field=models.JSONField()),
        help_text="Annotations of kube-downscaler that say its schedule in the cluster; empty: not asked for.",
    )
    force_generation = models.PositiveIntegerField(
        default=0, help_text="A maintainer chose to take over conflicting fields, for this generation only."
    )
    settle_asked_at = models.DateTimeField(
        null=True, help_text="When somebody asked to have conflicting fields resolved."
    )
    settle_asked_by = models.CharField(max_length=120, blank=True, db_default="")
    left_drift = models.CharField(max_length=64, blank=True, db_default="", help_text="Digest of what was left.")
    left_until = models.DateTimeField(null=True)
    left_by = models.CharField(max_length=120, blank=True, db_default="")
    left_why = models.CharField(max_length=500, blank=True, db_default="")

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        constraints = [models.UniqueConstraint(fields=["namespace", "name"], name="name_once_per_namespace")]

    def __str__(self) -> str:
        return self.name

    @property
    def team(self) -> Team:
        return self.namespace.team

    @property
    def environment(self) -> Environment:
        return Environment(self.namespace.environment)

    @property
    def is_paused(self) -> bool:
        return self.paused_at is not None

    @property
    def is_retired(self) -> bool:
        return self.retired_at is not None

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for what others hold to be settled, and some of what was there then still is."""
        asked_at = self.settle_asked_at
        return asked_at is not None and any(item.at is None or item.at <= asked_at for item in self.state.held)

    @property
    def is_left(self) -> bool:
        """Whether somebody chose to leave what others changed as it is, and it is still that and nothing more."""
        drift = self.state.drifted
        is_in_time = self.left_until is not None and self.left_until > timezone.now()
        return is_in_time and bool(drift) and self.left_drift == digest_of(drift)

    @property
    def open_sleep(self) -> SleepRecord | None:
        """The sleep that has begun and not ended: asleep, or on the way out of it."""
        return self.sleep if self.sleep is not None and self.sleep.closed_at is None else None

    @property
    def sleep_for_plan(self) -> Record | None:
        """The open sleep as the numbers of replicas depend on it."""
        return self.open_sleep.to_record() if self.open_sleep is not None else None


class DeploymentState(models.Model):
    """How far the machine is with the intent. Written by the relay and the workers; not audited."""

    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, primary_key=True, related_name="state")
    phase = models.CharField(
        max_length=16, choices=[(item.value, item.label) for item in Phase], default=Phase.SAVED.value
    )
    observed_generation = models.PositiveIntegerField(default=0, help_text="The generation the cluster has accepted.")
    applied_at = models.DateTimeField(null=True)
    applied_revision = models.PositiveIntegerField(null=True)
    applied_hash = models.CharField(max_length=64, blank=True)
    next_reconcile_at = models.DateTimeField(default=timezone.now, db_index=True)
    tried_at = models.DateTimeField(null=True)
    waiting_since = models.DateTimeField(
        default=timezone.now,
        db_default=Now(),
        help_text="When the oldest change was saved that the cluster has not accepted.",
    )
    failures = models.PositiveIntegerField(default=0)
    starts = models.PositiveIntegerField(
        default=0, help_text="Attempts begun and not ended; counted before the work, so that a killer is found."
    )
    starts_generation = models.PositiveIntegerField(default=0)
    last_error_class = models.CharField(max_length=40, blank=True)
    last_error = models.TextField(blank=True)
    conflict = models.JSONField(
        default=list, help_text="Fields of ours that others hold: path, manager, live, desired."
    )
    drift = models.JSONField(
        default=list, help_text="What differs between intent and cluster: path, desired, live, manager, at."
    )
    drift_checked_at = models.DateTimeField(null=True)
    is_sleep_decided = models.BooleanField(
        default=False, db_default=False, help_text="Some layer had a say when it was last decided whether it sleeps."
    )

    def __str__(self) -> str:
        return f"{self.deployment_id}: {self.phase}"

    @property
    def conflicts(self) -> list[HeldField]:
        """Conflicting fields, because of which the current revision is not applied."""
        return [HeldField.from_json(item) for item in self.conflict]

    @property
    def drifted(self) -> list[DriftItem]:
        """What differs in the cluster from the applied revision."""
        return [DriftItem.from_json(item) for item in self.drift]

    @property
    def missing_kinds(self) -> frozenset[str]:
        """Kinds of its objects that were found to be gone from the cluster."""
        return frozenset(item.path for item in self.drifted if item.is_missing_object)

    @property
    def scaled_away_by(self) -> str:
        """The writer that took all pods away, as far as it is known; empty when nobody did."""
        return next((item.manager for item in self.drifted if item.path == REPLICAS_PATH and item.live == 0), "")

    @property
    def held(self) -> list[HeldField]:
        """What a person has to settle: fields that others hold, else what differs from the applied revision."""
        return self.conflicts or [item.as_held() for item in self.drifted]


class Revision(models.Model):
    """An immutable, numbered spec with its author and reason, and the catalogue entries it was made with."""

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    spec = models.JSONField()
    spec_hash = models.CharField(max_length=64)
    runtime = models.JSONField(help_text="The runtime as it was when this revision was saved.")
    profile = models.JSONField(null=True, help_text="The hardware profile as it was then, if the spec names one.")
    author = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    author_name = models.CharField(max_length=120)
    reason = models.CharField(max_length=500, blank=True)
    summary = models.CharField(max_length=200, blank=True, help_text="What changed, in a few words.")
    returns_to = models.PositiveIntegerField(null=True, help_text="The revision that this one rolls back to.")
    saved_at = models.DateTimeField(default=timezone.now)
    estimate = models.JSONField(
        null=True, help_text="What it was said to cost when it was saved, as deployments.domain.cost.change writes it."
    )
    budgets = models.JSONField(
        default=list,
        db_default=models.Value([], output_field=models.JSONField()),
        help_text="What it did to the budgets over it, as deployments.domain.cost.budgets.Effect writes it.",
    )
    proposal = models.OneToOneField(
        "Proposal", on_delete=models.SET_NULL, null=True, related_name="revision", help_text="What was reviewed."
    )

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["deployment", "number"], name="revision_number_once")]

    def __str__(self) -> str:
        return f"revision {self.number}"

    def to_spec(self) -> Spec:
        return Spec.from_json(self.spec)

    def to_runtime(self) -> catalogue.Runtime:
        return catalogue.Runtime.from_json(self.runtime)

    def to_profile(self) -> catalogue.HardwareProfile | None:
        return catalogue.HardwareProfile.from_json(self.profile) if self.profile else None
