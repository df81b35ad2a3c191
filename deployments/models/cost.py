"""Price lists by version; an estimate names the version that it was made with."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from deployments.domain.cost.own_list import OwnLine, OwnList
from deployments.models.cluster import Cluster


class PriceVersion(models.Model):
    """A whole price list of a cluster, never changed: a new price is a new version. The database refuses the rest.

    In force at an instant is the version with the latest `effective_at` up to it; of two with the same, the later row.
    """

    class Source(models.TextChoices):
        TYPED = "typed", "typed in"
        CSV = "csv", "CSV file"
        DEMO = "demo", "demo prices"
        GOOGLE = "google", "Google's catalog"

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="price_versions")
    name = models.CharField(max_length=80, help_text="What the list is called, like On-premises 2027.")
    source = models.CharField(max_length=8, choices=Source)
    currency = models.CharField(max_length=3, help_text="Three capitals, like USD.")
    effective_at = models.DateTimeField(help_text="From when its prices count.")
    made_at = models.DateTimeField(default=timezone.now)
    lines = models.JSONField(help_text="Prices of one hour, as deployments.domain.cost.own_list.OwnLine writes them.")

    class Meta:
        ordering = ["-effective_at", "-pk"]
        verbose_name = "price list"
        indexes = [models.Index(fields=["cluster", "-effective_at", "-id"], name="price_version_in_force")]

    def __str__(self) -> str:
        return f"{self.name}, version {self.pk}"

    def to_domain(self) -> OwnList:
        return OwnList(
            name=str(self),
            currency=self.currency,
            since=self.effective_at,
            lines=tuple(OwnLine.from_json(line) for line in self.lines),
            version=self.pk,
        )


class PricePull(models.Model):
    """When Google's catalog is read next, and how the last reading went. One row, machine-written; not audited."""

    next_at = models.DateTimeField(default=timezone.now)
    tried_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True, help_text="When it was last read whole.")
    fault = models.TextField(blank=True, help_text="Why it was not read, or what of it was not taken over.")

    def __str__(self) -> str:
        return "Google's catalog"
