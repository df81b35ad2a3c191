"""Google's Cloud Billing Catalog by its own client over REST: the only module that imports google.cloud.

The client reads an answer whole and follows redirects; the adapter below bounds size and time and refuses to be sent
elsewhere, since the request carries a key. The endpoint may be a server of ours on loopback.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from google.api_core import exceptions as google_errors
from google.auth import exceptions as auth_errors
from google.auth.credentials import AnonymousCredentials
from google.cloud import billing_v1
from google.protobuf import json_format
from requests.adapters import HTTPAdapter

from deployments.domain.cost.skus import Rate, Sku
from deployments.prices.api import (
    SERVICES,
    Busy,
    Limits,
    Malformed,
    NotConfigured,
    PriceListError,
    Pull,
    Refused,
    Source,
    Span,
    TooLarge,
    Unreachable,
)

CHUNK: Final = 256 * 1024
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def pull(
    source: Source, *, services: Iterable[str] = SERVICES, span: Span | None = None, limits: Limits | None = None
) -> Pull:
    """The whole price list of the services. Every failure is a PriceListError; it takes at most `limits.whole_s`."""
    bounds = limits or Limits()
    deadline = _Deadline(time.monotonic() + bounds.whole_s)
    skus: list[Sku] = []
    pages = 0
    with _errors(), _client(source, bounds, deadline) as client:
        for service in services:
            before = len(skus)
            for page in _pages(client, service, source, span, bounds):
                pages += 1
                if pages > bounds.pages:
                    raise Malformed(f"The price list does not end: {bounds.pages} pages were read.")
                skus.extend(sku_of(sku) for sku in page)
                if len(skus) > bounds.skus:
                    raise TooLarge(f"The price list has more than {bounds.skus:,} SKUs.")
            if len(skus) == before:
                raise Malformed(f"The price list of service {service} is empty.")
    return Pull(skus=tuple(skus), pages=pages, currency=source.currency)


def _pages(
    client: billing_v1.CloudCatalogClient, service: str, source: Source, span: Span | None, limits: Limits
) -> Iterator[Iterable[Any]]:
    request = billing_v1.ListSkusRequest(
        parent=f"services/{service}", currency_code=source.currency, page_size=limits.page_skus,
        start_time=span.start if span else None, end_time=span.end if span else None,
    )  # fmt: skip
    tokens: set[str] = set()
    for page in client.list_skus(request=request, retry=None, timeout=limits.read_s).pages:
        yield billing_v1.ListSkusResponse.pb(page).skus
        token = page.next_page_token
        if token in tokens:
            raise Malformed("The price list does not end: a page came twice.")
        tokens.add(token)


def sku_of(proto: Any) -> Sku:
    """A Sku message as ours, the same as domain.cost.skus makes of its JSON; read without the library's wrappers,
    which take ten times as long.
    """
    try:
        rates, problem = tuple(sorted(map(_rate, proto.pricing_info), key=lambda rate: rate.since or _EARLIEST)), ""
    except ValueError as error:
        rates, problem = (), str(error)
    regions = proto.service_regions or proto.geo_taxonomy.regions
    parts = proto.name.split("/")
    return Sku(
        sku_id=proto.sku_id or parts[-1] or "(no id)",
        description=" ".join(proto.description.split()),
        service=parts[1] if len(parts) > 2 and parts[0] == "services" else "",
        family=proto.category.resource_family,
        group=proto.category.resource_group,
        usage=proto.category.usage_type,
        regions=frozenset(region.strip().lower() for region in regions),
        rates=rates,
        problem=problem,
    )


_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_NANOS: Final = Decimal(10) ** 9


def _rate(info: Any) -> Rate:
    expression = info.pricing_expression
    tiers = sorted(
        (Decimal(str(tier.start_usage_amount)).normalize(), tier.unit_price.units + tier.unit_price.nanos / _NANOS)
        for tier in expression.tiered_rates
    )
    if any(price < 0 for _, price in tiers):
        raise ValueError("a price is negative")
    currencies = {tier.unit_price.currency_code or "USD" for tier in expression.tiered_rates} or {"USD"}
    if len(currencies) > 1:
        raise ValueError(f"its tiers are in {' and '.join(sorted(currencies))}")
    return Rate(
        since=info.effective_time.ToDatetime(tzinfo=UTC) if info.HasField("effective_time") else None,
        unit=expression.usage_unit,
        price=next((price for _, price in tiers if price), Decimal(0)),
        currency=currencies.pop(),
        conversion=Decimal(str(info.currency_conversion_rate or 1)),
        tiers=tuple(tiers),
    )


def _client(source: Source, limits: Limits, deadline: _Deadline) -> billing_v1.CloudCatalogClient:
    options: dict[str, str] = {}
    credentials = None
    if source.endpoint:
        address = urlsplit(source.endpoint)
        is_local = address.hostname in LOOPBACK
        if address.scheme != "https" and not (address.scheme == "http" and is_local):
            raise NotConfigured("The billing endpoint must be an https address; http is for loopback alone.")
        options["api_endpoint"] = source.endpoint.rstrip("/")
        if is_local and not source.api_key:
            credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    if source.api_key:
        options["api_key"] = source.api_key
    client = billing_v1.CloudCatalogClient(transport="rest", client_options=options, credentials=credentials)
    session = client.transport._session  # type: ignore[attr-defined]  # the library has no other way to bound it
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Bounded(limits, deadline))
    return client


@dataclass
class _Deadline:
    at: float

    def check(self) -> None:
        if time.monotonic() > self.at:
            raise Unreachable("The price list took too long and was given up.")


class _Bounded(HTTPAdapter):
    """Reads an answer in pieces and stops at its limits."""

    def __init__(self, limits: Limits, deadline: _Deadline) -> None:
        super().__init__(max_retries=0)
        self.limits = limits
        self.deadline = deadline

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        self.deadline.check()
        options |= {"stream": True, "timeout": (self.limits.connect_s, self.limits.read_s)}
        response = super().send(request, *args, **options)
        try:
            if response.is_redirect:
                raise Refused("The billing service sent us to another address.")
            pieces, size = [], 0
            for piece in response.iter_content(CHUNK):
                size += len(piece)
                if size > self.limits.page_bytes:
                    raise TooLarge(f"A page of the price list has more than {self.limits.page_bytes:,} bytes.")
                self.deadline.check()
                pieces.append(piece)
        except BaseException:
            response.close()
            raise
        response._content = b"".join(pieces)
        return response


class _errors:
    """Turns what the library and the network raise into our own."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, PriceListError) or not isinstance(error, Exception):
            return
        raise _ours(error) from error


