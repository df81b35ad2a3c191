"""Tokens with which CI tells of changes. Rows of intent."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from deployments.models.people import Team


class ChangeTokenQuerySet(models.QuerySet["ChangeToken"]):
    def valid_at(self, at: datetime) -> Self:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at))


class ChangeToken(models.Model):
    """Who has it may tell of changes of one team's deployments, and nothing else. Only its digest is kept."""

    name = models.CharField(max_length=60, help_text="Whose it is, like “search CI”: charts and the audit log name it.")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="change_tokens")
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="sha256 of the token.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is deleted.")

    shown = ""  # the token itself, of an instance that was just made

    objects = ChangeTokenQuerySet.as_manager()

    class Meta:
        ordering = ["team", "name"]
        verbose_name = "change token"
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="change_token_once")]

    def __str__(self) -> str:
        return self.name
