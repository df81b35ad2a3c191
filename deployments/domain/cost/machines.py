"""Machine types of Compute Engine: what each has, which family bills it, and what a node's labels say of it.

Sizes are Google's published shapes. Memory is GiB for each vCPU; where Google rounds it to whole GiB, down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from deployments.domain.text.quantities import QuantityError, parse_cpu, parse_memory

GIB: Final = 2**30
LABEL_MACHINE: Final = "node.kubernetes.io/instance-type"
LABEL_REGION: Final = "topology.kubernetes.io/region"
LABEL_GPU: Final = "cloud.google.com/gke-accelerator"
LABELS_SPOT: Final = ("cloud.google.com/gke-spot", "cloud.google.com/gke-preemptible")
LABEL_GPU_CLIENTS: Final = "cloud.google.com/gke-max-shared-clients-per-gpu"
RESOURCE_GPU: Final = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine's totals. `cpu` is the vCPUs that Kubernetes sees, `billed_cpu` those that are paid for.

    `gpus` are (accelerator label, number that is paid for), a fraction where machines share a GPU. `gpu_share` is how
    much of a paid GPU each one is that Kubernetes shows.
    """

    name: str
    cpu: Decimal
    memory_gib: Decimal
    billed_cpu: Decimal
    gpus: tuple[tuple[str, Decimal], ...] = ()
    gpu_share: Decimal = Decimal(1)
    local_ssd_gib: Decimal = Decimal(0)

    @property
    def shown_gpus(self) -> tuple[tuple[str, Decimal], ...]:
        """The number of each that Kubernetes shows."""
        return tuple((label, count / self.gpu_share) for label, count in self.gpus)

    @property
    def cpu_share(self) -> Decimal:
        """Billed vCPUs for each that Kubernetes sees: 1 but for shared cores."""
        return self.billed_cpu / self.cpu

    @property
    def family(self) -> str:
        return family_of(self.name)

    def resized(
        self,
        *,
        cpu: Decimal | None = None,
        memory_gib: Decimal | None = None,
        gpus: tuple[tuple[str, Decimal], ...] | None = None,
    ) -> Machine:
        """With totals that were observed or typed. The vCPUs a shared core shows are still billed as its share."""
        share = self.cpu_share if cpu == self.cpu else Decimal(1)
        return replace(
            self,
            cpu=self.cpu if cpu is None else cpu,
            billed_cpu=self.billed_cpu if cpu is None else cpu * share,
            memory_gib=self.memory_gib if memory_gib is None else memory_gib,
            gpus=self.gpus if gpus is None else gpus,
            gpu_share=self.gpu_share if gpus is None else Decimal(1),
        )