def _ours(error: Exception) -> PriceListError:
    if isinstance(error, google_errors.TooManyRequests):
        return Busy("The billing service answers that there are too many requests.", _retry_after(error))
    if isinstance(error, google_errors.ServerError):
        return Unreachable(f"The billing service has an error of its own: {_short(error)}")
    if isinstance(error, google_errors.Unauthorized | google_errors.Forbidden):
        return Refused(f"The billing service refuses our credentials: {_short(error)}")
    if isinstance(error, google_errors.GoogleAPICallError):
        return Refused(f"The billing service refuses the request: {_short(error)}")
    if isinstance(error, auth_errors.InvalidOperation):
        return Refused("The billing service wants credentials, and there are none for an endpoint on loopback.")
    if isinstance(error, auth_errors.DefaultCredentialsError):
        return NotConfigured("There is no API key and there are no application default credentials for the price list.")
    if isinstance(error, auth_errors.TransportError | requests.RequestException):
        return Unreachable(f"The billing service does not answer: {_short(error)}")
    if isinstance(error, auth_errors.GoogleAuthError):
        return NotConfigured(f"The credentials for the price list do not work: {_short(error)}")
    if isinstance(error, json_format.ParseError | ValueError | TypeError | KeyError | AttributeError | RecursionError):
        return Malformed(f"An answer is no page of a price list: {_short(error)}")
    return Unreachable(f"The price list could not be read: {_short(error)}")


def _retry_after(error: google_errors.GoogleAPICallError) -> float | None:
    headers = getattr(error.response, "headers", None) or {}
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None


def _short(error: Exception) -> str:
    """One line, without addresses' queries: those hold keys."""
    return " ".join(re.sub(r"\?\S*", "", str(error)).split())[:200] or type(error).__name__
