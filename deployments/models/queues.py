"""How each queue of the workers is: machine-written, not audited."""

from __future__ import annotations

from django.db import models


class QueueState(models.Model):
    """Whether workers work, told by work: a process may live and take nothing."""

    name = models.CharField(max_length=40, primary_key=True)
    worked_at = models.DateTimeField(null=True, help_text="When a worker last took up a task of this queue.")
    stalled_since = models.DateTimeField(
        null=True, help_text="Since when tasks wait that no worker takes up; the relay does them meanwhile."
    )
    waiting = models.PositiveIntegerField(default=0, help_text="Messages in the queue when it was last counted.")
    rejected = models.PositiveBigIntegerField(default=0, help_text="Messages that were none, since the queue's start.")

    def __str__(self) -> str:
        return self.name
