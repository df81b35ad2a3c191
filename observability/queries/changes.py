"""What changed around a deployment's data: revisions and restarts by the audit log, and what was told from outside."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.urls import reverse

from deployments.models import AuditEvent, Deployment, Revision
from observability.domain.charts.rail import Change
from observability.models import ChangeEvent

MOST_CHANGES: Final = 200
REVISION_KINDS: Final = ("deployment.created", "revision.saved", "revision.rolled_back")
OTHER_KINDS: Final = {
    "deployment.restarted": "restart",
    "conflict.taken_over": "drift adopted",
    "deployment.slept": "sleep",
    "deployment.woken": "wake",
    "baseline.created": "baseline",
    "sourcerules.changed": "rules",
}


def changes_of(deployment: Deployment, since: datetime, until: datetime) -> list[Change]:
    """Newest last, with the address of each."""
    found = []
    events = AuditEvent.objects.filter(
        deployment_id=deployment.pk,
        was_allowed=True,
        kind__in=[*REVISION_KINDS, *OTHER_KINDS],
        at__gte=since,
        at__lt=until,
    ).order_by("-seq")
    summaries = _summaries(deployment, since)
    for event in events[:MOST_CHANGES]:
        number = event.facts.get("revision")
        if event.kind in REVISION_KINDS and isinstance(number, int):
            what, is_model = summaries.get(number, ("", False))
            found.append(
                Change(
                    at=event.at.timestamp() if event.at else 0.0,
                    label=f"rev {number}",
                    title=_title(f"revision {number}{f': {what}' if what else ''}", event),
                    url=reverse("deployment-revision-data", args=[deployment.slug, number]),
                    is_strong=is_model,
                )
            )
        else:
            label = OTHER_KINDS.get(event.kind, event.kind)
            url = reverse("audit-event", args=[event.seq])
            found.append(
                Change(at=event.at.timestamp() if event.at else 0.0, label=label, title=_title(label, event), url=url)
            )
    outside = ChangeEvent.objects.filter(
        deployment=deployment, withdrawn_at=None, occurred_at__gte=since, occurred_at__lt=until
    )
    told = reverse("deployment-change-events", args=[deployment.slug])
    for one in outside[:MOST_CHANGES]:
        at = f"{one.occurred_at:%a %d %b %Y %H:%M} UTC"
        title = f"{one.get_kind_display()}: {one.title}, {at}, recorded by {one.posted_by}"
        url = f"{told}#change-{one.pk}"
        found.append(
            Change(at=one.occurred_at.timestamp(), label=one.title[:24], title=title, url=url, is_outside=True)
        )
    return sorted(found, key=lambda change: change.at)


def _title(what: str, event: AuditEvent) -> str:
    return f"{what}, {event.at:%a %d %b %Y %H:%M} UTC, by {event.actor_name}"


def _summaries(deployment: Deployment, since: datetime) -> dict[int, tuple[str, bool]]:
    """What each revision changed, and whether the model or its image is among it."""
    rows = list(
        Revision.objects.filter(deployment=deployment)
        .order_by("-number")
        .values_list("number", "summary", "spec__model_version", "spec__image_override", "spec__artifact_uri")[
            :MOST_CHANGES
        ]
    )
    found = {}
    for place, (number, summary, *model) in enumerate(rows):
        before = rows[place + 1][2:] if place + 1 < len(rows) else None
        found[number] = (summary, before is None or list(before) != model)
    return found
