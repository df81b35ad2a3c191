"""SKUs as Google's Cloud Billing Catalog lists them: `services.skus.list` in proto3 JSON, read without a guess.

int64 comes as text, a zero field does not come at all, and a record that cannot be read stays in the list with its
problem, because the price it would have given is then unknown and not absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

COMPUTE_ENGINE: Final = "6F81-5844-456A"
KUBERNETES_ENGINE: Final = "CCD8-9BF1-090E"
NANOS: Final = Decimal(10) ** 9
LONGEST_TEXT: Final = 500


class CatalogError(ValueError):
    """The text is no page of the catalog; the message says what was found instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one `unit` (Google's usageUnit: h, GiBy.h, GiBy.mo) costs from `since` on.

    `price` is the first tier that is not free, 0 when every tier is free. `conversion` is units of `currency` for one
    USD. `since` is None when the catalog does not say: then it was always in force.
    """

    since: datetime | None
    unit: str
    price: Decimal
    currency: str
    conversion: Decimal = Decimal(1)
    tiers: tuple[tuple[Decimal, Decimal], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """One stock keeping unit. `rates` are ordered by time; `problem` says why there are none where that is an error."""

    sku_id: str
    description: str
    service: str = ""
    family: str = ""
    group: str = ""
    usage: str = ""
    regions: frozenset[str] = frozenset()
    rates: tuple[Rate, ...] = ()
    problem: str = field(default="", compare=False)

    def at(self, instant: datetime | None) -> Rate | None:
        """The rate in force at `instant`, the last one listed when it is None; None before the first."""
        if instant is None:
            return self.rates[-1] if self.rates else None
        reached = [rate for rate in self.rates if rate.since is None or rate.since <= instant]
        return reached[-1] if reached else None

    @property
    def words(self) -> str:
        """How reasons name it: id and description."""
        return f'{self.sku_id} "{self.description}"'


def read_catalog(documents: Iterable[object]) -> tuple[Sku, ...]:
    """All SKUs of parsed JSON documents: page objects, lists of pages or lists of SKUs, in any mixture and number.

    A SKU that comes twice with the same content is one; with two contents it stays twice, so that it is ambiguous.
    CatalogError for anything else.
    """
    found: dict[Sku, None] = {}
    for document in documents:
        for raw in _raw_skus(document, depth=0):
            found.setdefault(sku_of(raw))
    return tuple(found)


def _raw_skus(document: object, *, depth: int) -> Iterable[Mapping[str, Any]]:
    if isinstance(document, Mapping):
        if "skus" in document:
            yield from _raw_skus(document["skus"] or [], depth=depth + 1)
        elif "skuId" in document or "description" in document:
            yield document
        elif document and set(document) != {"nextPageToken"}:
            raise CatalogError(f'The object has no "skus" but {_some(document)}.')
    elif isinstance(document, list) and depth < 3:
        for item in document:
            yield from _raw_skus(item, depth=depth + 1)
    else:
        raise CatalogError(f"A page with skus is expected, not {type(document).__name__}.")


def _some(keys: Iterable[object]) -> str:
    return ", ".join(f'"{key}"' for key in list(keys)[:3])


def sku_of(raw: Mapping[str, Any]) -> Sku:
    """One SKU of the catalog. Never raises: what cannot be read is told in `problem`, and then there are no rates."""
    listed = raw.get("category")
    category: Mapping[str, Any] = listed if isinstance(listed, Mapping) else {}
    try:
        rates, problem = _rates(raw.get("pricingInfo")), ""
    except _Unreadable as error:
        rates, problem = (), f"{error}"
    sku_id = _text(raw.get("skuId")) or _text(raw.get("name")).rpartition("/")[2]
    return Sku(
        sku_id=sku_id or "(no id)",
        description=" ".join(_text(raw.get("description")).split()),
        service=_service(_text(raw.get("name"))),
        family=_text(category.get("resourceFamily")),
        group=_text(category.get("resourceGroup")),
        usage=_text(category.get("usageType")),
        regions=_regions(raw),
        rates=rates,
        problem=problem,
    )


def _service(name: str) -> str:
    """The service's id out of "services/6F81-5844-456A/skus/2922-40C5-B19F"; empty when the name does not say."""
    found = re.match(r"services/([^/]+)/", name)
    return found.group(1) if found else ""


def _regions(raw: Mapping[str, Any]) -> frozenset[str]:
    listed = raw.get("serviceRegions")
    if not listed and isinstance(raw.get("geoTaxonomy"), Mapping):
        listed = raw["geoTaxonomy"].get("regions")
    if not isinstance(listed, list):
        return frozenset()
    return frozenset(region.strip().lower() for region in listed if isinstance(region, str))


class _Unreadable(ValueError):
    pass


def _rates(infos: object) -> tuple[Rate, ...]:
    if infos is None:
        return ()
    if not isinstance(infos, list):
        raise _Unreadable("pricingInfo is no list")
    rates = [_rate(info) for info in infos]
    # Google lists them in order; a file that was merged by hand may not.
    return tuple(sorted(rates, key=lambda rate: rate.since or datetime.min.replace(tzinfo=UTC)))


def _rate(info: object) -> Rate:
    if not isinstance(info, Mapping):
        raise _Unreadable("pricingInfo holds no objects")
    expression = info.get("pricingExpression")
    if not isinstance(expression, Mapping):
        raise _Unreadable("a pricingInfo has no pricingExpression")
    listed = expression.get("tieredRates") or []
    if not isinstance(listed, list):
        raise _Unreadable("tieredRates is no list")
    tiers, currencies = [], set()
    for tier in listed:
        money = tier.get("unitPrice") if isinstance(tier, Mapping) else None
        if not isinstance(money, Mapping):
            raise _Unreadable("a tier has no unitPrice")
        tiers.append((_number(tier.get("startUsageAmount")), _price(money)))
        currencies.add(_text(money.get("currencyCode")) or "USD")
    if len(currencies) > 1:
        raise _Unreadable(f"its tiers are in {' and '.join(sorted(currencies))}")
    tiers.sort()
    return Rate(
        since=_instant(info.get("effectiveTime")),
        unit=_text(expression.get("usageUnit")),
        price=next((price for _, price in tiers if price), Decimal(0)),
        currency=currencies.pop() if currencies else "USD",
        conversion=_number(info.get("currencyConversionRate")) or Decimal(1),
        tiers=tuple(tiers),
    )


def _price(money: Mapping[str, Any]) -> Decimal:
    """units + nanos / 10^9, exactly."""
    price = _number(money.get("units")) + _number(money.get("nanos")) / NANOS
    if price < 0:
        raise _Unreadable("a price is negative")
    return price


def _number(value: object) -> Decimal:
    """Numbers come as numbers or as text; an absent one is 0."""
    if value is None:
        return Decimal(0)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise _Unreadable(f"{value!r:.40} is no number")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _Unreadable(f"{value!r:.40} is no number") from None
    if not number.is_finite() or abs(number) > Decimal(10) ** 15:
        raise _Unreadable(f"{value!r:.40} is no number of a price list")
    return number


def _instant(value: object) -> datetime | None:
    """RFC 3339 with up to nine digits of a second; Python keeps six."""
    text = _text(value)
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        raise _Unreadable(f'"{text[:40]}" is no instant') from None
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def _text(value: object) -> str:
    return value.strip()[:LONGEST_TEXT] if isinstance(value, str) else ""
