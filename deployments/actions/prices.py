"""A new price list of a cluster: always a new version, with an event that lists every price that is another one."""

from __future__ import annotations

from django.db import transaction

from deployments import audit
from deployments.actions import due
from deployments.audit import Actor
from deployments.domain.cost.matching import plain
from deployments.domain.cost.own_list import OwnLine
from deployments.models import Cluster, PriceVersion


@transaction.atomic
def publish(*, version: PriceVersion, by: Actor, note: str = "") -> PriceVersion:
    """Insert `version`. The lock of the cluster's row keeps two of them from being compared with the same old one."""
    Cluster.objects.select_for_update(of=("self",)).get(pk=version.cluster_id)
    before = PriceVersion.objects.filter(cluster_id=version.cluster_id, effective_at__lte=version.effective_at).first()
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
    return version


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
