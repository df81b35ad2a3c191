"""What the rules said of windows. Machine-written: made again by `manage.py evaluate_windows`."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from deployments.models.deployment import Deployment
from observability.domain.results.outcome import Result
from observability.models.source import LogSource, SourceSpec
from observability.models.window import StoredWindow

RESULTS = [(item.value, item.value) for item in Result]


class WindowShelf(models.Model):
    """The states of one window so that each feature can be read alone; as observability.domain.profile.shelf.

    The importer's blobs have all features in one piece: a page that shows one feature of hundreds of windows would
    read gigabytes of a log of thousands.
    """

    window = models.OneToOneField(StoredWindow, on_delete=models.CASCADE, primary_key=True, related_name="shelf")
    offsets = ArrayField(models.IntegerField())
    data = models.BinaryField()
    replaced_at = models.DateTimeField(help_text="The window's, when this was made.")

    def __str__(self) -> str:
        return f"shelf of {self.window_id}"


class ReferenceShelf(models.Model):
    """All rows of one baseline, feature by feature; `key` is that of observability.domain.results.baselines."""

    spec = models.ForeignKey(SourceSpec, on_delete=models.CASCADE, related_name="references")
    key = models.CharField(max_length=300)
    words = models.CharField(max_length=300)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    rows = models.BigIntegerField(default=0)
    windows = models.PositiveIntegerField(default=0)
    contents_at = models.DateTimeField(null=True, help_text="When a window of it last changed.")
    offsets = ArrayField(models.IntegerField())
    data = models.BinaryField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["spec", "key"], name="reference_once")]

    def __str__(self) -> str:
        return self.words


class JudgedWindow(models.Model):
    """One window of one model version, or small ones joined, or a gap (no version), against its reference."""

    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, related_name="judged")
    spec = models.ForeignKey(SourceSpec, on_delete=models.CASCADE, related_name="+")
    reference = models.ForeignKey(ReferenceShelf, on_delete=models.SET_NULL, null=True, related_name="+")
    version = models.CharField(max_length=200, blank=True)
    is_gap = models.BooleanField(default=False)
    start = models.DateTimeField()
    end = models.DateTimeField()
    rows = models.BigIntegerField(default=0)
    verdict = models.CharField(max_length=20, choices=RESULTS)
    moved = models.PositiveIntegerField(default=0, help_text="Features that moved or drift.")
    findings = models.JSONField(default=list)
    judged_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["start", "version"]
        constraints = [
            models.UniqueConstraint(fields=["source", "spec", "version", "is_gap", "start"], name="judged_once")
        ]
        indexes = [models.Index(fields=["source", "-start"], name="judged_newest")]

    def __str__(self) -> str:
        return f"{self.verdict} at {self.start:%Y-%m-%d %H:%M}"


class FeatureVerdict(models.Model):
    """One feature of a judged window. `levels` as observability.domain.results.levels; `reason` only where it says more
    than the verdict."""

    judged = models.ForeignKey(JudgedWindow, on_delete=models.CASCADE, related_name="features", db_index=False)
    spec = models.ForeignKey(SourceSpec, on_delete=models.CASCADE, related_name="+", db_index=False)
    place = models.PositiveSmallIntegerField(help_text="Of the feature in its spec.")
    start = models.DateTimeField()
    verdict = models.CharField(max_length=20, choices=RESULTS)
    statistic = models.CharField(max_length=12, blank=True)
    value = models.FloatField(null=True)
    uncertainty = models.FloatField(default=0.0)
    floor = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    null_rate = models.FloatField(null=True)
    levels = ArrayField(models.FloatField(), default=list)
    reason = models.TextField(blank=True)

    class Meta:
        indexes = [
            # Sparklines are drawn from the index alone.
            models.Index(fields=["spec", "place", "start"], include=["value", "threshold"], name="verdicts_of_feature"),
            models.Index(fields=["judged", "place"], name="verdicts_of_window"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} of {self.place}"


class FeatureNow(models.Model):
    """The newest of each feature over the versions that serve: what lists are searched and sorted by."""

    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, related_name="features_now", db_index=False)
    spec = models.ForeignKey(SourceSpec, on_delete=models.CASCADE, related_name="+")
    place = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=512)
    kind = models.CharField(max_length=12)
    role = models.CharField(max_length=12, blank=True, help_text="prediction, score, or empty for a feature.")
    is_sensitive = models.BooleanField(default=False)
    names = models.JSONField(default=list, help_text="What the levels of a category stand for.")
    version = models.CharField(max_length=200, blank=True, help_text="The model version whose window is the worst.")
    verdict = models.CharField(max_length=20, choices=RESULTS)
    severity = models.PositiveSmallIntegerField(default=0, help_text="Broken before drift before moved, for sorting.")
    statistic = models.CharField(max_length=12, blank=True)
    value = models.FloatField(null=True)
    floor = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    ratio = models.FloatField(null=True, help_text="value / threshold.")
    null_rate = models.FloatField(null=True)
    reason = models.TextField(blank=True)
    findings = models.JSONField(default=list, help_text="[name, reason] of the newest windows.")
    moved_since = models.DateTimeField(null=True, help_text="The first window of the run that is not over.")
    last_moved_at = models.DateTimeField(null=True)
    judged_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["place"]
        constraints = [models.UniqueConstraint(fields=["source", "place"], name="feature_now_once")]
        indexes = [
            models.Index(
                models.F("source"),
                models.F("severity").desc(),
                models.F("ratio").desc(nulls_last=True),
                "name",
                name="features_worst_first",
            )
        ]

    def __str__(self) -> str:
        return self.name


class SourceVerdict(models.Model):
    """How far the evaluation of a source is, and what it said last."""

    source = models.OneToOneField(LogSource, on_delete=models.CASCADE, primary_key=True, related_name="verdict")
    claimed_until = models.DateTimeField(null=True, db_index=True)
    seen_at = models.DateTimeField(null=True, help_text="Windows that changed up to then are judged.")
    rules_key = models.CharField(max_length=64, blank=True, help_text="Of spec, baseline and rules by which they were.")
    done_at = models.DateTimeField(null=True)
    took_ms = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"evaluation of {self.source_id}"


class DataHealth(models.Model):
    """What a list of deployments shows of one's data."""

    deployment = models.OneToOneField(
        Deployment, on_delete=models.CASCADE, primary_key=True, related_name="data_health"
    )
    state = models.CharField(max_length=12)
    severity = models.PositiveSmallIntegerField(default=0)
    sentence = models.CharField(max_length=300)
    since = models.DateTimeField(null=True)
    newest_at = models.DateTimeField(null=True, help_text="The end of the newest window that was judged.")
    moved = models.PositiveIntegerField(default=0)
    broken = models.PositiveIntegerField(default=0)
    features = models.PositiveIntegerField(default=0)
    days = models.JSONField(default=list, help_text="[day, state] of the last 14 days.")
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["-severity"], name="health_worst_first")]

    def __str__(self) -> str:
        return f"{self.state} of {self.deployment_id}"
