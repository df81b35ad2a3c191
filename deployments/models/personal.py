"""What people keep for themselves."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from deployments.models.people import User


class Draft(models.Model):
    """What was typed into the form of a spec and not yet proposed; survives a lost session."""

    NEW = "new"  # the key of a deployment that does not exist yet
    ASIDE = "~"  # ends the slug in the key of a draft that another sitting began before

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="drafts")
    key = models.CharField(max_length=200, help_text="Slug of the deployment, or `new`.")
    data = models.JSONField(help_text="The form's fields as they were posted: lists of strings by name.")
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="draft_once")]

    def __str__(self) -> str:
        return f"draft of {self.of}"

    @property
    def of(self) -> str:
        """Slug of the deployment, or `new`, of a draft that was put aside too."""
        return self.key.partition(self.ASIDE)[0]

    @property
    def address(self) -> str:
        """What ?draft= has to say to take it up."""
        return f"n{self.pk}" if self.ASIDE in self.key else "1"


class SavedView(models.Model):
    """A named set of filters of the fleet page."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=500, help_text="The page's query string.")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="saved_view_once")]

    def __str__(self) -> str:
        return self.name
