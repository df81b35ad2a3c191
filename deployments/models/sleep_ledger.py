"""What sleep released and what keeping awake gave up, entry by entry: every sum is made of these rows."""

from __future__ import annotations

from django.db import models

from deployments.domain.sleep.plan.ledger import Basis
from deployments.models.people import Team
from deployments.models.sleep import SleepDecision, SleepRecord


class SleepEntry(models.Model):
    """One stretch of one month at one price. What it says outlives the sleep, its schedule and its price list.

    `amount` None: no price was known then, with the reason in `unpriced`; it is in no sum and never 0.
    """

    class Kind(models.TextChoices):
        RELEASED = "released", "released by sleep"
        GIVEN_UP = "given-up", "given up by keeping it awake"

    kind = models.CharField(max_length=8, choices=Kind, default=Kind.RELEASED)
    deployment = models.ForeignKey("Deployment", on_delete=models.PROTECT, related_name="sleep_entries")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="sleep_entries")
    record = models.ForeignKey(SleepRecord, on_delete=models.SET_NULL, null=True, related_name="entries")
    decision = models.ForeignKey(SleepDecision, on_delete=models.SET_NULL, null=True, related_name="entries")
    of = models.CharField(max_length=60, help_text="What it is of, once: an entry that is made again replaces itself.")
    start = models.DateTimeField()
    end = models.DateTimeField()
    is_open = models.BooleanField(default=False, help_text="It still goes on: counted again later.")
    released_seconds = models.PositiveBigIntegerField(help_text="Slots times seconds.")
    slots = models.PositiveIntegerField(help_text="The most at once.")
    cpu_m = models.PositiveBigIntegerField(null=True, help_text="Millicores that the slots request.")
    memory = models.PositiveBigIntegerField(null=True, help_text="Bytes that the slots request.")
    gpus = models.PositiveIntegerField(null=True)
    basis = models.CharField(max_length=8, choices=[(item.value, item.value) for item in Basis])
    price = models.DecimalField(max_digits=24, decimal_places=12, null=True, help_text="Of a slot and hour.")
    price_version = models.CharField(max_length=120, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    amount = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    unpriced = models.CharField(max_length=300, blank=True)
    words = models.CharField(max_length=300, blank=True, help_text="Why it slept, or was kept awake.")
    is_demo = models.BooleanField(default=False, help_text="Made by the demo on an injected clock.")

    class Meta:
        ordering = ["-start", "-pk"]
        constraints = [models.UniqueConstraint(fields=["of", "start", "price_version"], name="sleep_entry_once")]
        indexes = [
            models.Index(fields=["start"], name="sleep_entry_start"),
            models.Index(fields=["deployment", "-start"], name="sleep_entry_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.deployment_id} from {self.start}"