# (series, suffix): sizes, GiB for each vCPU.
_SIZES: Final[dict[tuple[str, str], tuple[str, str]]] = {
    ("e2-standard", ""): ("2 4 8 16 32", "4"),
    ("e2-highmem", ""): ("2 4 8 16", "8"),
    ("e2-highcpu", ""): ("2 4 8 16 32", "1"),
    ("n1-standard", ""): ("1 2 4 8 16 32 64 96", "3.75"),
    ("n1-highmem", ""): ("2 4 8 16 32 64 96", "6.5"),
    ("n1-highcpu", ""): ("2 4 8 16 32 64 96", "0.9"),
    ("n2-standard", ""): ("2 4 8 16 32 48 64 80 96 128", "4"),
    ("n2-highmem", ""): ("2 4 8 16 32 48 64 80 96", "8"),
    ("n2-highcpu", ""): ("2 4 8 16 32 48 64 80 96", "1"),
    ("n2d-standard", ""): ("2 4 8 16 32 48 64 80 96 128 224", "4"),
    ("n2d-highmem", ""): ("2 4 8 16 32 48 64 80 96", "8"),
    ("n2d-highcpu", ""): ("2 4 8 16 32 48 64 80 96 128 224", "1"),
    ("n4-standard", ""): ("2 4 8 16 32 48 64 80", "4"),
    ("n4-highmem", ""): ("2 4 8 16 32 48 64 80", "8"),
    ("n4-highcpu", ""): ("2 4 8 16 32 48 64 80", "2"),
    ("n4a-standard", ""): ("1 2 4 8 16 32 48 64", "4"),
    ("n4a-highmem", ""): ("1 2 4 8 16 32 48 64", "8"),
    ("n4a-highcpu", ""): ("1 2 4 8 16 32 48 64", "2"),
    ("n4d-standard", ""): ("2 4 8 16 32 48 64 80 96", "4"),
    ("n4d-highmem", ""): ("2 4 8 16 32 48 64 80 96", "8"),
    ("n4d-highcpu", ""): ("2 4 8 16 32 48 64 80 96", "2"),
    ("t2d-standard", ""): ("1 2 4 8 16 32 48 60", "4"),
    ("t2a-standard", ""): ("1 2 4 8 16 32 48", "4"),
    ("c2-standard", ""): ("4 8 16 30 60", "4"),
    ("c2d-standard", ""): ("2 4 8 16 32 56 112", "4"),
    ("c2d-highmem", ""): ("2 4 8 16 32 56 112", "8"),
    ("c2d-highcpu", ""): ("2 4 8 16 32 56 112", "2"),
    ("c3-standard", ""): ("4 8 22 44 88 176", "4"),
    ("c3-highmem", ""): ("4 8 22 44 88 176", "8"),
    ("c3-highcpu", ""): ("4 8 22 44 88 176", "2"),
    ("c3-standard", "-lssd"): ("4 8 22 44 88 176", "4"),
    ("c3-standard", "-metal"): ("192", "4"),
    ("c3-highmem", "-metal"): ("192", "8"),
    ("c3d-standard", ""): ("4 8 16 30 60 90 180 360", "4"),
    ("c3d-highmem", ""): ("4 8 16 30 60 90 180 360", "8"),
    ("c3d-highcpu", ""): ("4 8 16", "2"),
    ("c3d-standard", "-lssd"): ("8 16 30 60 90 180 360", "4"),
    ("c3d-highmem", "-lssd"): ("8 16 30 60 90 180 360", "8"),
    ("c4-standard", ""): ("2 4 8 16 24 32 48 96 144 192 288", "3.75"),
    ("c4-highmem", ""): ("2 4 8 16 24 32 48 96 144 192 288", "7.75"),
    ("c4-highcpu", ""): ("2 4 8 16 24 32 48 96 144 192 288", "2"),
    ("c4-standard", "-lssd"): ("4 8 16 24 32 48 96 144 192 288", "3.75"),
    ("c4-highmem", "-lssd"): ("4 8 16 24 32 48 96 144 192 288", "7.75"),
    ("c4-standard", "-metal"): ("288", "3.75"),
    ("c4-highmem", "-metal"): ("288", "7.75"),
    ("c4-highcpu", "-metal"): ("288", "2"),
    ("c4-standard", "-lssd-metal"): ("288", "3.75"),
    ("c4-highmem", "-lssd-metal"): ("288", "7.75"),
    ("c4a-standard", ""): ("1 2 4 8 16 32 48 64 72", "4"),
    ("c4a-highmem", ""): ("1 2 4 8 16 32 48 64 72", "8"),
    ("c4a-highcpu", ""): ("1 2 4 8 16 32 48 64 72", "2"),
    ("c4a-standard", "-lssd"): ("4 8 16 32 48 64 72", "4"),
    ("c4a-highmem", "-lssd"): ("4 8 16 32 48 64 72", "8"),
    ("c4a-highmem", "-metal"): ("96", "8"),
    ("c4d-standard", ""): ("2 4 8 16 32 48 64 96 192 384", "3.875"),
    ("c4d-highmem", ""): ("2 4 8 16 32 48 64 96 192 384", "7.875"),
    ("c4d-highcpu", ""): ("2 4 8 16 32 48 64 96 192 384", "1.875"),
    ("c4d-standard", "-lssd"): ("8 16 32 48 64 96 192 384", "3.875"),
    ("c4d-highmem", "-lssd"): ("8 16 32 48 64 96 192 384", "7.875"),
    ("c4n-standard", ""): ("2 4 8 16 24 48 96 192", "3.75"),
    ("c4n-highmem", ""): ("2 4 8 16 24 48 96 192", "7.75"),
    ("c4n-highcpu", ""): ("2 4 8 16 24 48 96 192", "2"),
    ("h3-standard", ""): ("88", "4"),
    ("m1-ultramem", ""): ("40 80 160", "24.025"),
    ("m3-ultramem", ""): ("32 64 128", "30.5"),
    ("m3-megamem", ""): ("64 128", "15.25"),
    ("m4-hypermem", ""): ("16 32 64", "15.5"),
    ("m4n-hypermem", ""): ("16 32 64", "15.5"),
    ("z3-highmem", "-standardlssd"): ("14 22 44 88 176", "8"),
    ("z3-highmem", "-highlssd"): ("8 16 22 32 44 88", "8"),
    ("z3-highmem", "-highlssd-metal"): ("192", "8"),
    ("g2-standard", ""): ("4 8 12 16 24 32 48 96", "4"),
    ("g4-standard", ""): ("6 12 24 48 96 192 384", "3.75"),
}
_WHOLE_GIB: Final = ("c4-", "c4d-", "c4n-", "g4-")

