"""Pages as the Cloud Billing Catalog API returns them, made for tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

COMPUTE = "6F81-5844-456A"
KUBERNETES = "CCD8-9BF1-090E"
REGION = "us-central1"


def money(price: str, currency: str = "USD") -> dict[str, Any]:
    """proto3 JSON: int64 as text, fields that are zero left out."""
    units, nanos = divmod(int(Decimal(price) * 10**9), 10**9)
    return {"currencyCode": currency} | ({"units": str(units)} if units else {}) | ({"nanos": nanos} if nanos else {})


def sku(
    sku_id: str,
    description: str,
    price: str,
    *,
    group: str = "CPU",
    usage: str = "OnDemand",
    unit: str = "h",
    regions: tuple[str, ...] = (REGION,),
    family: str = "Compute",
    service: str = COMPUTE,
    since: str = "2023-03-24T10:52:50.681Z",
    currency: str = "USD",
    display: int = 1,
) -> dict[str, Any]:
    return {
        "name": f"services/{service}/skus/{sku_id}",
        "skuId": sku_id,
        "description": description,
        "category": {
            "serviceDisplayName": "Compute Engine" if service == COMPUTE else "Kubernetes Engine",
            "resourceFamily": family,
            "resourceGroup": group,
            "usageType": usage,
        },
        "serviceRegions": list(regions),
        "pricingInfo": [info(price, unit=unit, since=since, currency=currency, display=display)],
        "serviceProviderName": "Google",
        "geoTaxonomy": {"type": "REGIONAL" if len(regions) == 1 else "MULTI_REGIONAL", "regions": list(regions)},
    }


def info(
    price: str,
    *,
    unit: str = "h",
    since: str = "2023-03-24T10:52:50.681Z",
    currency: str = "USD",
    display: int = 1,
    conversion: float = 1,
) -> dict[str, Any]:
    return {
        "effectiveTime": since,
        "summary": "",
        "currencyConversionRate": conversion,
        "pricingExpression": {
            "usageUnit": unit,
            "displayQuantity": display,
            "tieredRates": [{"startUsageAmount": 0, "unitPrice": money(price, currency)}],
        },
    }


def core(sku_id: str, description: str, price: str, **more: Any) -> dict[str, Any]:
    return sku(sku_id, description, price, **{"group": "CPU"} | more)


def ram(sku_id: str, description: str, price: str, **more: Any) -> dict[str, Any]:
    return sku(sku_id, description, price, **{"group": "RAM", "unit": "GiBy.h"} | more)


def gpu(sku_id: str, description: str, price: str, **more: Any) -> dict[str, Any]:
    return sku(sku_id, description, price, **{"group": "GPU"} | more)


def ssd(sku_id: str, description: str, price: str, **more: Any) -> dict[str, Any]:
    return sku(sku_id, description, price, **{"group": "LocalSSD", "family": "Storage", "unit": "GiBy.mo"} | more)


def pod(sku_id: str, description: str, price: str, **more: Any) -> dict[str, Any]:
    unit = "GiBy.h" if "Memory" in description else "h"
    display = 1000 if "mCPU" in description else 1
    return sku(
        sku_id,
        f"{description} ({REGION})",
        price,
        **{"service": KUBERNETES, "group": "Autopilot", "unit": unit, "display": display} | more,
    )
