"""The audit log, newest first, in pages that stay fast at any length: a page begins below a sequence number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Final

from django.db.models import DecimalField, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from deployments.models import AuditEvent, Deployment, User

MOST_WORDS: Final = 5
BY_COST: Final = {"cost": "cost difference, most first", "-cost": "cost difference, least first"}
COSTS: Final = {"more": "Costs more", "less": "Costs less", "same": "Costs the same", "unknown": "Not known"}
# As the index of the migration 0070 has them.
MOVES: Final = Cast(KeyTextTransform("cost_moves", "facts"), DecimalField(max_digits=30, decimal_places=4))
CURRENCY: Final = KeyTextTransform("cost_currency", "facts")


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """Kinds of events: whole, by their beginnings, and by their ends; and denied attempts by what was denied."""

    exact: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()

    @property
    def condition(self) -> Q:
        found = Q(kind__in=self.exact) | Q(facts__permission__in=self.denied)
        for text in self.begins:
            found |= Q(kind__startswith=text)
        for text in self.ends:
            found |= Q(kind__endswith=text)
        return found


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the page's address asks for; empty means any. `kinds` are beginnings of kinds."""

    words: str = ""
    said: tuple[Kinds, ...] = ()  # of each of the words, the kinds in whose sentences it stands
    actor: str = ""
    environment: str = ""
    team: str = ""
    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    outcome: str = ""
    request_id: str = ""
    before: int | None = None
    cost: str = ""
    least: Decimal | None = None
    sort: str = ""
    after: tuple[str, Decimal, int] | None = None

    @property
    def by_cost(self) -> bool:
        return self.sort in BY_COST


def events(user: User, filters: Filters) -> QuerySet[AuditEvent]:
    """Those the user may read."""
    found: QuerySet[AuditEvent] = AuditEvent.objects.visible_to(user)
    for word, said in zip_longest(filters.words.split()[:MOST_WORDS], filters.said[:MOST_WORDS], fillvalue=Kinds()):
        found = found.filter(
            Q(note__icontains=word)
            | Q(object_name__icontains=word)
            | Q(actor_name__icontains=word)
            | Q(actor_username__icontains=word)
            | Q(team_name__icontains=word)
            | Q(changes__icontains=word)
            | Q(facts__icontains=word)
            | Q(environment__iexact=word)
            | Q(via__iexact=word)
            | said.condition
        )
    if filters.actor:
        found = found.filter(Q(actor_name__icontains=filters.actor) | Q(actor_username__icontains=filters.actor))
    if filters.environment:
        found = found.filter(environment=filters.environment)
    if filters.team:
        found = found.filter(team_name=filters.team)
    if filters.kinds:
        wanted = Q()
        for beginning in filters.kinds:
            wanted |= Q(kind__startswith=beginning)
        found = found.filter(wanted)
    if filters.since:
        found = found.filter(at__gte=filters.since)
    if filters.until:
        found = found.filter(at__lt=filters.until)
    if filters.outcome:
        found = found.filter(was_allowed=filters.outcome == "done")
    if filters.request_id:
        found = found.filter(request_id=filters.request_id)
    found = _by_difference(found, filters)
    if filters.by_cost:
        return _ordered_by_cost(found, filters)
    if filters.before is not None:
        found = found.filter(seq__lt=filters.before)
    return found.order_by("-seq")


def _by_difference(found: QuerySet[AuditEvent], filters: Filters) -> QuerySet[AuditEvent]:
    """Those whose cost difference fits; entries that have none, and those without a price, only where asked for."""
    if filters.cost == "unknown":
        return found.filter(facts__cost_unknown=True)
    if not (filters.cost or filters.least is not None or filters.by_cost):
        return found
    found = found.filter(facts__has_key="cost_moves").annotate(moves=MOVES, currency=CURRENCY)
    if filters.cost == "more":
        found = found.filter(moves__gt=0)
    elif filters.cost == "less":
        found = found.filter(moves__lt=0)
    elif filters.cost == "same":
        found = found.filter(moves=0)
    if filters.least is not None:
        found = found.filter(Q(moves__gte=filters.least) | Q(moves__lte=-filters.least))
    return found


def _ordered_by_cost(found: QuerySet[AuditEvent], filters: Filters) -> QuerySet[AuditEvent]:
    """Each currency for itself, as none is compared with another; a page begins after the last one's end."""
    if filters.cost == "unknown":
        return found.order_by("-seq")
    is_up = filters.sort == "-cost"
    if filters.after is not None:
        currency, moves, seq = filters.after
        beyond = Q(moves__gt=moves) if is_up else Q(moves__lt=moves)
        found = found.filter(Q(currency__gt=currency) | Q(currency=currency) & (beyond | Q(moves=moves, seq__lt=seq)))
    return found.order_by("currency", "moves" if is_up else "-moves", "-seq")


def place_of(event: AuditEvent) -> str:
    """Where the next page begins, when ordered by cost: currency:difference:number."""
    return f"{event.facts.get('cost_currency', '')}:{event.facts.get('cost_moves', '')}:{event.seq}"


def slugs(user: User, shown: Iterable[AuditEvent]) -> dict[int, str]:
    """Addresses of the events' deployments that the user may open."""
    ids = {event.deployment_id for event in shown if event.deployment_id is not None}
    return dict(Deployment.objects.visible_to(user).filter(pk__in=ids).values_list("pk", "slug")) if ids else {}