# name: vCPUs, GiB
_SINGLE: Final[dict[str, tuple[str, str]]] = {
    "n2-highmem-128": ("128", "864"),
    "c3d-highcpu-30": ("30", "59"),
    "c3d-highcpu-60": ("60", "118"),
    "c3d-highcpu-90": ("90", "177"),
    "c3d-highcpu-180": ("180", "354"),
    "c3d-highcpu-360": ("360", "708"),
    "c3-highcpu-192-metal": ("192", "512"),
    "m1-megamem-96": ("96", "1433.6"),
    "m2-ultramem-208": ("208", "5888"),
    "m2-ultramem-416": ("416", "11776"),
    "m2-megamem-416": ("416", "5888"),
    "m2-hypermem-416": ("416", "8832"),
    "m4-ultramem-56": ("56", "1488"),
    "m4-ultramem-112": ("112", "2976"),
    "m4-ultramem-224": ("224", "5952"),
    "m4-megamem-28": ("28", "372"),
    "m4-megamem-56": ("56", "744"),
    "m4-megamem-112": ("112", "1488"),
    "m4-megamem-224": ("224", "2976"),
    "m4n-ultramem-56": ("56", "1488"),
    "m4n-ultramem-112": ("112", "2976"),
    "m4n-megamem-28": ("28", "372"),
    "m4n-megamem-56": ("56", "744"),
    "m4n-megamem-112": ("112", "1488"),
    "c4d-standard-384-metal": ("384", "1536"),
    "c4d-highmem-384-metal": ("384", "3072"),
    "c4d-highcpu-384-metal": ("384", "768"),
    "h4d-standard-192": ("192", "720"),
    "f1-micro": ("1", "0.6"),
    "g1-small": ("1", "1.7"),
    "e2-micro": ("2", "1"),
    "e2-small": ("2", "2"),
    "e2-medium": ("2", "4"),
}
_BILLED_CPU: Final[dict[str, Decimal]] = {
    "e2-micro": Decimal("0.25"),
    "e2-small": Decimal("0.5"),
    "e2-medium": Decimal(1),
}

