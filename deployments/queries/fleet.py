"""The fleet: filtered, sorted and counted in the database, so that 5,000 deployments cost what 50 do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Coalesce

from baristaweb.lib import registry
from baristaweb.lib.clock import now
from baristaweb.lib.looks import Tone
from deployments.domain.catalogue import Environment
from deployments.domain.status.states import State
from deployments.models import Cluster, Deployment, Team, User
from deployments.models.deployment import DeploymentQuerySet
from deployments.queries.shown import ATTENTION_FROM, shown_severity, shown_state

# Apart from the view since figures are; what was stored before has them in it.
MEASURED = Coalesce(KeyTransform("usage", "observation__figures"), KeyTransform("usage", "observation__view"))
RECENT = timedelta(hours=24)
ATTENTION = tuple(state.value for state in State if state.severity >= ATTENTION_FROM)
# Nobody knows how these do: not seen yet, or their cluster is not heard.
UNSEEN = (State.UNKNOWN.value, State.UNREACHABLE.value, State.SAVED_NOT_APPLIED.value)
MOVING = tuple(state.value for state in State if state.tone is Tone.BUSY)

SORTS = {
    "state": ("-severity", "environment_order", "name", "slug"),
    "name": ("name", "slug"),
    "-name": ("-name", "-slug"),
    "changed": ("-changed_at", "slug"),
    "-changed": ("changed_at", "slug"),
    "ready": ("observation__ready", "slug"),
    "-ready": ("-observation__ready", "slug"),
    "environment": ("environment_order", "name", "slug"),
    "-environment": ("-environment_order", "name", "slug"),
    "image": ("current__runtime__name", "current__spec__image_override", "slug"),
    "-image": ("-current__runtime__name", "-current__spec__image_override", "-slug"),
    "place": ("namespace__cluster__name", "namespace__name", "name"),
    "-place": ("-namespace__cluster__name", "-namespace__name", "-name"),
}
# Shares of use and costs are figures that the rows are made from, not columns of the database: the page sorts them.
USE_SORTS = {"cpu": 0, "-cpu": 0, "memory": 1, "-memory": 1}
COST_SORTS = ("cost", "-cost")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the page's address asks for; empty means any."""

    view: str = ""
    words: str = ""
    state: str = ""
    environment: str = ""
    type: str = ""
    team: str = ""
    cluster: str = ""
    runtime: str = ""
    column: str = ""  # NAME:STATE of a column that another app brings
    sort: str = "state"


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many deployments the user sees, by what matters."""

    live: int = 0
    attention: int = 0
    attention_prod: int = 0
    running: int = 0
    asleep: int = 0
    moving: int = 0
    unseen: int = 0
    prod: int = 0
    changed: int = 0
    retired: int = 0

    @property
    def is_calm(self) -> bool:
        """Whether each is known to be as its revision says, or to be on purpose as it is."""
        return self.attention == 0 and self.unseen == 0 and self.moving == 0

    def of_view(self, view: str) -> int:
        """How many a view shows without further filters; unknown views show all."""
        return {
            "attention": self.attention,
            "prod": self.prod,
            "changed": self.changed,
            "retired": self.retired,
        }.get(view, self.live)


def shown_to(user: User) -> DeploymentQuerySet:
    """Every deployment the user sees, retired ones too, with `shown` (its state) and `severity`."""
    return (
        Deployment.objects.visible_to(user)
        .annotate(shown=shown_state())
        .annotate(
            severity=shown_severity(),
            environment_order=Case(
                When(namespace__environment=Environment.PROD.value, then=Value(0)),
                When(namespace__environment=Environment.STAGING.value, then=Value(1)),
                default=Value(2),
                output_field=IntegerField(),
            ),
        )
    )


def rows(user: User, filters: Filters) -> DeploymentQuerySet:
    """The deployments that the filters leave, in order; `load` a page of them."""
    found = _view(shown_to(user), filters.view)
    if filters.state in State.__members__.values():
        found = found.filter(shown=filters.state)
    if filters.environment:
        found = found.filter(namespace__environment=filters.environment)
    if filters.type:
        found = found.filter(model__type=filters.type)
    if filters.team:
        found = found.filter(namespace__team__slug=filters.team)
    if filters.cluster:
        found = found.filter(namespace__cluster__slug=filters.cluster)
    if filters.runtime:
        found = found.filter(current__runtime__slug=filters.runtime)
    for word in filters.words.split()[:5]:
        found = found.filter(_matches(word))
    return _by_column(found, filters).only("pk").order_by(*orders().get(filters.sort, SORTS["state"]))


def orders() -> dict[str, tuple[str, ...]]:
    """Every order of the database, those of columns of other apps too: the worst first."""
    found = dict(SORTS)
    for column in registry.columns():
        found[column.name] = (f"-column_{column.name}", "name", "slug")
        found[f"-{column.name}"] = (f"column_{column.name}", "name", "slug")
    return found


def _by_column(found: DeploymentQuerySet, filters: Filters) -> DeploymentQuerySet:
    name, _, state = filters.column.partition(":")
    for column in registry.columns():
        if filters.sort in (column.name, f"-{column.name}"):
            found = column.annotate(found)
        if column.name == name and state:
            found = column.narrow(found, state)
    return found


def load(chosen: Iterable[Deployment]) -> list[Deployment]:
    """The chosen ones in their order, with what lists show; the clusters' objects are left in the database.

    Two queries on purpose: in one, the database would sort all rows with their specs and figures in tow.
    """
    return load_ids([row.pk for row in chosen])


def load_ids(ids: Sequence[int]) -> list[Deployment]:
    """The same by their keys."""
    found = (
        Deployment.objects.related()
        .defer("observation__view", "observation__figures", "current__estimate")
        .annotate(usage=MEASURED)
        .in_bulk(ids)
    )
    return [found[pk] for pk in ids]


def sizes(found: DeploymentQuerySet) -> Iterable[tuple[int, Any, Any, Any]]:
    """Key, measured use by pod, resources and hardware profile of each row, to compute shares of use from."""
    rows: Iterable[tuple[int, Any, Any, Any]] = found.values_list(
        "pk", MEASURED, KeyTransform("resources", "current__spec"), "current__profile"
    )
    return rows


def clusters_of(user: User) -> list[Cluster]:
    """Clusters in which the user may see deployments."""
    found = Cluster.objects.order_by("name")
    if not user.sees_everything:
        found = found.filter(namespaces__team_id__in=list(user.roles)).distinct()
    return list(found)


def counts(user: User) -> Counts:
    """One query whatever the size of the fleet."""
    recent = Q(changed_at__gte=now() - RECENT)
    groups = (
        shown_to(user)
        .order_by()
        .values("shown", "namespace__environment")
        .annotate(number=Count("pk"), changed=Count("pk", filter=recent))
    )
    total: Counter[str] = Counter()
    for group in groups:
        number, state = group["number"], group["shown"]
        if state in (State.RETIRED, State.RETIRING):
            total["retired"] += number
            continue
        is_prod = group["namespace__environment"] == Environment.PROD.value
        total["live"] += number
        total["changed"] += group["changed"]
        total["prod"] += number * is_prod
        total["attention"] += number * (state in ATTENTION)
        total["attention_prod"] += number * (state in ATTENTION and is_prod)
        total["running"] += number * (state == State.RUNNING)
        total["asleep"] += number * (state == State.ASLEEP)
        total["moving"] += number * (state in MOVING)
        total["unseen"] += number * (state in UNSEEN)
    return Counts(**total)


def needing_attention(user: User, limit: int) -> list[Deployment]:
    """The worst ones, prod first among equals."""
    return load(shown_to(user).only("pk").filter(shown__in=ATTENTION).order_by(*SORTS["state"])[:limit])


def teams_of(user: User) -> QuerySet[Team]:
    """Teams whose deployments the user sees."""
    return Team.objects.all() if user.sees_everything else Team.objects.filter(pk__in=list(user.roles))


def _view(found: DeploymentQuerySet, view: str) -> DeploymentQuerySet:
    gone = (State.RETIRED.value, State.RETIRING.value)
    if view == "retired":
        return found.filter(shown__in=gone)
    found = found.exclude(shown__in=gone)
    if view == "attention":
        return found.filter(shown__in=ATTENTION)
    if view == "prod":
        return found.filter(namespace__environment=Environment.PROD.value)
    if view == "changed":
        return found.filter(changed_at__gte=now() - RECENT)
    return found


def _matches(word: str) -> Q:
    return (
        Q(slug__icontains=word)
        | Q(model__name__icontains=word)
        | Q(namespace__team__name__icontains=word)
        | Q(changed_by__icontains=word)
        | Q(changed_what__icontains=word)
        | Q(current__spec__image_override__icontains=word)
        | Q(current__runtime__image__icontains=word)
        | Q(current__runtime__name__icontains=word)
    )
