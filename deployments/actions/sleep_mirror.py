"""Schedules that are said in the cluster too: annotations by which kube-downscaler would do what Barista does.

They are intent, written by the same apply as everything else of the Deployment, so that they are no drift, and what
somebody changes about them is.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from deployments import audit
from deployments.actions.deployments import change_intent
from deployments.audit import Actor
from deployments.domain.sleep.dialects import mirror
from deployments.domain.sleep.schedule.layers import Broken, Inputs
from deployments.domain.sleep.schedule.windows import Schedule
from deployments.models import Deployment
from deployments.queries.sleep_layers import Said, layers_of

log = structlog.get_logger(__name__)


def wanted(row: Deployment, known: Said, inputs: Inputs, *, at: datetime) -> dict[str, str]:
    """The annotations that its nearest schedule asks for at `at`; empty: it asks for none, or sleeps by none.

    A schedule that is not read leaves what is there: what cannot be read changes nothing.
    """
    nearest = next((known.weekly[key] for key, _ in layers_of(row) if key in known.weekly), None)
    _, weekly = inputs.weekly()
    is_kept = inputs.production is not None and not inputs.production.allowed
    if nearest is None or not nearest.is_mirrored or row.is_retired or is_kept:
        return {}
    if not isinstance(weekly, Schedule) or isinstance(inputs.keep_awake, Broken):
        return dict(row.mirrored)
    ends = [one.span.end for one in inputs.keep_awake if one.span.start <= at < one.span.end]
    try:
        return mirror.render(weekly, awake_until=max(ends, default=None))
    except mirror.NotMirrored as problem:
        log.warning("sleep_not_mirrored", deployment=row.pk, problem=str(problem))
        return {}


def write(row: Deployment, annotations: dict[str, str], *, by: Actor) -> None:
    """Make them intent. The row is locked."""
    before = row.mirrored
    row.mirrored = annotations
    change_intent(row, by=by, what="annotations of its sleep", fields=("mirrored",))
    audit.record("deployment.sleep_mirrored", row, by=by, facts={"before": before, "after": annotations})