# name: vCPUs, GiB, accelerator, GPUs, GiB of local SSD that always come with it
_ACCELERATED: Final[dict[str, tuple[int, int, str, int, int]]] = {
    "a2-highgpu-1g": (12, 85, "nvidia-tesla-a100", 1, 0),
    "a2-highgpu-2g": (24, 170, "nvidia-tesla-a100", 2, 0),
    "a2-highgpu-4g": (48, 340, "nvidia-tesla-a100", 4, 0),
    "a2-highgpu-8g": (96, 680, "nvidia-tesla-a100", 8, 0),
    "a2-megagpu-16g": (96, 1360, "nvidia-tesla-a100", 16, 0),
    "a2-ultragpu-1g": (12, 170, "nvidia-a100-80gb", 1, 375),
    "a2-ultragpu-2g": (24, 340, "nvidia-a100-80gb", 2, 750),
    "a2-ultragpu-4g": (48, 680, "nvidia-a100-80gb", 4, 1500),
    "a2-ultragpu-8g": (96, 1360, "nvidia-a100-80gb", 8, 3000),
    "a3-highgpu-1g": (26, 234, "nvidia-h100-80gb", 1, 750),
    "a3-highgpu-2g": (52, 468, "nvidia-h100-80gb", 2, 1500),
    "a3-highgpu-4g": (104, 936, "nvidia-h100-80gb", 4, 3000),
    "a3-highgpu-8g": (208, 1872, "nvidia-h100-80gb", 8, 6000),
    "a3-edgegpu-8g": (208, 1872, "nvidia-h100-80gb", 8, 6000),
    "a3-megagpu-8g": (208, 1872, "nvidia-h100-mega-80gb", 8, 6000),
    "a3-ultragpu-8g": (224, 2952, "nvidia-h200-141gb", 8, 12000),
    "a4-highgpu-8g": (224, 3968, "nvidia-b200", 8, 12000),
}
_GPUS_BY_SIZE: Final[dict[str, tuple[str, dict[int, str]]]] = {
    "g2-standard": ("nvidia-l4", {4: "1", 8: "1", 12: "1", 16: "1", 24: "2", 32: "1", 48: "4", 96: "8"}),
    "g4-standard": (
        "nvidia-rtx-pro-6000",
        {6: "0.125", 12: "0.25", 24: "0.5", 48: "1", 96: "2", 192: "4", 384: "8"},
    ),
}
_LOCAL_SSD: Final[dict[tuple[str, str], str]] = {
    ("c3", "-lssd"): "375 750 1500 3000 6000 12000",
    ("c3d", "-lssd"): "375 375 750 1500 3000 6000 12000",
    ("c4", "-lssd"): "375 375 750 1500 1875 3000 6000 9000 12000 18000",
    ("c4", "-lssd-metal"): "18000",
    ("c4a", "-lssd"): "375 750 1500 2250 3750 5250 6000",
    ("c4d", "-lssd"): "375 375 750 1500 2250 3000 6000 12000",
    ("z3", "-standardlssd"): "3000 6000 9000 18000 36000",
    ("z3", "-highlssd-metal"): "72000",
    ("z3", "-highlssd"): "3000 6000 9000 12000 18000 36000",
}

# The leading part of a name is its family, but for these.
_FAMILY_BY_PREFIX: Final = (
    ("a3-megagpu-", "a3plus"),
    ("a3-ultragpu-", "a3ultra"),
    ("m4-ultramem-224", "m4ultramem224"),
    ("custom-", "n1-custom"),
)
_CUSTOM: Final = re.compile(
    r"(?:(?P<series>n1|n2|n2d|e2|n4|n4a|n4d)-)?custom-(?P<cpu>[0-9]{1,3})-(?P<mib>[0-9]{3,7})(?P<ext>-ext)?\Z"
)
# GiB for each vCPU above which a custom machine's memory is the dearer, extended kind.
EXTENDED_ABOVE: Final[dict[str, Decimal]] = {
    "n1-custom": Decimal("6.5"),
    "n2-custom": Decimal(8),
    "n2d-custom": Decimal(8),
    "n4-custom": Decimal(8),
    "n4d-custom": Decimal(8),
}


def family_of(name: str) -> str:
    """The billing family of a machine type, known or not: "a3-megagpu-8g" is a3plus, "n2-custom-4-8192" n2-custom."""
    for prefix, family in _FAMILY_BY_PREFIX:
        if name.startswith(prefix):
            return family
    custom = _CUSTOM.match(name)
    return f"{custom['series']}-custom" if custom else name.partition("-")[0]


def machine(name: str) -> Machine | None:
    """The totals of a machine type, None for one that is not in the table."""
    return _TABLE.get(name) or _custom(name)


