"""The settings of the container's variables."""

from typing import Final

from deployments.domain.spec.fields.field import CONTAINER, ENVIRONMENT, Field, InputKind, below

ROWS: Final = (
    Field(
        path="env",
        label="Variable",
        section=ENVIRONMENT,
        kind=InputKind.VARIABLES,
        help="Plain values only; passwords and keys belong in a Secret.",
        place=below(f"{CONTAINER}.env"),
        default=(),
        restarts=True,
    ),
    Field(
        path="env_refs",
        label="Variable",
        section=ENVIRONMENT,
        kind=InputKind.REFERENCES,
        help="Read from a key of an existing Secret or ConfigMap. The value is never shown here. "
        "One a line: NAME=secret/name/key or NAME=configmap/name/key.",
        place=below(f"{CONTAINER}.env", words=f"{CONTAINER}.env.valueFrom"),
        default=(),
        is_folded=True,
        restarts=True,
        is_risky=True,
    ),
)
