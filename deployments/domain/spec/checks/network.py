"""Checks of how the model is reached."""

from __future__ import annotations

from deployments.domain.catalogue import Runtime
from deployments.domain.spec.checks.values import Errors, is_url_path, object_name_problem
from deployments.domain.spec.spec import Spec
from deployments.domain.text import naming


def check(spec: Spec, runtime: Runtime | None, errors: Errors) -> None:
    grpc = spec.grpc_port
    if grpc is not None and "grpc_port" not in errors and runtime and grpc in (runtime.http_port, runtime.metrics_port):
        free = next(port for port in range(9000, 9003) if port not in (runtime.http_port, runtime.metrics_port))
        errors["grpc_port"] = f"{runtime.name} uses port {grpc} for something else: choose another, such as {free}."
    _ingress(spec, errors)
    if spec.ingress_host is None:
        return
    try:
        naming.check_host(spec.ingress_host, "Ingress host")
    except naming.InvalidName as problem:
        errors["ingress_host"] = str(problem)
    if spec.service is None:
        errors["ingress_host"] = "An Ingress needs a Service: fill in the Service port too, such as 80."


def _ingress(spec: Spec, errors: Errors) -> None:
    extras = {
        "ingress_path": spec.ingress_path if spec.ingress_path != "/" else None,
        "ingress_tls_secret": spec.ingress_tls_secret,
        "ingress_class": spec.ingress_class,
    }
    for path, value in extras.items():
        if value is None:
            continue
        if spec.ingress_host is None:
            errors[path] = "Needs an Ingress host: fill it in, or leave this empty."
        elif path == "ingress_path":
            if not is_url_path(value) or ".." in value.split("/"):
                errors[path] = "Must begin with / and hold no spaces, for example /v1."
        elif problem := object_name_problem(value, "name"):
            errors[path] = problem
