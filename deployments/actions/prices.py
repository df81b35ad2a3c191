"""A new price list of a cluster, and what was negotiated for it: always a new version, with an event that lists every
price that is another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from baristaweb.lib.clock import now
from deployments import audit
from deployments.actions import due, records
from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.domain.cost.matching import plain
from deployments.domain.cost.own_list import OwnLine, check_bounds
from deployments.domain.cost.rules import Component
from deployments.domain.cost.terms import Kind, Term, applied, listed
from deployments.models import Cluster, PriceTerm, PriceVersion

BY: Final = Actor.system("prices")
OLDEST: Final = timedelta(days=366)


@transaction.atomic
def publish(*, version: PriceVersion, by: Actor, note: str = "") -> PriceVersion:
    """Insert `version`, with what was negotiated worked in, also where terms begin or end after it."""
    _lock(version.cluster_id)
    terms = _terms(version.cluster_id)
    lines = (OwnLine.from_json(line) for line in version.lines)
    version.lines = _json(applied(lines, terms, at=version.effective_at))
    _insert(version, by=by, note=note)
    _settle(version.cluster_id, terms, since=version.effective_at, at=now(), by=by, note=note)
    return version


@transaction.atomic
def agree(*, row: PriceTerm, by: Actor, note: str = "") -> PriceTerm:
    """Keep a negotiated price; versions of the list from its instant on have it. Raises Wrong."""
    at = now()
    try:
        term = row.to_domain()
        if term.kind is Kind.OVERRIDE:
            _check_price(row)
    except ValueError as problem:
        raise Wrong({"value": str(problem)}) from problem
    if row.effective_at < at - OLDEST:
        raise Wrong({"effective_at": f"It begins at most {OLDEST.days} days ago."})
    if row.pk is not None:
        raise Refused("What was agreed on is not changed. End it, and create another one.")
    _lock(row.cluster_id)
    saved = records.save(row=row, by=by, note=note)
    _settle(row.cluster_id, _terms(row.cluster_id), since=row.effective_at, at=at, by=by, note=note)
    return saved


@transaction.atomic
def end(*, row: PriceTerm, by: Actor, note: str = "") -> PriceTerm:
    """It counts until now; one that has not begun never counts. Raises Refused."""
    _lock(row.cluster_id)
    found, at = PriceTerm.objects.select_for_update(of=("self",)).get(pk=row.pk), now()
    if found.ends_at is not None and found.ends_at <= at:
        raise Refused("It has ended already.")
    found.ends_at = max(at, found.effective_at + timedelta(microseconds=1))
    saved = records.save(row=found, by=by, note=note)
    _settle(row.cluster_id, _terms(row.cluster_id), since=at, at=at, by=by, note=note)
    return saved


def settle_all() -> int:
    """What began or ended by itself since the last time; how many versions that made. A chore of the relay."""
    agreed = PriceTerm.objects.filter(cluster=OuterRef("pk"))
    return sum(_settle_now(cluster) for cluster in Cluster.objects.filter(Exists(agreed)).values_list("pk", flat=True))


@transaction.atomic
def _settle_now(cluster_id: int) -> int:
    _lock(cluster_id)
    terms, at = _terms(cluster_id), now()
    edges = [edge for edge in _edges(terms) if edge <= at]
    version = _in_force(cluster_id, at)
    if not edges or version is None or _wanted(version, terms, at) == version.lines:
        return 0
    return _settle(cluster_id, terms, since=max(edges), at=at, by=BY, note="A negotiated price began or ended.")


def _settle(cluster_id: int, terms: Sequence[Term], *, since: datetime, at: datetime, by: Actor, note: str) -> int:
    """From `since` to `at`, a new version wherever the list in force is not what was agreed on."""
    versions = PriceVersion.objects.filter(cluster=cluster_id, effective_at__gt=since, effective_at__lte=at)
    points = {since, *versions.values_list("effective_at", flat=True), *_edges(terms)}
    count = 0
    for point in sorted(point for point in points if since <= point <= at):
        version = _in_force(cluster_id, point)
        if version is None:
            continue
        wanted = _wanted(version, terms, point)
        if wanted != version.lines:
            twin = PriceVersion(
                cluster_id=cluster_id,
                name=version.name,
                source=version.source,
                currency=version.currency,
                effective_at=point,
                lines=wanted,
            )
            _insert(twin, by=by, note=note)
            count += 1
    return count


def _wanted(version: PriceVersion, terms: Iterable[Term], at: datetime) -> list[dict[str, str]]:
    return _json(applied((OwnLine.from_json(line) for line in version.lines), terms, at=at))


def _in_force(cluster_id: int, at: datetime) -> PriceVersion | None:
    return PriceVersion.objects.filter(cluster=cluster_id, effective_at__lte=at).first()


def _terms(cluster_id: int) -> list[Term]:
    return [row.to_domain() for row in PriceTerm.objects.filter(cluster=cluster_id)]


def _edges(terms: Iterable[Term]) -> set[datetime]:
    return {edge for term in terms for edge in (term.since, term.until) if edge is not None}


def _json(lines: Iterable[OwnLine]) -> list[dict[str, str]]:
    return [line.to_json() for line in lines]


def _check_price(row: PriceTerm) -> None:
    version = _in_force(row.cluster_id, row.effective_at)
    check_bounds(Component(row.component), row.value, version.currency if version else "USD")


def _lock(cluster_id: int) -> None:
    """Keeps two versions from being compared with the same old one."""
    Cluster.objects.select_for_update(of=("self",)).get(pk=cluster_id)


def _insert(version: PriceVersion, *, by: Actor, note: str) -> None:
    before = _in_force(version.cluster_id, version.effective_at)
    version.save(force_insert=True)
    due.mark_since(version.cluster_id, version.effective_at)
    audit.record(
        "priceversion.created",
        version,
        by=by,
        note=note,
        changes=_changes(before, version),
        facts={"cluster": version.cluster.name, "prices": len(version.lines), "source": version.source},
    )


def _changes(before: PriceVersion | None, after: PriceVersion) -> list[dict[str, str]]:
    old, new = _prices(before) if before else {}, _prices(after)
    return [
        {"path": "lines", "label": words, "before": old.get(words, ""), "after": new.get(words, "")}
        for words in sorted(old.keys() | new.keys())
        if old.get(words) != new.get(words)
    ]


def _prices(version: PriceVersion) -> dict[str, str]:
    lines = (OwnLine.from_json(line) for line in version.lines)
    return {line.words: f"{plain(line.per_hour)} {version.currency}" for line in lines}


def without_terms(version: PriceVersion | None) -> list[OwnLine]:
    """The lines of the list that a version was made from."""
    return list(listed(OwnLine.from_json(line) for line in version.lines)) if version is not None else []
