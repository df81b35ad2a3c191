"""Which SKU prices what, as data. Every row is needed: the tests delete each one and see a price change.

Google links no machine to its SKUs; the only join is the description. It is taken apart once (`heading`) and its name
is compared whole, so that N2 is not N2D and "A100 GPU" not "A100 80GB GPU". Reserved, committed, sole-tenant, Flex and
custom SKUs have names of their own and are not asked for; what can still follow a right name is in EXCLUDED.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import product
from typing import Final

HOURS_PER_MONTH: Final = 730


class Component(StrEnum):
    """What is sold. Its unit is what one of it is; rates are always for one unit and one hour."""

    CPU = "cpu"
    MEMORY = "memory"
    GPU = "gpu"
    LOCAL_SSD = "local-ssd"
    MACHINE = "machine"

    @property
    def unit(self) -> str:
        return {"cpu": "vCPU", "memory": "GiB", "gpu": "GPU", "local-ssd": "GiB", "machine": "machine"}[self.value]


class PodClass(StrEnum):
    """Compute classes of Autopilot that are billed by what the pod requests."""

    GENERAL = "general"
    BALANCED = "balanced"
    SCALE_OUT_X86 = "scale-out-x86"
    SCALE_OUT_ARM = "scale-out-arm"
    ACCELERATOR = "accelerator"


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """A part of every machine of `family`. [Word] in `name` may be absent; all rows of a family are added up."""

    family: str
    component: Component
    name: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class GpuRow:
    """`label` is the value of cloud.google.com/gke-accelerator. Two names of one label are one of them or ambiguous."""

    label: str
    name: str
    # Google files some Spot SKUs under OnDemand; only the words tell.
    spot_by_words: bool = False


@dataclass(frozen=True, slots=True)
class SsdRow:
    """Local SSD that comes with the machines of `family`; "" is every family without a row of its own."""

    family: str
    name: str


@dataclass(frozen=True, slots=True)
class PodRow:
    """`name` without its "Spot"; {gpu} is the accelerator's name on Autopilot. Lower `order` is asked for first."""

    pod_class: PodClass
    component: Component
    name: str
    order: int = 0


@dataclass(frozen=True, slots=True)
class Excluded:
    """Words after a right name that make it another offer, and the offer's name for the coverage page."""

    pattern: str
    offer: str


@dataclass(frozen=True, slots=True)
class Bound:
    """USD for one unit and hour, both ends excluded. A rate outside was read in the wrong unit and is unknown."""

    component: Component
    is_pod: bool
    low: Decimal
    high: Decimal


_CPU, _RAM = Component.CPU, Component.MEMORY


def _pair(family: str, name: str) -> tuple[FamilyRow, FamilyRow]:
    return FamilyRow(family, _CPU, f"{name} Core"), FamilyRow(family, _RAM, f"{name} Ram")


FAMILIES: Final[tuple[FamilyRow, ...]] = (
    *_pair("e2", "E2 Instance"),
    *_pair("n1", "N1 [Predefined] Instance"),
    *_pair("n2", "N2 Instance"),
    *_pair("n2d", "N2D [AMD] Instance"),
    *_pair("n4", "N4 Instance"),
    *_pair("n4a", "N4A [Arm] Instance"),
    *_pair("n4d", "N4D [AMD] Instance"),
    *_pair("t2a", "T2A [Arm] Instance"),
    *_pair("t2d", "T2D [AMD] Instance"),
    *_pair("c2", "Compute optimized [Instance]"),
    *_pair("c2d", "C2D [AMD] Instance"),
    *_pair("c3", "C3 Instance"),
    *_pair("c3d", "C3D [AMD] Instance"),
    *_pair("c4", "C4 Instance"),
    *_pair("c4a", "C4A [Arm] Instance"),
    *_pair("c4d", "C4D [AMD] Instance"),
    *_pair("c4n", "C4N Instance"),
    *_pair("h3", "H3 Instance"),
    *_pair("h4d", "H4D Instance"),
    *_pair("z3", "Z3 Instance"),
    *_pair("m1", "Memory-optimized Instance"),
    # M2 is M1 and a surcharge on both.
    *_pair("m2", "Memory-optimized Instance"),
    FamilyRow("m2", _CPU, "Memory Optimized Upgrade Premium for Memory-optimized Instance Core", "M2 premium on vCPU"),
    FamilyRow("m2", _RAM, "Memory Optimized Upgrade Premium for Memory-optimized Instance Ram", "M2 premium on memory"),
    *_pair("m3", "M3 [Memory-optimized] Instance"),
    *_pair("m4", "M4 [Memory-optimized] Instance"),
    *_pair("m4ultramem224", "M4Ultramem224 Instance"),
    *_pair("m4n", "M4N Instance"),
    *_pair("a2", "A2 Instance"),
    *_pair("a3", "A3 Instance"),
    *_pair("a3plus", "A3Plus Instance"),
    *_pair("a3ultra", "A3Ultra Instance"),
    *_pair("g2", "G2 Instance"),
    *_pair("g4", "G4 Instance"),
    *_pair("n1-custom", "[N1] Custom Instance"),
    *_pair("e2-custom", "E2 [Custom] Instance"),
    *_pair("n2-custom", "N2 Custom Instance"),
    *_pair("n2d-custom", "N2D [AMD] Custom Instance"),
    *_pair("n4-custom", "N4 Custom Instance"),
    *_pair("n4a-custom", "N4A [Arm] Custom Instance"),
    *_pair("n4d-custom", "N4D [AMD] Custom Instance"),
    # Memory above what a custom machine may have for each vCPU; see machines.EXTENDED_ABOVE.
    FamilyRow("n1-custom-ext", _RAM, "[N1] Custom Extended Instance Ram", "extended memory"),
    FamilyRow("n2-custom-ext", _RAM, "N2 Custom Extended Instance Ram", "extended memory"),
    FamilyRow("n2d-custom-ext", _RAM, "N2D [AMD] Custom Extended Instance Ram", "extended memory"),
    FamilyRow("n4-custom-ext", _RAM, "N4 Custom Extended Instance Ram", "extended memory"),
    FamilyRow("n4d-custom-ext", _RAM, "N4D [AMD] Custom Extended Instance Ram", "extended memory"),
    # Sold as one thing: their vCPU and memory have no SKU.
    FamilyRow("f1", Component.MACHINE, "Micro Instance with burstable CPU"),
    FamilyRow("g1", Component.MACHINE, "Small Instance with 1 VCPU"),
)

