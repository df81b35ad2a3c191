"""Calendars of deployments for whoever counts hours: one for all that sleep by the same schedules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from deployments.domain.catalogue import Environment
from deployments.domain.cost.estimate import ALWAYS, Calendar
from deployments.domain.sleep.schedule.awake import ByInputs
from deployments.domain.sleep.schedule.layers import Level
from deployments.models import Cluster, Deployment, KeepAwake, Namespace, ServedModel, Team
from deployments.queries import sleep
from deployments.queries.sleep_layers import LayerKey, Said, said


@dataclass(slots=True)
class Remembered:
    """A calendar that is asked for the same stretch by many deployments, and works it out once."""

    calendar: Calendar
    _known: dict[tuple[datetime, datetime], tuple[tuple[datetime, datetime], ...]] = field(default_factory=dict)

    @property
    def pods_asleep(self) -> int:
        return self.calendar.pods_asleep

    def awake(self, start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
        key = (start, end)
        if key not in self._known:
            self._known[key] = tuple(self.calendar.awake(start, end))
        return self._known[key]


class Calendars:
    """Asks once for all schedules, and for the keep-awakes of `deployments`; the rest needs no query."""

    def __init__(self, deployments: Iterable[int] = (), *, at: datetime) -> None:
        asked = list(deployments)
        self._said = said(at=at)
        # What an ordinary month looks like: without what somebody asked for a time.
        self._usual = replace(self._said, exemptions={}, forced={}, freezes={})
        self._awake = sleep.keep_awakes_of(asked, at=at) if asked else {}
        self._shared: dict[tuple[object, ...], Calendar] = {}

    def usual(self, deployment: Deployment) -> Calendar:
        """By its schedules alone: what an ordinary month looks like. Needs its namespace."""
        place = deployment.namespace
        return self.at_place(
            deployment.pk or 0, team_id=place.team_id, environment=place.environment, cluster_id=place.cluster_id
        )

    def at_place(self, pk: int, *, team_id: int, environment: str, cluster_id: int) -> Calendar:
        """The same by the keys alone, for lists of rows that are not read whole."""
        return self._shared_by(self._usual, pk, team_id=team_id, environment=environment, cluster_id=cluster_id)

    def _shared_by(self, known: Said, pk: int, *, team_id: int, environment: str, cluster_id: int) -> Calendar:
        keys: tuple[LayerKey, ...] = (
            (Level.DEPLOYMENT, pk),
            (Level.TEAM, team_id),
            (Level.ENVIRONMENT, environment),
            (Level.CLUSTER, cluster_id),
        )
        rows = [of.get(key) for key in keys for of in (known.weekly, known.holidays)]
        forced = [grant.pk for key in keys for grant in known.forced.get(key, ())]
        if not (any(rows) or forced) or (environment == Environment.PROD and known.weekly.get(keys[0]) is None):
            return ALWAYS
        exempt = [grant.pk for key in keys for grant in known.exemptions.get(key, ())]
        frozen = [freeze.pk for freeze in known.freezes.get(cluster_id, ())]
        shared = (environment, *(row.pk if row else None for row in rows), *forced, "but", *exempt, "but", *frozen)
        if shared not in self._shared:
            # Names are only for the words of a decision, which nobody reads here.
            place = Namespace(team=Team(pk=team_id), cluster=Cluster(pk=cluster_id), environment=environment)
            found = sleep.inputs_of(Deployment(pk=pk, namespace=place), known, ())
            self._shared[shared] = Remembered(ByInputs(found))
        return self._shared[shared]

    def ahead(self, deployment: Deployment) -> Calendar:
        """With what people asked for by hand, and the sleep that is open now: what comes from now on."""
        kept: list[KeepAwake] = self._awake.get(deployment.pk or 0, [])
        record = deployment.sleep_for_plan
        sleeping = record.open_sleep if record else None
        if not kept and sleeping is None:
            place = deployment.namespace
            return self._shared_by(
                self._said,
                deployment.pk or 0,
                team_id=place.team_id,
                environment=place.environment,
                cluster_id=place.cluster_id,
            )
        return Remembered(ByInputs(sleep.inputs_of(deployment, self._said, kept), sleeping))


def of_place(namespace: Namespace, *, model: ServedModel | None = None) -> Deployment:
    """A deployment that is not there yet, to ask for the calendar and the budgets that it would have."""
    row = Deployment(namespace=namespace)
    if model is not None and model.pk is not None:
        row.model = model
    return row


def usual_of(deployment: Deployment | None, namespace: Namespace, *, at: datetime) -> Calendar:
    """The calendar of one deployment, or of one that is to be made in `namespace`."""
    return Calendars(at=at).usual(deployment or of_place(namespace))
