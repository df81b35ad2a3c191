"""The settings of how the model is reached."""

from typing import Final

from deployments.domain.spec.fields.field import CONTAINER, NETWORK, PORTS, Field, InputKind, at, below

ROWS: Final = (
    Field(
        path="service",
        label="Service port",
        section=NETWORK,
        kind=InputKind.PORT,
        help="Empty means no Service.",
        place=at("spec.ports[http].port", "Service"),
        default=80,
        can_be_empty=True,
        bounds=PORTS,
    ),
    Field(
        path="ingress_host",
        label="Ingress host",
        section=NETWORK,
        kind=InputKind.TEXT,
        help="A name under which the model is reachable from outside the cluster.",
        place=at("spec.rules[0].host", "Ingress"),
        is_risky=True,
    ),
    Field(
        path="grpc_port",
        label="gRPC port",
        section=NETWORK,
        kind=InputKind.PORT,
        help="Replaces the runtime's.",
        place=below(f"{CONTAINER}.ports[grpc]"),
        bounds=PORTS,
        is_folded=True,
        restarts=True,
    ),
    Field(
        path="ingress_path",
        label="Ingress path",
        section=NETWORK,
        kind=InputKind.TEXT,
        help="Begins with /.",
        place=at("spec.rules[0].http.paths[0].path", "Ingress"),
        default="/",
        is_folded=True,
    ),
    Field(
        path="ingress_tls_secret",
        label="TLS Secret",
        section=NETWORK,
        kind=InputKind.TEXT,
        help="The name of the Secret with the certificate.",
        place=at("spec.tls[0].secretName", "Ingress"),
        is_folded=True,
    ),
    Field(
        path="ingress_class",
        label="Ingress class",
        section=NETWORK,
        kind=InputKind.TEXT,
        help="Which controller serves it. Empty means the cluster's default.",
        place=at("spec.ingressClassName", "Ingress"),
        is_folded=True,
    ),
)