# A machine of these is priced by its GPUs alone: vCPU, memory and local SSD are in the slice.
BUNDLED: Final = frozenset({"a4"})

GPUS: Final[tuple[GpuRow, ...]] = (
    GpuRow("nvidia-tesla-k80", "Nvidia Tesla K80 GPU"),
    GpuRow("nvidia-tesla-p4", "Nvidia Tesla P4 GPU"),
    GpuRow("nvidia-tesla-p100", "Nvidia Tesla P100 GPU"),
    GpuRow("nvidia-tesla-v100", "Nvidia Tesla V100 GPU"),
    GpuRow("nvidia-tesla-t4", "Nvidia Tesla T4 GPU"),
    GpuRow("nvidia-tesla-a100", "Nvidia Tesla A100 GPU"),
    GpuRow("nvidia-a100-80gb", "Nvidia [Tesla] A100 80GB GPU"),
    GpuRow("nvidia-l4", "Nvidia L4 GPU"),
    GpuRow("nvidia-h100-80gb", "Nvidia H100 80GB GPU"),
    GpuRow("nvidia-h100-mega-80gb", "Nvidia H100 80GB Mega GPU"),
    GpuRow("nvidia-h100-mega-80gb", "Nvidia H100 Mega 80GB GPU"),
    GpuRow("nvidia-h100-mega-80gb", "Nvidia H100 80GB Plus GPU"),
    GpuRow("nvidia-h200-141gb", "[Nvidia] H200 141GB GPU"),
    GpuRow("nvidia-b200", "A4 Nvidia B200 (1 gpu slice)", spot_by_words=True),
    GpuRow("nvidia-rtx-pro-6000", "[Nvidia] RTX 6000 96GB [GPU]"),
)

SSDS: Final[tuple[SsdRow, ...]] = (
    SsdRow("", "SSD backed Local Storage"),
    SsdRow("c4", "C4 Instance Local SSD"),
    SsdRow("c4a", "C4A [Arm] Instance Local SSD"),
    SsdRow("c4d", "C4D [AMD] Instance Local SSD"),
    SsdRow("h4d", "H4D Instance Local SSD"),
)

_G, _B, _X, _A = PodClass.GENERAL, PodClass.BALANCED, PodClass.SCALE_OUT_X86, PodClass.SCALE_OUT_ARM
PODS: Final[tuple[PodRow, ...]] = (
    PodRow(_G, _CPU, "Autopilot Pod mCPU Requests"),
    PodRow(_G, _RAM, "Autopilot Pod Memory Requests"),
    PodRow(_B, _CPU, "Autopilot Balanced Pod mCPU Requests"),
    PodRow(_B, _RAM, "Autopilot Balanced Pod Memory Requests"),
    PodRow(_X, _CPU, "Autopilot Scale-Out x86 Pod mCPU Requests"),
    PodRow(_X, _RAM, "Autopilot Scale-Out x86 Pod Memory Requests"),
    PodRow(_A, _CPU, "Autopilot Scale-Out Arm Pod mCPU Requests"),
    PodRow(_A, _RAM, "Autopilot Scale-Out Arm Pod Memory Requests"),
    # The older name of Arm pods, priced for a whole vCPU; asked for only where the newer name is not sold.
    PodRow(_A, _CPU, "Autopilot Arm Pod CPU [Requests]", order=1),
    PodRow(_A, _RAM, "Autopilot Arm Pod Memory [Requests]", order=1),
    PodRow(PodClass.ACCELERATOR, _CPU, "Autopilot NVIDIA {gpu} Pod mCPU Requests"),
    PodRow(PodClass.ACCELERATOR, _RAM, "Autopilot NVIDIA {gpu} Pod Memory Requests"),
    PodRow(PodClass.ACCELERATOR, Component.GPU, "Autopilot NVIDIA {gpu} Pod GPU Requests"),
)

