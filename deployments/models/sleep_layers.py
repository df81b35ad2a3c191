"""What layers say of sleep beside weekly windows: holidays, exemptions and forced sleep; freezes of a cluster."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from deployments.domain.sleep.schedule.calendars import BadCalendar, Calendar, Day, Range
from deployments.domain.sleep.schedule.layers import Ask, Freeze, Grant
from deployments.domain.sleep.schedule.windows import Span
from deployments.models.cluster import Cluster
from deployments.models.layers import ENVIRONMENTS, OfLayer, of_one_layer
from deployments.models.people import Team, slug_validator


class HolidayCalendar(models.Model):
    """A named set of days off: public ones of a country, days of the company, ranges between two instants."""

    key = models.CharField(max_length=63, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=120)
    country = models.CharField(max_length=3, blank=True, help_text="ISO 3166 code, like DE; empty: no public holidays.")
    subdivision = models.CharField(max_length=10, blank=True, help_text="A region of the country, like BE.")
    days = models.TextField(blank=True, help_text="One a line: 2026-12-24 Christmas Eve.")
    ranges = models.TextField(
        blank=True, help_text="One a line: 2026-12-24T14:00+01:00 2027-01-02T00:00+01:00 Office closed."
    )
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["key"]
        verbose_name = "holiday calendar"

    def __str__(self) -> str:
        return self.name

    def to_calendar(self) -> Calendar:
        """Raises `BadCalendar` with the line that cannot be read."""
        return Calendar(
            key=self.key,
            version=self.version,
            name=self.name,
            country=self.country,
            subdivision=self.subdivision,
            days=tuple(_day(line) for line in self.days.splitlines() if line.strip()),
            ranges=tuple(_range(line) for line in self.ranges.splitlines() if line.strip()),
        )


def _day(line: str) -> Day:
    text, _, name = line.strip().partition(" ")
    try:
        return Day(date.fromisoformat(text), name.strip() or "Day off")
    except ValueError:
        raise BadCalendar(f"{line.strip()[:40]!r} is not a day. Write it like: 2026-12-24 Christmas Eve.") from None


def _range(line: str) -> Range:
    parts = line.strip().split(" ", 2)
    try:
        start, end = (datetime.fromisoformat(text) for text in parts[:2])
        if start.utcoffset() is None or end.utcoffset() is None:
            raise ValueError(line)
    except ValueError:
        raise BadCalendar(
            f"{line.strip()[:60]!r} is not a range. Write two instants with offsets and a name, like: "
            "2026-12-24T14:00+01:00 2027-01-02T00:00+01:00 Office closed."
        ) from None
    return Range(Span(start.astimezone(UTC), end.astimezone(UTC)), parts[2] if len(parts) > 2 else "Planned rest")


class SleepHolidays(OfLayer, models.Model):
    """Which calendars one layer keeps. No calendars: it works on holidays, whatever the layers above say."""

    deployment = models.OneToOneField(
        "Deployment", on_delete=models.PROTECT, null=True, blank=True, related_name="sleep_holidays"
    )
    team = models.OneToOneField(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="sleep_holidays")
    environment = models.CharField(max_length=8, blank=True, choices=ENVIRONMENTS)
    cluster = models.OneToOneField(
        Cluster, on_delete=models.PROTECT, null=True, blank=True, related_name="sleep_holidays"
    )
    calendars = models.TextField(blank=True, help_text="Keys of calendars, one a line; empty: works on holidays.")
    zone = models.CharField(
        max_length=60, blank=True, help_text="Where no weekly schedule gives a time zone, like Europe/Berlin."
    )
    target = models.PositiveIntegerField(default=0, help_text="Replicas on a day off where no schedule gives them.")
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=120, blank=True)

    class Meta:
        verbose_name = "holidays of a layer"
        verbose_name_plural = "holidays of layers"
        constraints = [
            models.CheckConstraint(name="sleep_holidays_of_one_layer", condition=of_one_layer()),
            models.UniqueConstraint(
                fields=["environment"], condition=~Q(environment=""), name="sleep_holidays_once_per_environment"
            ),
        ]

    def __str__(self) -> str:
        return f"Holidays of {self.level.value} {self.layer_name}"

    @property
    def keys(self) -> list[str]:
        return [line.strip() for line in self.calendars.splitlines() if line.strip()]


class SleepGrant(OfLayer, models.Model):
    """An exemption or a forced sleep of one layer. It always ends; `ended_at` is when somebody ended it before."""

    ASKS = [(item.value, item.label) for item in (Ask.EXEMPTION, Ask.FORCED_SLEEP)]

    ask = models.CharField(max_length=16, choices=ASKS, verbose_name="what")
    deployment = models.ForeignKey(
        "Deployment", on_delete=models.PROTECT, null=True, blank=True, related_name="sleep_grants"
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="sleep_grants")
    environment = models.CharField(max_length=8, blank=True, choices=ENVIRONMENTS)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, null=True, blank=True, related_name="sleep_grants")
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(help_text="It ends by itself then.")
    target = models.PositiveIntegerField(default=0, help_text="Replicas while it is forced to sleep.")
    by = models.CharField(max_length=120)
    reason = models.CharField(max_length=300)
    ended_at = models.DateTimeField(null=True, blank=True)
    counted_at = models.DateTimeField(
        null=True, editable=False, help_text="When what it gave up was counted to its end."
    )

    class Meta:
        ordering = ["-since"]
        verbose_name = "exemption or forced sleep"
        verbose_name_plural = "exemptions and forced sleeps"
        constraints = [
            models.CheckConstraint(name="sleep_grant_of_one_layer", condition=of_one_layer()),
            models.CheckConstraint(name="sleep_grant_ends", condition=Q(until__gt=models.F("since"))),
        ]
        indexes = [models.Index(fields=["until"], name="sleep_grant_until")]

    def __str__(self) -> str:
        return f"{Ask(self.ask).label} of {self.level.value} {self.layer_name}"

    @property
    def ends_at(self) -> datetime:
        return min(self.until, self.ended_at) if self.ended_at else self.until

    def to_grant(self) -> Grant:
        # One that is ended in the moment in which it begins was never there.
        span = Span(self.since, max(self.ends_at, self.since + timedelta(microseconds=1)))
        return Grant(
            key=str(self.pk), ask=Ask(self.ask), span=span, owner=self.by, reason=self.reason, target=self.target
        )


class SleepFreeze(models.Model):
    """Nothing new sleeps on the cluster; waking goes on. `until` None: until somebody ends it."""

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="sleep_freezes")
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: until somebody ends it.")
    by = models.CharField(max_length=120)
    reason = models.CharField(max_length=300)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-since"]
        verbose_name = "freeze of sleep"
        verbose_name_plural = "freezes of sleep"
        constraints = [
            models.CheckConstraint(
                name="sleep_freeze_ends_later", condition=Q(until=None) | Q(until__gt=models.F("since"))
            )
        ]

    def __str__(self) -> str:
        return f"freeze of sleep on {self.cluster}"

    @property
    def ends_at(self) -> datetime | None:
        return min((end for end in (self.until, self.ended_at) if end is not None), default=None)

    def to_freeze(self) -> Freeze:
        return Freeze(key=str(self.pk), start=self.since, end=self.ends_at, owner=self.by, reason=self.reason)
