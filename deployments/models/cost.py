"""Price lists by version; an estimate names the version that it was made with."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from deployments.domain.cost.matching import plain
from deployments.domain.cost.own_list import SOLD, OwnLine, OwnList
from deployments.domain.cost.terms import Kind, Term
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


class PriceTerm(models.Model):
    """What was negotiated for a cluster: a percentage off its list, or a price in the place of the list's.

    Made and ended, never changed otherwise. Versions of the price list have it worked in.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="price_terms")
    kind = models.CharField(
        max_length=8, choices=[(Kind.DISCOUNT.value, "percent off"), (Kind.OVERRIDE.value, "price of its own")]
    )
    value = models.DecimalField(
        max_digits=18, decimal_places=12, help_text="Percent off the list, or the price of one unit and hour."
    )
    component = models.CharField(
        max_length=8,
        blank=True,
        choices=[(item.value, item.value) for item in SOLD],
        help_text="Empty: a discount on all.",
    )
    price_class = models.CharField(max_length=63, blank=True, help_text="Of hardware profiles. Empty: all.")
    gpu = models.CharField(max_length=63, blank=True, help_text="The accelerator label, of the price of a GPU.")
    effective_at = models.DateTimeField(help_text="From when it counts.")
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Until when; empty: until it is ended.")

    class Meta:
        ordering = ["-effective_at", "-pk"]
        verbose_name = "negotiated price"
        constraints = [
            models.CheckConstraint(condition=models.Q(value__gt=0), name="price_term_above_0"),
            models.CheckConstraint(
                condition=~models.Q(kind=Kind.DISCOUNT.value) | models.Q(value__lt=100), name="price_term_below_100"
            ),
        ]

    def __str__(self) -> str:
        what = f"{plain(self.value)} % off" if self.kind == Kind.DISCOUNT else f"{plain(self.value)} for"
        of = " ".join(part for part in (self.component or "everything", self.gpu) if part)
        return f"{what} {of}{f' in {self.price_class}' if self.price_class else ''} of {self.cluster}"

    def to_domain(self) -> Term:
        """Raises ValueError for what makes no sense."""
        return Term(
            order=self.pk or 0,
            kind=Kind(self.kind),
            value=self.value,
            since=self.effective_at,
            until=self.ends_at,
            component=self.component,
            price_class=self.price_class,
            gpu=self.gpu,
        )


class PricePull(models.Model):
    """When Google's catalog is read next, and how the last reading went. One row, machine-written; not audited."""

    next_at = models.DateTimeField(default=timezone.now)
    tried_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True, help_text="When it was last read whole.")
    fault = models.TextField(blank=True, help_text="Why it was not read, or what of it was not taken over.")

    def __str__(self) -> str:
        return "Google's catalog"
