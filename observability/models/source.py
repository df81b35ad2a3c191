"""Where a deployment's logs come from and how they are read. Rows of intent, but for `SourceState`."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from deployments.models.deployment import Deployment
from deployments.models.people import Team, slug_validator
from observability.domain.specs.kept import kept_spec
from observability.domain.specs.spec import Spec, canonical_json

STORED_BYTES: Final = 2 << 30


class Length(models.TextChoices):
    """Of a window; observability.domain.fold.windows.Window, without the kernel that comes with it."""

    HOUR = "hour", "hour"
    DAY = "day", "day"


class StoreCredential(models.Model):
    """A named key of an object store, kept by the platform team. Its contents are a file on the import workers."""

    class Kind(models.TextChoices):
        S3 = "s3", "S3 (access key)"
        GCS = "gs", "Google Cloud Storage (service account)"

    slug = models.CharField(max_length=40, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=4, choices=Kind)
    file = models.CharField(
        max_length=300,
        help_text="Path of the key's file, below BARISTA_STORE_KEYS of the import workers. It is never stored here.",
    )
    endpoint = models.CharField(
        max_length=200, blank=True, help_text="Of another service that speaks the same protocol. Empty: the provider's."
    )
    region = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["slug"]
        verbose_name = "store credential"

    def __str__(self) -> str:
        return self.name


class StoreRoot(models.Model):
    """A beginning of addresses below which sources may read: of one team, or of all. Nothing is read outside."""

    slug = models.CharField(max_length=40, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=80)
    uri = models.CharField(
        max_length=500, help_text="Like gs://logs/search/, s3://logs/ or file:///srv/logs/, with a slash at the end."
    )
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="Empty: every team."
    )
    credential = models.ForeignKey(
        StoreCredential,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="roots",
        help_text="Empty: public, or the workers' own identity. Not used for file:.",
    )
    is_active = models.BooleanField(default=True, help_text="Off: its sources are not read.")

    class Meta:
        ordering = ["slug"]
        verbose_name = "store root"
        constraints = [models.CheckConstraint(name="store_root_ends", condition=Q(uri__endswith="/"))]

    def __str__(self) -> str:
        return self.name


class LogSource(models.Model):
    """The log of one deployment: where it lies, when its windows close, how long they are kept.

    What columns mean and how they are counted is in its spec versions; `spec` is the one by which new objects are
    folded. Outcomes will be sources of another kind.
    """

    class Kind(models.TextChoices):
        PREDICTIONS = "predictions", "prediction log"

    class Format(models.TextChoices):
        BY_NAME = "", "by the name's ending"
        PARQUET = "parquet", "Parquet"
        JSONL = "jsonl", "JSON lines"
        CSV = "csv", "CSV"

    class Vanished(models.TextChoices):
        KEEP = "keep", "keep what was counted"
        REMOVE = "remove", "take it out again"

    class Engine(models.TextChoices):
        LOCAL = "local", "this machine"
        SPARK = "spark", "Spark, for backfills"

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="log_sources")
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.PREDICTIONS)
    name = models.CharField(max_length=63, default="log", validators=[slug_validator])
    root = models.ForeignKey(StoreRoot, on_delete=models.PROTECT, related_name="sources")
    location = models.CharField(max_length=1024, help_text="As observability.domain.sources.template reads it.")
    format = models.CharField(max_length=8, choices=Format, default=Format.BY_NAME, blank=True)
    marker = models.CharField(
        max_length=60, blank=True, help_text="Objects of a folder count once it holds this one, like _SUCCESS."
    )
    lateness_s = models.PositiveIntegerField(default=2 * 3600, help_text="A window closes so long after its end.")
    poll_s = models.PositiveIntegerField(default=10)
    retention_d = models.PositiveIntegerField(default=90)
    max_object_bytes = models.BigIntegerField(default=STORED_BYTES)
    vanished = models.CharField(max_length=8, choices=Vanished, default=Vanished.KEEP)
    engine = models.CharField(max_length=8, choices=Engine, default=Engine.LOCAL)
    spec = models.ForeignKey("SourceSpec", on_delete=models.PROTECT, null=True, related_name="+")
    version = models.PositiveIntegerField(default=1, help_text="Grows with every change, for forms to find theirs old.")
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=120, blank=True)
    paused_at = models.DateTimeField(null=True)
    paused_by = models.CharField(max_length=120, blank=True)
    paused_reason = models.CharField(max_length=300, blank=True)
    removed_at = models.DateTimeField(null=True, help_text="Nothing is read any more; its windows run out.")

    class Meta:
        ordering = ["deployment", "name"]
        verbose_name = "log source"
        constraints = [
            models.UniqueConstraint(
                fields=["deployment", "name"], condition=Q(removed_at=None), name="source_name_once"
            ),
            models.CheckConstraint(
                name="source_bounds",
                condition=Q(poll_s__gte=1, retention_d__gte=1, max_object_bytes__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.deployment.name}"

    @property
    def team(self) -> Team:
        return self.deployment.team

    @property
    def is_paused(self) -> bool:
        return self.paused_at is not None

    @property
    def scheme(self) -> str:
        """file, gs or s3."""
        return self.location.partition("://")[0]


class SourceSpec(models.Model):
    """One version of how a source's rows are counted; never changed, and never merged with another.

    `columns`: {"time": {"column", "unit" ("", s, ms, us, ns), "zone" of times that name none}, "prediction_id",
    "model_version", "segment": names or "", "predictions", "scores", "features", "left_out": lists of names}. The
    features of `spec` are the columns that are folded: predictions, scores and features alike. `sensitive` names those
    of which no value is kept.
    """

    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, related_name="specs")
    number = models.PositiveIntegerField()
    spec = models.JSONField(help_text="As observability.domain.specs.spec.Spec writes it.")
    columns = models.JSONField(default=dict)
    sensitive = models.JSONField(default=list)
    window = models.CharField(max_length=8, choices=Length)
    zone = models.CharField(max_length=60, default="UTC", help_text="Where hours and days begin.")
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["source", "-number"]
        constraints = [models.UniqueConstraint(fields=["source", "number"], name="source_spec_number_once")]

    def __str__(self) -> str:
        return f"spec {self.number}"

    def to_spec(self) -> Spec:
        """What windows are counted by. Raises SpecError when the row holds what this release cannot read."""
        return kept_spec(Spec.loads(canonical_json(self.spec)), self.sensitive)

    @property
    def time_zone(self) -> str:
        """Of times that name none; "" is UTC."""
        zone = str(self.columns.get("time", {}).get("zone", ""))
        return "" if zone == "UTC" else zone


class SourceState(models.Model):
    """How far the importer is with a source. Machine-written; not audited."""

    source = models.OneToOneField(LogSource, on_delete=models.CASCADE, primary_key=True, related_name="state")
    next_poll_at = models.DateTimeField(default=timezone.now, db_index=True)
    polled_at = models.DateTimeField(null=True, help_text="When it was last listed without an error.")
    next_sweep_at = models.DateTimeField(default=timezone.now, help_text="When the older prefixes are listed again.")
    swept_at = models.DateTimeField(null=True)
    sweep_from = models.CharField(max_length=1100, blank=True, help_text="The prefix at which a sweep goes on.")
    failures = models.PositiveIntegerField(default=0, help_text="Listings in a row that failed.")
    error = models.CharField(max_length=500, blank=True)
    error_since = models.DateTimeField(null=True)
    listed = models.PositiveIntegerField(default=0, help_text="Objects that the last poll saw.")
    list_ms = models.PositiveIntegerField(default=0)
    landed_at = models.DateTimeField(null=True, help_text="When an object was last folded.")
    newest_event_at = models.DateTimeField(null=True, help_text="Where the newest window with rows ends.")
    served_at = models.DateTimeField(default=timezone.now, help_text="When an object of it was last claimed: turns.")
    peak_bytes = models.BigIntegerField(null=True, help_text="Most memory that a reader of it used.")
    longest_ms = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(F("served_at"), name="source_turns")]

    def __str__(self) -> str:
        return f"state of {self.source_id}"
