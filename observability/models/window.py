"""Windows as they are counted, and the bytes of their states. Machine-written."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from observability.models.source import Length, LogSource, SourceSpec


class Blob(models.Model):
    """Immutable bytes named by their sha256: equal states are stored once. Rows nobody points at are collected."""

    sha256 = models.CharField(max_length=64, unique=True)
    data = models.BinaryField()
    size = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.sha256[:12]


class StoredWindow(models.Model):
    """The rows of one hour or day of one model version and segment, counted by one spec.

    Its states are those of `blob` (parts that were compacted, `blob_rows` rows) and of its parts that are not in it;
    `rows` counts both. queries.windows merges them. REOPENED: an object that `blob` counts was replaced, so the others
    are read again; until then it stays as it was.
    """

    class State(models.TextChoices):
        PROVISIONAL = "provisional", "still open"
        CLOSED = "closed", "closed"
        REOPENED = "reopened", "being counted again"

    source = models.ForeignKey(LogSource, on_delete=models.CASCADE, related_name="windows")
    spec = models.ForeignKey(SourceSpec, on_delete=models.CASCADE, related_name="windows")
    version = models.CharField(max_length=200, blank=True, help_text="Of the model; empty: rows that name none.")
    segment = models.CharField(max_length=200, blank=True)
    length = models.CharField(max_length=8, choices=Length)
    start = models.DateTimeField()
    end = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State, default=State.PROVISIONAL)
    rows = models.BigIntegerField(default=0)
    objects_counted = models.PositiveIntegerField(default=0)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, related_name="+")
    blob_rows = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    replaced_at = models.DateTimeField(default=timezone.now, help_text="When its contents last changed.")
    closed_at = models.DateTimeField(null=True)
    late_at = models.DateTimeField(null=True, help_text="When rows last changed after it had been closed.")

    class Meta:
        ordering = ["source", "start"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "start", "length", "spec", "version", "segment"], name="window_once"
            )
        ]
        indexes = [
            models.Index(fields=["source", "replaced_at"], name="windows_changed"),
            models.Index(fields=["end"], condition=~models.Q(state="closed"), name="windows_open"),
        ]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} of {self.source_id}"
