"""The fleet: what needs attention, then every deployment, filtered, sorted and live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from baristaweb.lib import registry
from baristaweb.lib.clock import now
from baristaweb.lib.looks import Tone
from deployments.access import current_user, may
from deployments.actions.bulk import BulkAction
from deployments.domain.catalogue import Environment, ModelType
from deployments.domain.cost.amounts import Amount
from deployments.domain.roles import Permission
from deployments.domain.status.pods import without_name
from deployments.domain.status.states import State, Summary
from deployments.domain.status.usage import uses_from_json
from deployments.models import Deployment, Runtime, SavedView, User
from deployments.queries import fleet as queries
from deployments.queries import fleet_costs, measured
from deployments.queries.shown import heard_at, summary_of
from deployments.views import usage
from deployments.views.usage import Use

PAGE_SIZE = 50
ATTENTION_SHOWN = 6
FIELDS = ("q", "view", "state", "environment", "type", "team", "cluster", "runtime", "column", "sort")
VIEW_WORDS = {
    "": "All",
    "attention": "Needs attention",
    "prod": "Prod",
    "changed": "Changed in 24 h",
    "retired": "Retired",
}
SORT_WORDS = {
    "state": "state",
    "name": "name",
    "-name": "name, from Z",
    "changed": "last change",
    "-changed": "last change, oldest first",
    "ready": "ready pods",
    "-ready": "ready pods, most first",
    "environment": "environment",
    "-environment": "environment, dev first",
    "cpu": "use of CPU, most first",
    "-cpu": "use of CPU, least first",
    "memory": "use of memory, most first",
    "-memory": "use of memory, least first",
    "cost": "cost, most first",
    "-cost": "cost, least first",
    "image": "runtime and image",
    "-image": "runtime and image, from Z",
    "place": "cluster and namespace",
    "-place": "cluster and namespace, from Z",
}


@dataclass(frozen=True)
class Row:
    """One deployment as the list shows it."""

    deployment: Deployment
    summary: Summary
    heard_at: datetime | None
    is_stale: bool
    month: Amount | None = None  # what it costs by estimate; None where nothing is to run, or nobody asked
    spark: tuple[str, str] = ("", "")  # what it came to by the day as measured: a path and its words

    @property
    def state(self) -> State:
        return self.summary.state

    @property
    def lacks_pods(self) -> bool:
        return self.summary.ready < (self.summary.desired or 0)

    @property
    def short_reason(self) -> str:
        """Why it needs attention: the detail when something fails, the sentence when somebody has to decide."""
        is_failure = self.state.tone in (Tone.BAD, Tone.STALL) and self.state is not State.UNREACHABLE
        if is_failure and self.summary.why:
            return without_name(self.summary.why, self.summary.worst_pod)
        return self.summary.sentence

    @property
    def reason(self) -> str:
        """The same with how many pods are left."""
        short = self.short_reason
        if short == self.summary.sentence or self.summary.desired is None:
            return short
        return f"{self.summary.ready} of {self.summary.desired} ready. {short}"

    @cached_property
    def use(self) -> tuple[Use | None, Use | None]:
        """CPU and memory; the list alone reads what is measured."""
        return usage.of_pods(uses_from_json(getattr(self.deployment, "usage", None)), self.deployment.current)

    @property
    def autoscale(self) -> str:
        replicas = self._spec.get("replicas") or {}
        return f"HPA {replicas['min']} to {replicas['max']}" if replicas.get("mode") == "autoscale" else ""

    @property
    def version(self) -> str:
        return str(self._spec.get("model_version") or "")

    @property
    def runtime(self) -> str:
        current = self.deployment.current
        return str(current.runtime.get("name", "")) if current else ""

    @property
    def image(self) -> str:
        current = self.deployment.current
        return str(self._spec.get("image_override") or (current.runtime.get("image", "") if current else ""))

    @property
    def short_image(self) -> str:
        """Name and tag; of a digest the first 12 digits, as docker shows them."""
        name, _, digest = self.image.rsplit("/", 1)[-1].partition("@")
        return f"{name}@{digest.removeprefix('sha256:')[:12]}" if digest else name

    @property
    def _spec(self) -> dict[str, Any]:
        return self.deployment.current.spec if self.deployment.current else {}


def make_rows(deployments: list[Deployment], *, is_priced: bool = False) -> list[Row]:
    at = now()
    months = fleet_costs.months_of([fleet_costs.Size.of(item) for item in deployments], at=at) if is_priced else {}
    sparks = measured.sparks([item.pk for item in deployments], at=at) if is_priced else {}
    old = at - timedelta(seconds=settings.BARISTA.observation_stale_s)
    rows = []
    for deployment in deployments:
        heard = heard_at(deployment)
        is_stale = heard is not None and heard < old
        spark = sparks.get(deployment.pk, ("", ""))
        rows.append(Row(deployment, summary_of(deployment, at=at), heard, is_stale, months.get(deployment.pk), spark))
    return rows


@require_safe
def fleet(request: HttpRequest) -> HttpResponse:
    """The whole page; to a poll or a changed filter only its live parts."""
    user = current_user(request)
    filters = filters_of(request.GET)
    query = query_of(filters)
    saved = list(SavedView.objects.filter(user=user))
    counts = queries.counts(user)
    is_filtered = filters != queries.Filters(view=filters.view, sort=filters.sort)
    page, found = _page(request, user, filters, None if is_filtered else counts.of_view(filters.view))
    rows = make_rows(found, is_priced=True)
    if page.number == 1 and filters == queries.Filters():
        attention = [row for row in rows if row.state in queries.ATTENTION][:ATTENTION_SHOWN]
    else:
        attention = make_rows(queries.needing_attention(user, ATTENTION_SHOWN) if counts.attention else [])
    context = {
        "filters": filters,
        "is_filtered": is_filtered,
        "page": page,
        "page_numbers": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "rows": rows,
        "counts": counts,
        "attention": attention,
        "tabs": _tabs(counts),
        "query": query,
        "saved_views": saved,
        "is_saved": any(view.query == query for view in saved),
        "states": list(State),
        "columns": [(column, column.cells([row.deployment.pk for row in rows])) for column in registry.columns()],
        "environments": list(Environment),
        "types": list(ModelType),
        "teams": queries.teams_of(user),
        "clusters": queries.clusters_of(user),
        "runtimes": Runtime.objects.all(),
        "is_settled": all(row.state.settled for row in rows),
        "heard_at": max((row.heard_at for row in rows if row.heard_at), default=None),
        "may_create": may_create(user),
        "bulk_actions": list(BulkAction) if may_create(user) else [],
    }
    is_part = request.htmx and request.htmx.target == "fleet-rows"  # type: ignore[attr-defined]
    answer = render(request, "deployments/fleet.html#live" if is_part else "deployments/fleet.html", context)
    patch_vary_headers(answer, ["HX-Request", "HX-Target"])
    return answer


def _page(
    request: HttpRequest, user: User, filters: queries.Filters, count: int | None
) -> tuple[Page[Any], list[Deployment]]:
    """The page asked for and its rows. `count`: how many there are, when that is counted already."""
    chosen: Any = queries.rows(user, filters)
    if filters.sort in queries.USE_SORTS:
        least_first = filters.sort.startswith("-")
        chosen = usage.order(queries.sizes(chosen), which=queries.USE_SORTS[filters.sort], least_first=least_first)
    elif filters.sort in queries.COST_SORTS:
        chosen = fleet_costs.order(fleet_costs.sizes(chosen), at=now(), least_first=filters.sort.startswith("-"))
    pages = Paginator(chosen, PAGE_SIZE)
    if count is not None:
        pages.count = count
    page = pages.get_page(request.GET.get("page"))
    ids = page.object_list if isinstance(chosen, list) else [row.pk for row in page.object_list]
    return page, queries.load_ids(list(ids))


def filters_of(data: QueryDict) -> queries.Filters:
    """What a query string asks for."""
    given = {name: data.get(name, "").replace("\0", "")[:100].strip() for name in FIELDS}
    sort = given["sort"] if given["sort"] in {*SORT_WORDS, *queries.orders()} else "state"
    return queries.Filters(words=given.pop("q"), **given | {"sort": sort})


def query_of(filters: queries.Filters) -> str:
    """The query string that asks for this, in one spelling only: empty for the whole fleet in its usual order."""
    given = {name: getattr(filters, "words" if name == "q" else name) for name in FIELDS}
    return urlencode({name: value for name, value in given.items() if value and (name, value) != ("sort", "state")})


def _tabs(counts: queries.Counts) -> list[tuple[str, str, int]]:
    numbers = {
        "": counts.live,
        "attention": counts.attention,
        "prod": counts.prod,
        "changed": counts.changed,
        "retired": counts.retired,
    }
    return [(key, words, numbers[key]) for key, words in VIEW_WORDS.items()]


def may_create(user: User) -> bool:
    """Whether some environment of some team is open to the user; the form offers only those."""
    permission = Permission.DEPLOYMENT_CREATE
    is_member = any(may(user, permission, team_id=team, environment=Environment.DEV) for team in user.roles)
    return is_member or user.is_platform_admin
