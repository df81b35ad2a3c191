"""The settings of how pods are replaced, asked for their health and ended."""

from typing import Final

from deployments.domain.spec.fields.field import (
    CONTAINER,
    POD,
    ROLLOUT,
    Bounds,
    Field,
    Input,
    InputKind,
    Shape,
    Variant,
    at,
    below,
)
from deployments.domain.spec.parts import Recreate, RollingUpdate

ROLLING: Final = "RollingUpdate"
RECREATE: Final = "Recreate"
PROBES: Final = ("startup", "readiness", "liveness")

# Kubernetes itself knows no most. These hold for the specs of deployments and for the catalogue's runtimes alike, and
# each is the wider of two that once differed (300 and 600 seconds, 360 and 1000 failures): a narrower one would refuse
# what is stored at an edit of something else, and a large model that loads for an hour, asked every four seconds, fails
# 900 times before it is ready.
PROBE_BOUNDS: Final = {
    "initial_delay_s": Bounds(0, 3600, "The wait before the first check must be"),
    "period_s": Bounds(1, 3600, "The time between checks must be"),
    "timeout_s": Bounds(1, 600, "The time for an answer must be"),
    "failure_threshold": Bounds(1, 1000, "The number of failures must be"),
}

_ROLLING: Final = ("strategy.type", (ROLLING,))


def _probe(name: str, label: str, help: str, *, is_risky: bool) -> Field:
    kind = f"{name}.kind"
    whole = f"{help}: how it asks, how often, and after how many failures."

    def number(key: str, label: str, default: int, unit: str = "s") -> Input:
        return Input(
            path=f"{name}.{key}",
            label=label,
            shape=Shape.NUMBER,
            unit=unit,
            when=(kind, ("http", "tcp", "grpc")),
            default=default,
            start=str(default),
            bounds=PROBE_BOUNDS[key],
        )

    return Field(
        path=name,
        label=label,
        section=ROLLOUT,
        kind=InputKind.PROBE,
        help=whole,
        place=below(f"{CONTAINER}.{name}Probe"),
        parts=(
            Input(
                path=kind,
                label=label,
                shape=Shape.SELECT,
                help=whole,
                choices=(
                    ("", "As the runtime has it"),
                    ("off", "None"),
                    ("http", "HTTP GET"),
                    ("tcp", "TCP connection"),
                    ("grpc", "gRPC health"),
                ),
                default="http",
            ),
            Input(path=f"{name}.path", label="Path", help="Such as /healthz.", when=(kind, ("http",))),
            Input(
                path=f"{name}.port_name",
                label="Port",
                shape=Shape.SELECT,
                choices=(("http", "HTTP"), ("grpc", "gRPC")),
                when=(kind, ("http", "tcp")),
                default="http",
                start="http",
            ),
            number("initial_delay_s", "Initial delay", 0),
            number("period_s", "Check interval", 10),
            number("timeout_s", "Timeout", 1),
            number("failure_threshold", "Failure threshold", 3, "checks"),
        ),
        is_folded=True,
        restarts=True,
        is_risky=is_risky,
    )


ROWS: Final = (
    Field(
        path="strategy.type",
        label="Strategy",
        section=ROLLOUT,
        kind=InputKind.VARIANT,
        help="RollingUpdate replaces pods gradually; Recreate stops all old pods first.",
        place=at("spec.strategy.type"),
        start=ROLLING,
        variants=(
            Variant(ROLLING, RollingUpdate, "Gradually: new pods first, then the old ones end", ROLLING),
            Variant(
                RECREATE, Recreate, "All old pods end first: an interruption, but never two versions at once", RECREATE
            ),
        ),
        is_risky=True,
    ),
    Field(
        path="strategy.max_surge",
        label="Max surge",
        section=ROLLOUT,
        kind=InputKind.COUNT,
        help='Pods above the number during a rollout: a count or "25%".',
        place=at("spec.strategy.rollingUpdate.maxSurge"),
        default=1,
        when=_ROLLING,
    ),
    Field(
        path="strategy.max_unavailable",
        label="Max unavailable",
        section=ROLLOUT,
        kind=InputKind.COUNT,
        help='Pods below the number during a rollout: a count or "25%".',
        place=at("spec.strategy.rollingUpdate.maxUnavailable"),
        default=0,
        when=_ROLLING,
    ),
    _probe("startup", "Startup probe", "Until it passes nothing else is asked; give large models time", is_risky=False),
    _probe("readiness", "Readiness probe", "A pod that fails it gets no requests", is_risky=True),
    _probe("liveness", "Liveness probe", "A pod that fails it is restarted", is_risky=True),
    Field(
        path="progress_deadline_s",
        label="Progress deadline",
        section=ROLLOUT,
        kind=InputKind.SECONDS,
        help="Seconds without progress after which a rollout counts as stalled. Longer than a model takes to load.",
        place=at("spec.progressDeadlineSeconds"),
        default=600,
        unit="s",
        bounds=Bounds(1, 86_400, ends=" seconds"),
        is_folded=True,
    ),
    Field(
        path="min_ready_s",
        label="Min ready time",
        section=ROLLOUT,
        kind=InputKind.SECONDS,
        help="Seconds a new pod must stay ready before the next is replaced.",
        place=at("spec.minReadySeconds"),
        default=0,
        unit="s",
        bounds=Bounds(0, 3600, ends=" seconds"),
        is_folded=True,
    ),
    Field(
        path="termination_grace_s",
        label="Termination grace period",
        section=ROLLOUT,
        kind=InputKind.SECONDS,
        help="Seconds a pod has to finish its requests before it is killed.",
        place=at(f"{POD}.terminationGracePeriodSeconds"),
        unit="s",
        bounds=Bounds(1, 3600, ends=" seconds"),
        is_folded=True,
        restarts=True,
    ),
    Field(
        path="pre_stop_sleep_s",
        label="Pre-stop delay",
        section=ROLLOUT,
        kind=InputKind.SECONDS,
        help="Seconds a pod goes on serving while load balancers forget it.",
        place=at(f"{CONTAINER}.lifecycle.preStop.sleep.seconds", words=f"{CONTAINER}.lifecycle.preStop.sleep"),
        unit="s",
        is_folded=True,
        restarts=True,
    ),
)
