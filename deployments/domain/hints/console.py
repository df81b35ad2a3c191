"""Deep links into Google Cloud's console for clusters that are GKE.

The addresses are those that the console itself shows for a workload, a pod and a Logs Explorer query
(cloud.google.com/logging/docs/view/logs-explorer-interface: query and duration as path parameters).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

CONSOLE = "https://console.cloud.google.com"


@dataclass(frozen=True, kw_only=True)
class GkeCluster:
    """Where a GKE cluster is; `name` is its name in Google Cloud."""

    project: str
    location: str
    name: str

    def workload(self, namespace: str, deployment: str) -> str:
        """The page of a Deployment."""
        return self._kubernetes("deployment", namespace, deployment, "overview")

    def pod(self, namespace: str, pod: str) -> str:
        """The page of a pod."""
        return self._kubernetes("pod", namespace, pod, "details")

    def logs(self, namespace: str, *, deployment_id: str = "", pod: str = "") -> str:
        """Cloud Logging, filtered to a deployment's pods or to one pod."""
        clauses = [
            'resource.type="k8s_container"',
            f'resource.labels.project_id="{_text(self.project)}"',
            f'resource.labels.location="{_text(self.location)}"',
            f'resource.labels.cluster_name="{_text(self.name)}"',
            f'resource.labels.namespace_name="{_text(namespace)}"',
        ]
        if deployment_id:
            clauses.append(f'labels."k8s-pod/barista_io/deployment-id"="{_text(deployment_id)}"')
        if pod:
            clauses.append(f'resource.labels.pod_name="{_text(pod)}"')
        query = quote("\n".join(clauses), safe="")
        return f"{CONSOLE}/logs/query;query={query};duration=PT1H?project={quote(self.project, safe='')}"

    def _kubernetes(self, kind: str, namespace: str, name: str, tab: str) -> str:
        parts = (self.location, self.name, namespace, name)
        path = "/".join(quote(part, safe="") for part in parts)
        return f"{CONSOLE}/kubernetes/{kind}/{path}/{tab}?project={quote(self.project, safe='')}"


def _text(value: str) -> str:
    """`value` inside a double-quoted string of the logging query language."""
    return value.replace("\\", "\\\\").replace('"', '\\"')
