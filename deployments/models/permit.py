"""What the platform team permits in a namespace: hosts, node labels, tolerations, priority classes, Secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from deployments.domain.permits import PermitKind
from deployments.models.cluster import Namespace
from deployments.models.deployment import Deployment


class PermitQuerySet(models.QuerySet["Permit"]):
    def valid_at(self, at: datetime) -> Self:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at))


class Permit(models.Model):
    """One permitted value. With a deployment it is what that one may keep for a while, though nothing permits it."""

    kind = models.CharField(max_length=16, choices=[(item.value, item.label) for item in PermitKind])
    value = models.CharField(max_length=600)
    namespace = models.ForeignKey(
        Namespace,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="permits",
        help_text="Empty: all namespaces.",
    )
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, null=True, blank=True, related_name="permits")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is deleted.")
    note = models.CharField(max_length=200, blank=True)

    objects = PermitQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "value", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "value", "namespace", "deployment"], name="permit_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(deployment=None) | Q(namespace=None, expires_at__isnull=False), name="kept_permit_expires"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}"
