"""A line that somebody can paste to try the endpoint of a deployment."""

from __future__ import annotations

import shlex

from deployments.domain.catalogue import Runtime, expand
from deployments.domain.spec.spec import Spec, effective_probe


def sample_call(spec: Spec, runtime: Runtime, *, name: str, namespace: str, model_name: str) -> str:
    """curl against the model by the runtime's template, or its readiness check; empty when there is neither.

    From outside when there is an Ingress, else from within the cluster.
    """
    if spec.service is None:
        return ""
    address = f"http://{name}.{namespace}:{spec.service}"
    if spec.ingress_host:
        scheme = "https" if spec.ingress_tls_secret else "http"
        address = f"{scheme}://{spec.ingress_host}{spec.ingress_path.rstrip('/')}"
    values = {"artifact_uri": spec.artifact_uri, "model_name": model_name, "model_version": spec.model_version}
    if runtime.sample_path:
        call = ["curl", "-s", address + expand(runtime.sample_path, values)]
        if runtime.sample_body:
            call += ["-H", "Content-Type: application/json", "-d", expand(runtime.sample_body, values)]
        return shlex.join(call)
    ready = effective_probe(spec, runtime, "readiness")
    if ready is not None and ready.kind == "http" and ready.port_name == "http":
        return shlex.join(["curl", "-i", address + (ready.path or "/")])
    return ""
