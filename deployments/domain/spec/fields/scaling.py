"""The settings of how many pods there are."""

from typing import Final

from deployments.domain.spec.fields.field import (
    NEEDED,
    SCALING,
    Bounds,
    Field,
    Input,
    InputKind,
    Shape,
    Variant,
    at,
    below,
)
from deployments.domain.spec.parts import Autoscale, Fixed

FIXED: Final = "fixed"
AUTOSCALE: Final = "autoscale"

_HPA: Final = "HorizontalPodAutoscaler"
_FIXED: Final = ("replicas.mode", (FIXED,))
_AUTOSCALE: Final = ("replicas.mode", (AUTOSCALE,))


def _pace(name: str, label: str, help: str, key: str) -> Field:
    path = f"replicas.{name}"
    steps = Bounds(1, 1000, "Pods and percent for each period must be")

    def number(member: str, label: str, unit: str, bounds: Bounds, default: int | None = None, help: str = "") -> Input:
        return Input(
            path=f"{path}.{member}",
            label=label,
            shape=Shape.NUMBER,
            help=help,
            unit=unit,
            when=_AUTOSCALE,
            default=default,
            bounds=bounds,
        )

    return Field(
        path=path,
        label=label,
        section=SCALING,
        kind=InputKind.PACE,
        help=help,
        place=below(f"spec.behavior.{key}", _HPA),
        parts=(
            number("pods", f"{label}: at most", "pods", steps, help=f"{help} Empty: Kubernetes' own pace."),
            number("percent", "or at most", "%", steps, help="Of the pods there are; the larger of both counts."),
            number("period_s", "in", "s", Bounds(1, 1800, "The period must be", " seconds"), 60),
            number(
                "stabilization_s",
                "stabilization window",
                "s",
                Bounds(0, 3600, "The stabilization window must be", " seconds"),
            ),
        ),
        when=_AUTOSCALE,
        is_folded=True,
    )


# How many pods there may be at most is the installation's limit: checks/scaling.py.
# Above 100 pods are added only when they use more than they asked for, which a limit above the request lets them.
TARGET: Final = Bounds(1, 1000)

ROWS: Final = (
    Field(
        path="replicas.mode",
        label="Scaling mode",
        section=SCALING,
        kind=InputKind.VARIANT,
        help="A fixed number, or a range that follows the load.",
        place=below("", _HPA, words=_HPA),
        start=FIXED,
        variants=(
            Variant(FIXED, Fixed, "A fixed number of pods", "Fixed number"),
            Variant(AUTOSCALE, Autoscale, "A range that follows the load (autoscaler)", "Follows the load"),
        ),
        is_risky=True,
    ),
    Field(
        path="replicas.count",
        label="Replicas",
        section=SCALING,
        kind=InputKind.NUMBER,
        help="Pods serving.",
        place=at("spec.replicas", words="spec.replicas (through /scale)"),
        default=NEEDED,
        start="1",
        unit="pods",
        when=_FIXED,
        is_risky=True,
    ),
    Field(
        path="replicas.min",
        label="Min replicas",
        section=SCALING,
        kind=InputKind.NUMBER,
        help="Pods kept when idle.",
        place=at("spec.minReplicas", _HPA),
        default=NEEDED,
        start="1",
        unit="pods",
        when=_AUTOSCALE,
        is_risky=True,
    ),
    Field(
        path="replicas.max",
        label="Max replicas",
        section=SCALING,
        kind=InputKind.NUMBER,
        help="The ceiling of the bill.",
        place=at("spec.maxReplicas", _HPA),
        default=NEEDED,
        start="3",
        unit="pods",
        when=_AUTOSCALE,
        is_risky=True,
    ),
    Field(
        path="replicas.cpu_percent",
        label="CPU target",
        section=SCALING,
        kind=InputKind.PERCENT,
        help="Percent of the requested CPU at which pods are added.",
        place=below("spec.metrics", _HPA, words="HPA spec.metrics[cpu].target.averageUtilization"),
        default=70,
        can_be_empty=True,
        unit="% of the request",
        bounds=TARGET,
        when=_AUTOSCALE,
    ),
    Field(
        path="replicas.memory_percent",
        label="Memory target",
        section=SCALING,
        kind=InputKind.PERCENT,
        help="Percent of the requested memory at which pods are added. Few models give memory back.",
        place=below("spec.metrics", _HPA, words="HPA spec.metrics[memory].target.averageUtilization"),
        unit="% of the request",
        bounds=TARGET,
        when=_AUTOSCALE,
        is_folded=True,
    ),
    _pace("scale_up", "Scaling up", "How fast pods may be added.", "scaleUp"),
    _pace("scale_down", "Scaling down", "How fast pods may be removed, and how long a dip must last.", "scaleDown"),
    Field(
        path="budget",
        label="Disruption budget",
        section=SCALING,
        kind=InputKind.BUDGET,
        help="How many pods must stay when nodes are drained. It must leave room for at least one.",
        place=below("spec", "PodDisruptionBudget", words="PodDisruptionBudget"),
        parts=(
            Input(
                path="budget.kind",
                label="Disruption budget",
                shape=Shape.SELECT,
                help="How many pods must stay when nodes are drained. It must leave room for at least one.",
                choices=(
                    ("", "None"),
                    ("min_available", "Min available"),
                    ("max_unavailable", "Max unavailable"),
                ),
            ),
            Input(
                path="budget.value",
                label="How many",
                shape=Shape.NUMBER,
                unit="pods, or a share such as 50%",
                when=("budget.kind", ("min_available", "max_unavailable")),
                start="1",
            ),
        ),
        is_folded=True,
    ),
)
