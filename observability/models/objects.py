"""Objects of a source, what each of them contributed to which window, and the bytes of that. Machine-written."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from observability.models.source import LogSource, SourceSpec
from observability.models.window import Blob, StoredWindow


class SourceObject(models.Model):
    """One object of a source: as it was listed last, and as it was when it was folded.

    `due_at` None: nothing to do. A worker has it while `claimed_until` is ahead and `claim` is its own.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        WAITING = "waiting", "waiting for its marker"
        FOLDING = "folding", "folding"
        FOLDED = "folded", "folded"
        RETRYING = "retrying", "trying again"
        PARKED = "parked", "parked"
        LEFT_OUT = "left-out", "left out"
        REMOVED = "removed", "taken out"

    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, related_name="log_objects")
    uri = models.CharField(max_length=1100)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    is_fresh = models.BooleanField(default=True, help_text="Of an open window; others wait for these.")
    placed_at = models.DateTimeField(null=True, help_text="The beginning of the time that its name says it is of.")
    size = models.BigIntegerField()
    mtime_ns = models.BigIntegerField()
    etag = models.CharField(max_length=128, blank=True, help_text="Or generation; empty where the store gives none.")
    found_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now, help_text="When a listing first saw it as it is.")
    seen_at = models.DateTimeField(default=timezone.now, help_text="When a listing last saw it.")
    vanished_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True, help_text="When it was claimed last.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="Begun and not ended well, of this content.")
    starts = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Begun without an end, such as by a worker that died."
    )
    reason = models.CharField(max_length=500, blank=True, help_text="Why it is not folded; never a value of it.")
    bad_row = models.PositiveBigIntegerField(null=True, help_text="The row that the reason is about.")
    spec = models.ForeignKey(SourceSpec, on_delete=models.SET_NULL, null=True, related_name="+")
    folded_at = models.DateTimeField(null=True)
    folded_size = models.BigIntegerField(null=True)
    folded_mtime_ns = models.BigIntegerField(null=True)
    folded_etag = models.CharField(max_length=128, blank=True)
    fold_ms = models.PositiveIntegerField(default=0)
    folds = models.PositiveIntegerField(default=0, help_text="How often it was folded; beyond 1 it was replaced.")
    rows = models.BigIntegerField(null=True, help_text="Counted in windows.")
    bad_rows = models.BigIntegerField(default=0, help_text="Left out of all windows.")
    bad_reasons = models.JSONField(default=list, help_text="[row, reason] of the first of them.")
    schema = models.JSONField(default=dict, help_text="Names and types of its columns when it was folded.")

    class Meta:
        ordering = ["-found_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["source", "uri"], name="object_once_per_source")]
        indexes = [
            models.Index(
                fields=["source", "-is_fresh", "due_at"], condition=Q(due_at__isnull=False), name="objects_due"
            ),
            models.Index(fields=["source", "-found_at", "-id"], name="objects_newest"),
            models.Index(fields=["source", "placed_at"], name="objects_by_place"),
            models.Index(fields=["source", "state"], condition=~Q(state="folded"), name="objects_not_folded"),
        ]

    def __str__(self) -> str:
        return self.uri

    @property
    def shown_state(self) -> State:
        """Its state, or that a worker has it just now."""
        is_claimed = self.claimed_until is not None and self.claimed_until > timezone.now()
        return self.State.FOLDING if is_claimed else self.State(self.state)

    @property
    def is_as_folded(self) -> bool:
        """Whether what was counted is what lies in the store, as far as the last listing knows."""
        folded = (self.folded_size, self.folded_mtime_ns, self.folded_etag)
        return folded == (self.size, self.mtime_ns, self.etag)


class ObjectPart(models.Model):
    """What one object contributed to one window: `rows`, and their states in `blob` until the window is compacted.

    `start` is the beginning of the hour or day that was folded; a window of a day may hold parts of its hours. One that
    is `in_base` is counted by its window's own blob, and has bytes of its own only while that is made anew. `digest`
    stays: it tells whether a new fold of the object says the same.
    """

    object = models.ForeignKey(SourceObject, on_delete=models.CASCADE, related_name="parts")
    window = models.ForeignKey(StoredWindow, on_delete=models.CASCADE, related_name="parts")
    start = models.DateTimeField()
    rows = models.BigIntegerField()
    digest = models.CharField(max_length=64, help_text="sha256 of the states.")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, related_name="+")
    in_base = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["object", "window", "start"], name="part_once"),
            models.CheckConstraint(name="part_counted", condition=Q(in_base=True) | Q(blob__isnull=False)),
        ]
        indexes = [models.Index(fields=["window"], condition=Q(in_base=False), name="parts_loose")]

    def __str__(self) -> str:
        return f"{self.object_id} in {self.window_id}"