def _custom(name: str) -> Machine | None:
    found = _CUSTOM.match(name)
    if found is None:
        return None
    cpu, memory = Decimal(found["cpu"]), Decimal(found["mib"]) / 1024
    return Machine(name=name, cpu=cpu, billed_cpu=cpu, memory_gib=memory) if cpu and memory else None


def names() -> tuple[str, ...]:
    """All predefined machine types."""
    return tuple(_TABLE)


def _tabled() -> Iterable[Machine]:
    for (series, suffix), (sizes, ratio) in _SIZES.items():
        ssds = _LOCAL_SSD.get((series.partition("-")[0], suffix), "").split()
        label, counts = _GPUS_BY_SIZE.get(series, ("", {}))
        for index, size in enumerate(sizes.split()):
            memory = Decimal(size) * Decimal(ratio)
            if series.startswith(_WHOLE_GIB):
                memory = memory.to_integral_value(rounding=ROUND_FLOOR)
            yield Machine(
                name=f"{series}-{size}{suffix}",
                cpu=Decimal(size),
                billed_cpu=Decimal(size),
                memory_gib=memory,
                gpus=((label, Decimal(counts[int(size)])),) if counts else (),
                gpu_share=min(Decimal(1), Decimal(counts.get(int(size), "1"))),
                local_ssd_gib=Decimal(ssds[index]) if ssds else Decimal(0),
            )
    for name, (vcpus, gib) in _SINGLE.items():
        cpu = Decimal(vcpus)
        yield Machine(name=name, cpu=cpu, billed_cpu=_BILLED_CPU.get(name, cpu), memory_gib=Decimal(gib))
    for name, (cores, ram, label, count, ssd) in _ACCELERATED.items():
        yield Machine(
            name=name,
            cpu=Decimal(cores),
            billed_cpu=Decimal(cores),
            memory_gib=Decimal(ram),
            gpus=((label, Decimal(count)),),
            local_ssd_gib=Decimal(ssd),
        )


_TABLE: Final[dict[str, Machine]] = {item.name: item for item in _tabled()}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShape:
    """A node as its labels and capacity describe it; `machine` is None where they do not say enough, with why."""

    machine: Machine | None
    region: str
    is_spot: bool
    problem: str = ""


def node_shape(labels: Mapping[str, str], capacity: Mapping[str, str]) -> NodeShape:
    """Of a node's labels and `status.capacity`.

    The table knows the totals (a node shows a little less memory than is paid for) and what local SSD comes with the
    machine; for a type it does not know, the capacity stands in.
    """
    name, region = labels.get(LABEL_MACHINE, ""), labels.get(LABEL_REGION, "")
    is_spot = any(labels.get(label) == "true" for label in LABELS_SPOT)
    if not name:
        return NodeShape(machine=None, region=region, is_spot=is_spot, problem=f"the node has no label {LABEL_MACHINE}")
    found = machine(name)
    if found is None:
        try:
            cpu = Decimal(parse_cpu(capacity.get("cpu", ""))) / 1000
            memory = Decimal(parse_memory(capacity.get("memory", ""))) / GIB
        except QuantityError as error:
            problem = f"machine type {name} is not in the table and the node's capacity cannot be read: {error}"
            return NodeShape(machine=None, region=region, is_spot=is_spot, problem=problem)
        found = Machine(name=name, cpu=cpu, billed_cpu=cpu, memory_gib=memory)
    label, count = labels.get(LABEL_GPU, ""), capacity.get(RESOURCE_GPU, "0")
    if label and not found.gpus and count.isdecimal() and int(count):
        # A GPU that several pods share is shown once for each of them, and paid for once.
        clients = labels.get(LABEL_GPU_CLIENTS, "1")
        share = 1 / Decimal(clients) if clients.isdecimal() and int(clients) else Decimal(1)
        found = replace(found, gpus=((label, Decimal(count) * share),), gpu_share=share)
    return NodeShape(machine=found, region=region, is_spot=is_spot)
