"""The demo price list: SKUs in the catalog's form, invented but for a few list prices that everybody quotes.

Its ids begin with DEMO and its provider is called what it is, so that nobody takes it for Google's. It is the same on
every machine; `day` is how many days it is old: on later days a SKU is gone and two prices have moved. Most of it is
decoys, as in the real one: other offers whose descriptions look like the right one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

COMPUTE: Final = "6F81-5844-456A"
KUBERNETES: Final = "CCD8-9BF1-090E"
PROVIDER: Final = "Barista demo price list"
SERVICES: Final = {COMPUTE: "Compute Engine", KUBERNETES: "Kubernetes Engine"}

AMERICAS: Final = ("us-central1", "us-east1", "us-west1")
# region: how descriptions call it, and what it costs beside us-central1
REGIONS: Final[dict[str, tuple[str, str]]] = {
    "us-east4": ("Northern Virginia", "1.126"),
    "us-east5": ("Columbus", "1.0"),
    "us-south1": ("Dallas", "1.18"),
    "us-west2": ("Los Angeles", "1.201"),
    "us-west3": ("Salt Lake City", "1.201"),
    "us-west4": ("Las Vegas", "1.126"),
    "northamerica-northeast1": ("Montreal", "1.101"),
    "northamerica-northeast2": ("Toronto", "1.101"),
    "southamerica-east1": ("Sao Paulo", "1.587"),
    "southamerica-west1": ("Santiago", "1.43"),
    "europe-west1": ("Belgium", "1.1"),
    "europe-west2": ("London", "1.288"),
    "europe-west3": ("Frankfurt", "1.288"),
    "europe-west4": ("Netherlands", "1.101"),
    "europe-west6": ("Zurich", "1.399"),
    "europe-west8": ("Milan", "1.16"),
    "europe-west9": ("Paris", "1.16"),
    "europe-west10": ("Berlin", "1.288"),
    "europe-west12": ("Turin", "1.16"),
    "europe-north1": ("Finland", "1.101"),
    "europe-central2": ("Warsaw", "1.288"),
    "europe-southwest1": ("Madrid", "1.18"),
    "asia-east1": ("Taiwan", "1.158"),
    "asia-east2": ("Hong Kong", "1.399"),
    "asia-northeast1": ("Tokyo", "1.285"),
    "asia-northeast2": ("Osaka", "1.285"),
    "asia-northeast3": ("Seoul", "1.283"),
    "asia-south1": ("Mumbai", "1.201"),
    "asia-south2": ("Delhi", "1.201"),
    "asia-southeast1": ("Singapore", "1.234"),
    "asia-southeast2": ("Jakarta", "1.345"),
    "australia-southeast1": ("Sydney", "1.419"),
    "australia-southeast2": ("Melbourne", "1.419"),
    "me-west1": ("Tel Aviv", "1.1"),
    "me-central1": ("Doha", "1.2"),
    "me-central2": ("Dammam", "1.4"),
    "africa-south1": ("Johannesburg", "1.308"),
}
# what is sold: USD for a core and a GiB in us-central1; resource group of both where it is not CPU and RAM
MACHINES: Final[dict[str, tuple[str, str, str]]] = {
    "E2 Instance": ("0.021811", "0.002923", ""),
    "N1 Predefined Instance": ("0.031611", "0.004237", "N1Standard"),
    "N2 Instance": ("0.031611", "0.004237", ""),
    "N2D AMD Instance": ("0.027502", "0.003686", ""),
    "N4 Instance": ("0.029800", "0.003390", ""),
    "N4A Instance": ("0.026820", "0.003050", ""),
    "N4D Instance": ("0.027500", "0.003130", ""),
    "T2D AMD Instance": ("0.027502", "0.003686", ""),
    "T2A Arm Instance": ("0.025700", "0.003440", ""),
    "Compute optimized": ("0.033982", "0.004555", ""),
    "C2D AMD Instance": ("0.029563", "0.003959", ""),
    "C3 Instance": ("0.034650", "0.003938", ""),
    "C3D Instance": ("0.029563", "0.003959", ""),
    "C4 Instance": ("0.034650", "0.003938", ""),
    "C4A Arm Instance": ("0.030870", "0.003510", ""),
    "C4D Instance": ("0.033240", "0.003780", ""),
    "H4D Instance": ("0.034120", "0.002910", ""),
    "Memory-optimized Instance": ("0.034800", "0.005100", ""),
    "M3 Memory-optimized Instance": ("0.044500", "0.005200", ""),
    "M4 Instance": ("0.040300", "0.005300", ""),
    "A2 Instance": ("0.031611", "0.004237", ""),
    "A3 Instance": ("0.029300", "0.002500", ""),
    "A3Plus Instance": ("0.029300", "0.002500", ""),
    "A3Ultra Instance": ("0.029400", "0.002600", ""),
    "G2 Instance": ("0.024988", "0.002927", ""),
    "H3 Instance": ("0.044110", "0.002960", ""),
    "Z3 Instance": ("0.049650", "0.006650", ""),
}
CUSTOM: Final = ("", "E2 ", "N2 ", "N2D AMD ", "N4 ")
GPUS: Final[dict[str, str]] = {
    "Nvidia Tesla K80 GPU": "0.45",
    "Nvidia Tesla P4 GPU": "0.6",
    "Nvidia Tesla P100 GPU": "1.46",
    "Nvidia Tesla V100 GPU": "2.48",
    "Nvidia Tesla T4 GPU": "0.35",
    "Nvidia Tesla A100 GPU": "2.933908",
    "Nvidia Tesla A100 80GB GPU": "3.928082",
    "Nvidia L4 GPU": "0.560040",
    "Nvidia H100 80GB GPU": "9.796551",
    "Nvidia H100 80GB Mega GPU": "10.344276",
    "H200 141GB GPU": "9.1",
    "A4 Nvidia B200 (1 gpu slice)": "16.11",
}
PODS: Final[dict[str, tuple[str, str]]] = {
    "Autopilot Pod": ("0.0445", "0.0049225"),
    "Autopilot Balanced Pod": ("0.0561", "0.0062023"),
    "Autopilot Scale-Out x86 Pod": ("0.0561", "0.0062023"),
    "Autopilot Scale-Out Arm Pod": ("0.0356", "0.0039380"),
    "Autopilot NVIDIA L4 Pod": ("0.0407", "0.0045"),
    "Autopilot NVIDIA T4 Pod": ("0.0407", "0.0045"),
    "Autopilot NVIDIA A100 Pod": ("0.0407", "0.0045"),
    "Autopilot NVIDIA A100 80GB Pod": ("0.0407", "0.0045"),
}
POD_GPUS: Final[dict[str, str]] = {"L4": "0.6783", "T4": "0.3784", "A100": "3.3741", "A100 80GB": "4.5173"}
LICENCES: Final = 400
VANISHES: Final = "N1 Predefined Instance Core running in Northern Virginia"
MOVES: Final = {"Nvidia Tesla T4 GPU running in Americas": "0.62", "Nvidia L4 GPU running in Americas": "1.02"}
SPOT, YEAR, YEARS = Decimal("0.4"), Decimal("0.63"), Decimal("0.45")


def skus(service: str, *, day: int = 0) -> list[dict[str, Any]]:
    """All SKUs of a service, in a fixed order; none for a service that is not in the list."""
    listed = {COMPUTE: _compute, KUBERNETES: _kubernetes}.get(service)
    if listed is None:
        return []
    found = [sku for sku in listed() if day < 1 or sku["description"] != VANISHES]
    if day >= 1:
        for sku in found:
            if sku["description"] in MOVES:
                _move(sku, Decimal(MOVES[sku["description"]]))
    # Google sorts by id, which mixes what is similar.
    return sorted(found, key=lambda sku: str(sku["skuId"]))


def _places() -> Iterator[tuple[tuple[str, ...], str, Decimal]]:
    yield AMERICAS, "Americas", Decimal(1)
    for region, (place, factor) in REGIONS.items():
        yield (region,), place, Decimal(factor)


def _compute() -> Iterator[dict[str, Any]]:
    for regions, place, factor in _places():
        for name, (core, memory, group) in MACHINES.items():
            for word, group_of_word, price in (("Core", group or "CPU", core), ("Ram", group or "RAM", memory)):
                yield from _machine(regions, place, f"{name} {word}", group_of_word, Decimal(price) * factor)
        for name in CUSTOM:
            yield from _custom(regions, place, name, factor)
        for name, price in GPUS.items():
            yield from _gpu(regions, place, name, Decimal(price) * factor)
        yield from _disks(regions, place, factor)
    for number in range(LICENCES):
        text = f"Licensing Fee for Demo Linux {number % 20 + 1} on VM with {number // 20 + 1} VCPU"
        yield _sku(text, ("global",), Decimal("0.01") * (number % 7), "h", "Google", family="License")


def _machine(regions: tuple[str, ...], place: str, name: str, group: str, price: Decimal) -> Iterator[dict[str, Any]]:
    unit = "h" if name.endswith("Core") else "GiBy.h"
    short = name.replace(" Instance", "").replace("Core", "Cpu")
    yield _sku(f"{name} running in {place}", regions, price, unit, group)
    yield _sku(f"Spot Preemptible {name} running in {place}", regions, price * SPOT, unit, group, usage="Preemptible")
    yield _sku(f"Commitment v1: {short} in {place} for 1 Year", regions, price * YEAR, unit, group, usage="Commit1Yr")
    yield _sku(f"Commitment v1: {short} in {place} for 3 Year", regions, price * YEARS, unit, group, usage="Commit3Yr")
    yield _sku(f"Sole Tenancy Premium for {name} running in {place}", regions, price / 10, unit, group)
    yield _sku(f"Reserved {short} in {place}", regions, Decimal(0), unit, group)
    yield _sku(f"Reserved {short} in {place} in Calendar Mode", regions, price * YEARS, unit, group)
    yield _sku(f"DWS Defined Duration {short} running in {place}", regions, price * YEAR, unit, group)


def _custom(regions: tuple[str, ...], place: str, name: str, factor: Decimal) -> Iterator[dict[str, Any]]:
    for text, unit, group, price in (
        ("Custom Instance Core", "h", "CPU", "0.033174"),
        ("Custom Instance Ram", "GiBy.h", "RAM", "0.004446"),
        ("Custom Extended Instance Ram", "GiBy.h", "RAM", "0.009550"),
    ):
        full = f"{name}{text} running in {place}"
        yield _sku(full, regions, Decimal(price) * factor, unit, group)
        yield _sku(
            f"Spot Preemptible {full}", regions, Decimal(price) * factor * SPOT, unit, group, usage="Preemptible"
        )


def _gpu(regions: tuple[str, ...], place: str, name: str, price: Decimal) -> Iterator[dict[str, Any]]:
    spot, flex = "attached to Spot Preemptible VMs", "attached to DWS Defined Duration VMs"
    yield _sku(f"{name} running in {place}", regions, price, "h", "GPU")
    yield _sku(f"{name} {spot} running in {place}", regions, price * SPOT, "h", "GPU", usage="Preemptible")
    yield _sku(f"{name} {flex} running in {place}", regions, price * YEAR, "h", "GPU")
    yield _sku(f"Reserved {name} in {place}", regions, Decimal(0), "h", "GPU")
    yield _sku(f"Reserved {name} in {place} in Calendar Mode", regions, price * YEARS, "h", "GPU")
    for years, factor in (("1", YEAR), ("3", YEARS)):
        text = f"Commitment v1: {name} running in {place} for {years} Year"
        yield _sku(text, regions, price * factor, "h", "GPU", usage=f"Commit{years}Yr")


def _disks(regions: tuple[str, ...], place: str, factor: Decimal) -> Iterator[dict[str, Any]]:
    tail = "" if place == "Americas" else f" in {place}"
    spot = "SSD backed Local Storage attached to Spot Preemptible VMs"
    disk: dict[str, Any] = {"family": "Storage"}
    yield _sku(f"SSD backed Local Storage{tail}", regions, Decimal("0.08") * factor, "GiBy.mo", "LocalSSD", **disk)
    yield _sku(f"{spot}{tail}", regions, Decimal("0.032") * factor, "GiBy.mo", "LocalSSD", **disk)
    yield _sku(f"Storage PD Capacity{tail}", regions, Decimal("0.04") * factor, "GiBy.mo", "PDStandard", **disk)
    yield _sku(f"SSD backed PD Capacity{tail}", regions, Decimal("0.17") * factor, "GiBy.mo", "SSD", **disk)
    yield _sku(f"Network Internet Data Transfer Out from {place} to {place}", regions, Decimal("0.12"), "GiBy",
               "PremiumInternetEgress", family="Network", tiers=("0", "0.12", "0.11", "0.08"))  # fmt: skip


def _kubernetes() -> Iterator[dict[str, Any]]:
    yield _sku("Regional Kubernetes Clusters", ("global",), Decimal("0.1"), "h", "Clusters", service=KUBERNETES)
    yield _sku("Autopilot Kubernetes Clusters", ("global",), Decimal("0.1"), "h", "Clusters", service=KUBERNETES)
    factors = dict.fromkeys(AMERICAS, Decimal(1)) | {region: Decimal(by) for region, (_, by) in REGIONS.items()}
    for region, factor in factors.items():
        for name, (cpu, memory) in PODS.items():
            yield from _pod(region, name, Decimal(cpu) * factor, Decimal(memory) * factor)
        for gpu, price in POD_GPUS.items():
            yield from _requests(region, f"Autopilot NVIDIA {gpu} Pod", "GPU", Decimal(price) * factor, "h")
            yield _of_pods(f"Autopilot {gpu} Premium ({region})", region, Decimal(price) / 10, "h")
        # The one that is priced for a whole vCPU.
        yield _of_pods(f"Autopilot Arm Pod CPU ({region})", region, Decimal("0.03216") * factor, "h")
        yield _of_pods(f"Autopilot Performance CPU Premium ({region})", region, Decimal("0.0036") * factor, "h")
        yield _of_pods(f"Autopilot Accelerator Memory Premium ({region})", region, Decimal("0.0004"), "GiBy.h")


def _pod(region: str, name: str, cpu: Decimal, memory: Decimal) -> Iterator[dict[str, Any]]:
    yield from _requests(region, name, "mCPU", cpu / 1000, "h", display=1000)
    yield from _requests(region, name, "Memory", memory, "GiBy.h")
    yield from _requests(region, name, "Ephemeral Storage", Decimal("0.0000548"), "GiBy.h")


def _requests(
    region: str, name: str, what: str, price: Decimal, unit: str, display: int = 1
) -> Iterator[dict[str, Any]]:
    spot = name.replace(" Pod", " Spot Pod")
    yield _of_pods(f"{name} {what} Requests ({region})", region, price, unit, display=display)
    text = f"{spot} {what} Requests ({region})"
    yield _of_pods(text, region, price * SPOT, unit, display=display, usage="Preemptible")


def _of_pods(text: str, region: str, price: Decimal, unit: str, **more: Any) -> dict[str, Any]:
    return _sku(text, (region,), price, unit, "GKE", service=KUBERNETES, **more)


def _sku(
    description: str,
    regions: tuple[str, ...],
    price: Decimal,
    unit: str,
    group: str,
    *,
    usage: str = "OnDemand",
    family: str = "Compute",
    service: str = COMPUTE,
    display: int = 1,
    tiers: tuple[str, ...] = (),
) -> dict[str, Any]:
    digest = hashlib.sha256(f"{service} {description}".encode()).hexdigest().upper()
    sku_id = f"DEMO-{digest[:4]}-{digest[4:8]}-{digest[8:12]}"
    rates = [
        _tier(number * 1024, Decimal(rate)) for number, rate in enumerate(tiers)
    ] if tiers else [_tier(0, price)]  # fmt: skip
    return {
        "name": f"services/{service}/skus/{sku_id}",
        "skuId": sku_id,
        "description": description,
        "category": {
            "serviceDisplayName": SERVICES[service],
            "resourceFamily": family,
            "resourceGroup": group,
            "usageType": usage,
        },
        "serviceRegions": list(regions),
        "pricingInfo": [
            {
                "summary": "",
                "pricingExpression": {
                    "usageUnit": unit,
                    "displayQuantity": display,
                    "tieredRates": rates,
                },
                "currencyConversionRate": 1,
                "effectiveTime": "2026-07-01T07:00:00.123Z",
            }
        ],
        "serviceProviderName": PROVIDER,
        "geoTaxonomy": {
            "type": "GLOBAL" if regions == ("global",) else "REGIONAL" if len(regions) == 1 else "MULTI_REGIONAL",
            "regions": [] if regions == ("global",) else list(regions),
        },
    }


def _tier(start: int, price: Decimal) -> dict[str, Any]:
    """As protobuf writes JSON: int64 is text, and what is zero is left out."""
    units, nanos = divmod(int((price * 10**9).to_integral_value()), 10**9)
    amount = {"currencyCode": "USD"} | ({"units": str(units)} if units else {}) | ({"nanos": nanos} if nanos else {})
    return ({"startUsageAmount": start} if start else {}) | {"unitPrice": amount}


def _move(sku: dict[str, Any], factor: Decimal) -> None:
    """A second price, in force from the next month on."""
    (old,) = sku["pricingInfo"]
    money = old["pricingExpression"]["tieredRates"][0]["unitPrice"]
    price = (Decimal(money.get("units", 0)) + Decimal(money.get("nanos", 0)) / 10**9) * factor
    expression = old["pricingExpression"] | {"tieredRates": [_tier(0, price)]}
    sku["pricingInfo"] = [old, old | {"pricingExpression": expression, "effectiveTime": "2026-08-01T07:00:00Z"}]
