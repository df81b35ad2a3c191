"""What the gateway to a price list gives, and everything that can go wrong with it, in our own words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from deployments.domain.cost.skus import COMPUTE_ENGINE, KUBERNETES_ENGINE, Sku

SERVICES: Final = (COMPUTE_ENGINE, KUBERNETES_ENGINE)


class PriceListError(Exception):
    """The price list was not read; the last good version stays. The message says why and what helps."""


class NotConfigured(PriceListError):
    """There are no credentials, or the endpoint cannot be used."""


class Refused(PriceListError):
    """The service answered that it will not: no permission, or a request it does not know."""


class Busy(PriceListError):
    """Too many requests; worth another try after `retry_after_s`, where the service said so."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unreachable(PriceListError):
    """No whole answer came: the network, a cut connection, a time limit, or an error of the service's own."""


class Malformed(PriceListError):
    """An answer came that is no page of a price list, or the pages do not end."""


class TooLarge(PriceListError):
    """More than any price list has: read no further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where prices come from. An empty endpoint is Google's; an empty key is application default credentials."""

    endpoint: str = ""
    api_key: str = ""
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds a pull. Seconds, and bytes after unpacking."""

    connect_s: float = 5.0
    read_s: float = 30.0
    whole_s: float = 600.0
    page_skus: int = 5000
    page_bytes: int = 64 * 1024 * 1024
    pages: int = 60
    skus: int = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A whole price list, never a part of one: all SKUs of all services, in `pages` answers."""

    skus: tuple[Sku, ...]
    pages: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Prices of a time instead of today's; both ends within one calendar month of Los Angeles."""

    start: datetime
    end: datetime
