"""A small catalog with the traps of the real one, and what machines and pods cost by it, worked out by hand.

Every rule is needed by a case here; test_rules.py deletes each in turn. Descriptions are those of Google's catalog.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from deployments.tests.domain.cost.pages import core, gpu, pod, ram, sku, ssd

# machine, vCPUs, GiB, core and memory as Google describes them, USD for a core and a GiB
FAMILIES: Final = (
    ("e2-standard-4", "4", "16", "E2 Instance Core", "E2 Instance Ram", "0.021811", "0.002923"),
    ("n1-standard-4", "4", "15", "N1 Predefined Instance Core", "N1 Predefined Instance Ram", "0.031611", "0.004237"),
    ("n2-standard-4", "4", "16", "N2 Instance Core", "N2 Instance Ram", "0.031612", "0.004238"),
    ("n2d-standard-4", "4", "16", "N2D AMD Instance Core", "N2D AMD Instance Ram", "0.027502", "0.003686"),
    ("n4-standard-4", "4", "16", "N4 Instance Core", "N4 Instance Ram", "0.031", "0.0035"),
    ("n4a-standard-4", "4", "16", "N4A Instance Core", "N4A Instance Ram", "0.0291", "0.0032"),
    ("n4d-standard-4", "4", "16", "N4D Instance Core", "N4D Instance Ram", "0.0281", "0.0031"),
    ("t2a-standard-4", "4", "16", "T2A Arm Instance Core", "T2A Arm Instance Ram", "0.0257", "0.0032"),
    ("t2d-standard-4", "4", "16", "T2D AMD Instance Core", "T2D AMD Instance Ram", "0.0275", "0.0037"),
    ("c2-standard-4", "4", "16", "Compute optimized Core", "Compute optimized Ram", "0.03398", "0.00455"),
    ("c2d-standard-4", "4", "16", "C2D AMD Instance Core", "C2D AMD Instance Ram", "0.0296", "0.0040"),
    ("c3-standard-4", "4", "16", "C3 Instance Core", "C3 Instance Ram", "0.03465", "0.0040"),
    ("c3d-standard-4", "4", "16", "C3D Instance Core", "C3D Instance Ram", "0.0296", "0.0041"),
    ("c4-standard-4", "4", "15", "C4 Instance Core", "C4 Instance Ram", "0.0346", "0.0039"),
    ("c4a-standard-4", "4", "16", "C4A Arm Instance Core", "C4A Arm Instance Ram", "0.0309", "0.0035"),
    ("c4d-standard-4", "4", "15", "C4D Instance Core", "C4D Instance Ram", "0.0332", "0.0038"),
    ("c4n-standard-4", "4", "15", "C4N Instance Core", "C4N Instance Ram", "0.0352", "0.0036"),
    ("h3-standard-88", "88", "352", "H3 Instance Core", "H3 Instance Ram", "0.0441", "0.0030"),
    ("h4d-standard-192", "192", "720", "H4D Instance Core", "H4D Instance Ram", "0.0341", "0.0029"),
    ("m1-ultramem-40", "40", "961", "Memory-optimized Instance Core", "Memory-optimized Instance Ram",
     "0.0348", "0.0051"),
    ("m3-megamem-64", "64", "976", "M3 Memory-optimized Instance Core", "M3 Memory-optimized Instance Ram",
     "0.0445", "0.0052"),
    ("m4-megamem-28", "28", "372", "M4 Instance Core", "M4 Instance Ram", "0.0403", "0.0053"),
    ("m4-ultramem-224", "224", "5952", "M4Ultramem224 Instance Core", "M4Ultramem224 Instance Ram", "0.0504", "0.0066"),
)  # fmt: skip

# accelerator label, its SKU, USD for one
GPUS: Final = (
    ("nvidia-tesla-k80", "Nvidia Tesla K80 GPU", "0.45"),
    ("nvidia-tesla-p4", "Nvidia Tesla P4 GPU", "0.6"),
    ("nvidia-tesla-p100", "Nvidia Tesla P100 GPU", "1.46"),
    ("nvidia-tesla-v100", "Nvidia Tesla V100 GPU", "2.48"),
    ("nvidia-tesla-t4", "Nvidia Tesla T4 GPU", "0.35"),
    ("nvidia-tesla-a100", "Nvidia Tesla A100 GPU", "2.933908"),
    ("nvidia-a100-80gb", "Nvidia Tesla A100 80GB GPU", "3.928082"),
    ("nvidia-l4", "Nvidia L4 GPU", "0.560040"),
    ("nvidia-h100-80gb", "Nvidia H100 80GB GPU", "9.796551"),
    ("nvidia-h200-141gb", "H200 141GB GPU", "9.1"),
    ("nvidia-rtx-pro-6000", "RTX 6000 96GB", "3.1"),
)

_MEGA: Final = (
    ("europe-west1", "Nvidia H100 80GB Mega GPU", "10.1"),
    ("europe-west2", "Nvidia H100 Mega 80GB GPU", "10.2"),
    ("europe-west3", "Nvidia H100 80GB Plus GPU", "10.3"),
)

_POD_NAMES: Final = (
    ("general", "Autopilot Pod", "0.0445", "0.0049225"),
    ("balanced", "Autopilot Balanced Pod", "0.0561", "0.0062023"),
    ("scale-out-x86", "Autopilot Scale-Out x86 Pod", "0.0562", "0.0062024"),
    ("scale-out-arm", "Autopilot Scale-Out Arm Pod", "0.0356", "0.003938"),
)
_POD_GPUS: Final = (
    ("nvidia-l4", "L4", "0.0407", "0.0045", "0.6783"),
    ("nvidia-tesla-t4", "T4", "0.0408", "0.0046", "0.3784"),
    ("nvidia-tesla-a100", "A100", "0.0409", "0.0047", "3.3741"),
    ("nvidia-a100-80gb", "A100 80GB", "0.0410", "0.0048", "4.5173"),
)

_OFFERS: Final = (
    "in Americas in Calendar Mode",
    "in Americas with DWS Flex Start",
    "in Americas for 1 Year",
    "in Americas (reservation-bound)",
    "in Americas on Sole Tenancy",
    "in Americas Premium",
    "in Americas with Confidential VM",
    "in Americas while suspended",
)

# group of a "Core" or "Ram" SKU that says it is something else
_GROUPS: Final = (("Ram", "CPU"), ("Core", "RAM"), ("Core", "GPU"), ("Core", "LocalSSD"))


def catalog() -> list[dict[str, Any]]:
    """All SKUs, decoys among them."""
    found: list[dict[str, Any]] = []
    for machine, _, _, core_text, ram_text, core_price, ram_price in FAMILIES:
        group = {"group": "N1Standard"} if machine.startswith("n1-") else {}
        found += [
            core(f"C-{machine}", f"{core_text} running in Americas", core_price, **group),
            ram(f"R-{machine}", f"{ram_text} running in Americas", ram_price, **group),
            core(f"CS-{machine}", f"Spot Preemptible {core_text} running in Americas", "0.0077", usage="Preemptible"),
            core(f"CC-{machine}", f"Commitment v1: {core_text} in Americas for 1 Year", "0.0199", usage="Commit1Yr"),
            core(f"CT-{machine}", f"Sole Tenancy Premium for {core_text} running in Americas", "0.0031"),
            core(f"CE-{machine}", f"{core_text} running in Frankfurt", "0.0999", regions=("europe-west3",)),
        ]
    for label, text, price in GPUS:
        found += [
            gpu(f"G-{label}", f"{text} running in Americas", price),
            gpu(f"GR-{label}", f"Reserved {text} in Americas", "0"),
            gpu(f"GD-{label}", f"{text} attached to DWS Defined Duration VMs running in Americas", "0.2"),
            gpu(f"GW-{label}", f"Reserved {text} in Americas in Calendar Mode", "0.3"),
        ]
    for region, text, price in _MEGA:
        found.append(gpu(f"G-{text}", f"{text} running in there", price, regions=(region,)))
        found.append(core(f"C+{region}", "A3Plus Instance Core running in there", "0.0269", regions=(region,)))
        found.append(ram(f"R+{region}", "A3Plus Instance Ram running in there", "0.0023", regions=(region,)))
        found.append(ssd(f"S+{region}", "SSD backed Local Storage in there", "0.08", regions=(region,)))
    return [*found, *_accelerated(), *_custom(), *_special(), *_pods()]


def _accelerated() -> list[dict[str, Any]]:
    found = []
    for name, core_price, ram_price in (
        ("A2", "0.031611", "0.004237"), ("A3", "0.0293", "0.0025"), ("A3Ultra", "0.0294", "0.0026"),
        ("G2", "0.024988", "0.002927"), ("G4", "0.0251", "0.0030"), ("Z3", "0.0496", "0.0066"),
        ("M4N", "0.0404", "0.0054"),
    ):  # fmt: skip
        found.append(core(f"C-{name}", f"{name} Instance Core running in Americas", core_price))
        found.append(ram(f"R-{name}", f"{name} Instance Ram running in Americas", ram_price))
        found.append(core(f"CR-{name}", f"Reserved {name} Core in Americas", "0"))
    return [
        *found,
        gpu("G-b200", "A4 Nvidia B200 (1 gpu slice) running in Americas", "16.11"),
        # As Google files it: Spot by its words, on demand by its category.
        gpu("GS-b200", "Spot Preemptible A4 Nvidia B200 (1 gpu slice) running in Americas", "4.9542"),
        gpu("GS-l4", "Nvidia L4 GPU attached to Spot Preemptible VMs running in Americas", "0.22", usage="Preemptible"),
        core("CS-g2", "Preemptible G2 Instance Core running in Americas", "0.0099", usage="Preemptible"),
        ram("RS-g2", "G2 Instance Ram running in Americas", "0.0012", usage="Preemptible"),
        ssd("S", "SSD backed Local Storage", "0.08"),
        ssd("S-spot", "SSD backed Local Storage attached to Spot Preemptible VMs", "0.032"),
        ssd("S-c4", "C4 Instance Local SSD running in Americas", "0.09", family="Compute"),
        ssd("S-c4a", "C4A Instance Local SSD running in Americas", "0.091", family="Compute"),
        ssd("S-c4d", "C4D Instance Local SSD running in Americas", "0.092", family="Compute"),
        ssd("S-h4d", "H4D Instance Local SSD running in Americas", "0.093", family="Compute"),
    ]


def _custom() -> list[dict[str, Any]]:
    found = []
    for number, name in enumerate(("", "E2 ", "N2 ", "N2D AMD ", "N4 ", "N4A ", "N4D ")):
        # E2 has no price of its own for custom machines.
        if name != "E2 ":
            found.append(core(f"CX-{name}", f"{name}Custom Instance Core running in Americas", f"0.033{number}"))
            found.append(ram(f"RX-{name}", f"{name}Custom Instance Ram running in Americas", f"0.0045{number}"))
            text = f"{name}Custom Extended Instance Ram running in Americas"
            found.append(ram(f"RXX-{name}", text, f"0.0095{number}"))
    return found


def _special() -> list[dict[str, Any]]:
    premium = "Memory Optimized Upgrade Premium for Memory-optimized Instance"
    return [
        core("C-m2", f"{premium} Core running in Americas", "0.0042"),
        ram("R-m2", f"{premium} Ram running in Americas", "0.0006"),
        sku("F1", "Micro Instance with burstable CPU running in Americas", "0.0076", group="F1Micro"),
        sku("G1", "Small Instance with 1 VCPU running in Americas", "0.0257", group="G1Small"),
        *(core(f"O{number}", f"N2 Instance Core running {text}", "0.01") for number, text in enumerate(_OFFERS)),
        *(sku(f"W{number}", f"E2 Instance {word} running in Americas", "0.02", group=group)
          for number, (word, group) in enumerate(_GROUPS)),
        core("U", "E2 Instance Core running in Americas", "0.02", usage="Commit"),
        core("V", "E2 Instance Core running in Americas", "0.02", service="9662-B51E-5089"),
        core("L", "E2 Instance Core running in Americas", "0.02", family="License"),
        # Units and bounds, each in a region of its own.
        core("T1", "E2 Instance Core running in there", "15.92", unit="mo", regions=("t-month",)),
        ram("T2", "E2 Instance Ram running in there", "2.19", unit="GiBy.mo", regions=("t-month",)),
        core("T3", "E2 Instance Core running in there", "0.000006", unit="s", regions=("t-second",)),
        ram("T4", "E2 Instance Ram running in there", "0.000001", unit="GiBy.s", regions=("t-second",)),
        core("B1", "E2 Instance Core running in there", "21.8", regions=("b-cpu",)),
        ram("B2", "E2 Instance Ram running in there", "0.002", regions=("b-cpu", "b-gpu")),
        core("B3", "E2 Instance Core running in there", "0.02", regions=("b-ram", "b-gpu")),
        ram("B4", "E2 Instance Ram running in there", "2.9", regions=("b-ram",)),
        gpu("B5", "Nvidia L4 GPU running in there", "67", regions=("b-gpu",)),
        core("B6", "Z3 Instance Core running in there", "0.04", regions=("b-ssd",)),
        ram("B7", "Z3 Instance Ram running in there", "0.006", regions=("b-ssd",)),
        ssd("B8", "SSD backed Local Storage", "80", regions=("b-ssd",)),
        sku("B9", "Micro Instance with burstable CPU running in there", "7.6", group="F1Micro", regions=("b-micro",)),
    ]  # fmt: skip


def _pods() -> list[dict[str, Any]]:
    found = []
    for name, text, cpu, memory in _POD_NAMES:
        spot = text.replace("Pod", "Spot Pod")
        found += [
            pod(f"PC-{name}", f"{text} mCPU Requests", str(Decimal(cpu) / 1000)),
            pod(f"PM-{name}", f"{text} Memory Requests", memory),
            pod(f"PE-{name}", f"{text} Ephemeral Storage Requests", "0.0000548"),
            pod(f"PCS-{name}", f"{spot} mCPU Requests", "0.0000133", usage="Preemptible"),
            pod(f"PMS-{name}", f"{spot} Memory Requests", "0.0014767", usage="OnDemand"),
        ]
    for label, text, cpu, memory, price in _POD_GPUS:
        found += [
            pod(f"PC-{label}", f"Autopilot NVIDIA {text} Pod mCPU Requests", str(Decimal(cpu) / 1000)),
            pod(f"PM-{label}", f"Autopilot NVIDIA {text} Pod Memory Requests", memory),
            pod(f"PG-{label}", f"Autopilot NVIDIA {text} Pod GPU Requests", price),
        ]
    bad = [
        pod("PB1", "Autopilot Pod mCPU Requests", "0.0445", regions=("p-cpu",)),
        pod("PB2", "Autopilot Pod Memory Requests", "0.0049", regions=("p-cpu",)),
        pod("PB3", "Autopilot Pod mCPU Requests", "0.0000445", regions=("p-ram",)),
        pod("PB4", "Autopilot Pod Memory Requests", "4.9", regions=("p-ram",)),
        pod("PB5", "Autopilot NVIDIA L4 Pod mCPU Requests", "0.0000407", regions=("p-gpu",)),
        pod("PB6", "Autopilot NVIDIA L4 Pod Memory Requests", "0.0045", regions=("p-gpu",)),
        pod("PB7", "Autopilot NVIDIA L4 Pod GPU Requests", "678", regions=("p-gpu",)),
    ]
    # Priced for a whole vCPU, unlike all others.
    arm = [
        pod("PA1", "Autopilot Arm Pod CPU", "0.03216", regions=("p-arm", "us-central1")),
        pod("PA2", "Autopilot Arm Pod Memory", "0.0036", regions=("p-arm", "us-central1")),
    ]
    premium = [
        pod("PP1", "Autopilot Accelerator CPU Premium", "0.0036"),
        pod("PP2", "Autopilot L4 Premium", "0.0672"),
    ]
    return [*found, *bad, *arm, *premium]
