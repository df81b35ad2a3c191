"""Where a pod runs and which lines of a price list are for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deployments.domain.apiserver.objects import amount, obj
from deployments.domain.cost.ledger import Asked
from deployments.domain.cost.machines import LABEL_GPU, LABEL_MACHINE, LABEL_REGION, LABELS_SPOT, Machine
from deployments.domain.cost.own_list import POD, SPOT, OwnList
from deployments.domain.cost.prices import RateCard

# Labels that name the pool of a node, and at last its machine type.
POOL_LABELS: Final = (
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "kubernetes.azure.com/agentpool",
    "barista.io/node-pool",
)
_KEPT_LABELS: Final = (LABEL_MACHINE, LABEL_REGION, LABEL_GPU, *LABELS_SPOT, *POOL_LABELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What a price depends on. `size` is the node's capacity; `labels` those of which the rest was read."""

    size: Asked
    machine: str = ""
    pool: str = ""
    gpu: str = ""
    is_spot: bool = False
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def as_machine(self) -> Machine:
        """A machine that has what the node shows."""
        asked = self.size.request
        return Machine(
            name=self.machine or self.pool or "node",
            cpu=asked.cpu,
            billed_cpu=asked.cpu,
            memory_gib=asked.memory_gib,
            gpus=asked.gpus,
        )


def node_facts(node: Mapping[str, Any]) -> NodeFacts:
    labels = {key: str(value) for key, value in obj(node, "metadata", "labels").items()}
    capacity, gpu = obj(node, "status", "capacity"), labels.get(LABEL_GPU, "")
    count = int(amount(capacity.get("nvidia.com/gpu")))
    size = Asked(
        millicores=int(amount(capacity.get("cpu")) * 1000),
        memory_bytes=int(amount(capacity.get("memory"))),
        gpus=((gpu or "nvidia.com/gpu", count),) if count else (),
    )
    return NodeFacts(
        size=size,
        machine=labels.get(LABEL_MACHINE, "")[:63],
        pool=next((labels[name] for name in POOL_LABELS if labels.get(name)), "")[:63],
        gpu=gpu[:63],
        is_spot=any(labels.get(name) == "true" for name in LABELS_SPOT),
        labels=tuple((name, labels[name]) for name in _KEPT_LABELS if name in labels),
    )


def is_pod_class(name: str) -> bool:
    """Whether a price class is one of Autopilot, which bills what a pod requests: pod:general, spot:pod:balanced."""
    return name.removeprefix(SPOT).startswith(POD)


def price_classes(*, profile: str, machine: str, pool: str, is_spot: bool) -> tuple[str, ...]:
    """Names under which a list may price a pod, the closest first: where it runs comes before what it was made for.

    A pod of Autopilot has its own class alone. A node that is Spot is never priced as one that is not.
    """
    if is_pod_class(profile):
        return (profile,)
    named = [name for name in (machine, pool, profile.removeprefix(SPOT)) if name]
    if is_spot:
        return tuple(f"{SPOT}{name}" for name in dict.fromkeys(named))
    return tuple(dict.fromkeys(named))


def card_of(prices: OwnList, classes: Sequence[str], gpus: Sequence[str], *, is_spot: bool) -> tuple[str, RateCard]:
    """The class that is used and its prices: the first that the list has a line for, else the lines for everything."""
    listed = {line.price_class for line in prices.lines}
    found = next((name for name in classes if name in listed), "")
    if found:
        return found, prices.card(found, gpus)
    if classes and is_pod_class(classes[0]):
        return "", RateCard(lines=(), problem=f"{prices.name} has no price for pods of the class {classes[0]}.")
    if is_spot:
        names = " or ".join(classes) or "Spot"
        return "", RateCard(lines=(), problem=f"It ran on a Spot node, and {prices.name} has no price for {names}.")
    return "", prices.card("", gpus)