# Accelerators that Autopilot bills by the pod, as its SKUs call them. Newer ones are billed as a node and a premium.
POD_GPUS: Final[dict[str, str]] = {
    "nvidia-l4": "L4",
    "nvidia-tesla-t4": "T4",
    "nvidia-tesla-a100": "A100",
    "nvidia-a100-80gb": "A100 80GB",
}

USAGE: Final[dict[str, bool]] = {"OnDemand": False, "Preemptible": True}

GROUPS: Final[dict[str, Component]] = {
    "CPU": _CPU,
    "RAM": _RAM,
    "GPU": Component.GPU,
    "LocalSSD": Component.LOCAL_SSD,
}

EXCLUDED: Final[tuple[Excluded, ...]] = (
    Excluded(r"calendar", "calendar mode"),
    Excluded(r"dws|defined duration|flex(?:[ -]start)?", "DWS and Flex Start"),
    Excluded(r"for \d+ years?|commit(?:ment|ted)", "commitment"),
    Excluded(r"reserv(?:ed|ation)", "reservation"),
    Excluded(r"sole[ -]tenan(?:cy|t)", "sole tenancy"),
    Excluded(r"premium", "premium"),
    Excluded(r"confidential", "confidential computing"),
    Excluded(r"suspended|preserved", "suspended machine"),
)

# Hours in the time part of Google's usageUnit.
TIMES: Final[dict[str, Decimal]] = {
    "h": Decimal(1),
    "mo": Decimal(HOURS_PER_MONTH),
    "s": Decimal(1) / 3600,
}

BOUNDS: Final[tuple[Bound, ...]] = (
    Bound(_CPU, False, Decimal("0.0004"), Decimal("0.5")),
    Bound(_RAM, False, Decimal("0.00004"), Decimal("0.1")),
    Bound(Component.GPU, False, Decimal("0.005"), Decimal(50)),
    Bound(Component.LOCAL_SSD, False, Decimal("0.000004"), Decimal("0.01")),
    Bound(Component.MACHINE, False, Decimal("0.0004"), Decimal(1)),
    # Less than a thousand apart: a price for a thousandth of a vCPU cannot pass for that of a whole one.
    Bound(_CPU, True, Decimal("0.001"), Decimal("0.5")),
    Bound(_RAM, True, Decimal("0.0001"), Decimal("0.1")),
    Bound(Component.GPU, True, Decimal("0.005"), Decimal(50)),
)
NODE_BOUND: Final = Decimal(500)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """All tables as one value, so that a test can leave a row out."""

    families: tuple[FamilyRow, ...] = FAMILIES
    bundled: frozenset[str] = BUNDLED
    gpus: tuple[GpuRow, ...] = GPUS
    ssds: tuple[SsdRow, ...] = SSDS
    pods: tuple[PodRow, ...] = PODS
    excluded: tuple[Excluded, ...] = EXCLUDED
    bounds: tuple[Bound, ...] = BOUNDS
    pod_gpus: Mapping[str, str] = field(default_factory=lambda: POD_GPUS)
    usage: Mapping[str, bool] = field(default_factory=lambda: USAGE)
    groups: Mapping[str, Component] = field(default_factory=lambda: GROUPS)
    times: Mapping[str, Decimal] = field(default_factory=lambda: TIMES)


RULES: Final = RuleBook()


@dataclass(frozen=True, slots=True)
class Heading:
    """A description taken apart: what is sold (in lower case), whether its words say Spot, and what follows."""

    name: str
    says_spot: bool
    rest: str


_SPOT: Final = r"(?:spot )?preemptible"
_DESCRIPTION: Final = re.compile(
    rf"(?P<before>{_SPOT} )?(?P<name>.+?)(?P<after> attached to {_SPOT} vms?)?"
    r"(?:(?: running)? in (?P<place>.+)| \((?P<region>[a-z0-9-]+)\))?\Z"
)
_AUTOPILOT_SPOT: Final = re.compile(r"\bspot (?=pod\b)|(?<=pod )spot\b ?")


def heading(description: str) -> Heading:
    """For example ("a2 instance core", True, "americas") of "Spot Preemptible A2 Instance Core running in Americas"."""
    text = " ".join(description.lower().split())
    found = _DESCRIPTION.match(text)
    if found is None:
        return Heading(text, False, "")
    name, says_spot = found["name"], bool(found["before"] or found["after"])
    if name.startswith("autopilot "):
        name, replaced = _AUTOPILOT_SPOT.subn("", name)
        says_spot = says_spot or replaced > 0
    return Heading(name, says_spot, found["place"] or found["region"] or "")


def spellings(name: str) -> tuple[str, ...]:
    """All texts of a rule's name, in lower case: "N2D [AMD] Instance Core" is two."""
    pieces = re.split(r"\[([^\[\]]+)\]", name)
    choices = [(piece,) if index % 2 == 0 else (piece, "") for index, piece in enumerate(pieces)]
    return tuple(" ".join("".join(chosen).split()).lower() for chosen in product(*choices))
