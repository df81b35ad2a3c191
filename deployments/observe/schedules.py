"""What other downscalers were told in a cluster, for the page that imports it: read by the watch, never by a page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from deployments.domain.sleep.dialects import files
from deployments.kube.api import Forbidden, Gateway, NotFound, ObjectKind


def schedules(gateway: Gateway, namespaces: Iterable[str], *, at: datetime) -> dict[str, Any]:
    """Annotations of kube-downscaler on Deployments and on our namespaces, and SleepInfos of kube-green, as JSON.

    `problem` says what could not be read. Raises ClusterError where the cluster itself does not answer.
    """
    found = [{**one, "kind": "Deployment"} for one in gateway.list_objects(ObjectKind.DEPLOYMENT).items]
    for name in sorted(namespaces):
        place = gateway.get(ObjectKind.NAMESPACE, None, name)
        if place is not None:
            found.append({**place, "kind": "Namespace"})
    problem = ""
    try:
        found += [{**one, "kind": "SleepInfo"} for one in gateway.list_objects(ObjectKind.SLEEP_INFO).items]
    except NotFound:
        pass  # kube-green is not installed there
    except Forbidden as error:
        problem = f"SleepInfos of kube-green were not read: {error}"[:300]
    return {"at": at.isoformat(), "objects": files.kept(found), "problem": problem}
