"""This app's entries of the navigation, tabs, the fleet's column, and the boxes of other pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import IntegerField, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse

from baristaweb.lib.registry import Cell, Column, NavEntry, Part, Tab
from deployments.access import current_user, may
from deployments.domain.roles import Permission
from deployments.models import Deployment
from observability.domain.results.health import DataState
from observability.models import DataHealth


def _sees(request: HttpRequest, deployment: Deployment) -> bool:
    user = current_user(request)
    return may(user, Permission.DATA_VIEW, team_id=deployment.team.pk, environment=deployment.environment)


def _annotate(found: Any) -> Any:
    health = DataHealth.objects.filter(pk=OuterRef("pk")).values("severity")
    return found.annotate(column_data=Coalesce(Subquery(health), Value(-1), output_field=IntegerField()))


def _narrow(found: Any, state: str) -> Any:
    if state == DataState.NOT_CONNECTED.value:
        return found.exclude(pk__in=DataHealth.objects.values("pk"))
    return found.filter(pk__in=DataHealth.objects.filter(state=state).values("pk"))


def _cells(keys: Sequence[int]) -> dict[int, Cell]:
    rows = DataHealth.objects.filter(pk__in=keys).values_list("pk", "state", "sentence", "deployment__slug")
    return {
        key: Cell(state=DataState(state), title=sentence, url=reverse("deployment-data", args=[slug]))
        for key, state, sentence, slug in rows
    }


NAV: Final = (
    NavEntry(label="Data", url_name="fleet-data", order=25),
    NavEntry(label="Log sources", url_name="sources", order=30, under=("source",)),
)
TABS: Final = (
    Tab(name="observability", label="Observability", url_name="deployment-data", order=38, is_shown=_sees),
    Tab(name="source", label="Log source", url_name="deployment-sources", order=39),
)
COLUMNS: Final = (
    Column(
        name="data",
        label="Data",
        annotate=_annotate,
        narrow=_narrow,
        cells=_cells,
        states=lambda: list(DataState),
        missing="not connected",
    ),
)
PARTS: Final = (
    Part(
        place="overview",
        label="Data health",
        url_name="deployment-data-part",
        link_name="deployment-data",
        order=10,
        is_shown=_sees,
    ),
    Part(
        place="cost",
        label="Cost of 1,000 predictions",
        url_name="deployment-per-thousand",
        link_name="deployment-per-thousand",
        order=10,
        is_shown=_sees,
    ),
    Part(
        place="revision",
        label="Before and after, in the data",
        url_name="deployment-revision-data",
        link_name="deployment-revision-data",
        order=10,
        is_shown=_sees,
    ),
)
