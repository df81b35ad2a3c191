"""Google's Cloud Billing Catalog over HTTP on loopback, with the demo price list: `python -m embedded.billing.server`.

GET /v1/services, GET /v1/services/{id}/skus?pageSize=&pageToken=&currencyCode=&startTime=&endTime=
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from embedded.billing import demo_prices
from embedded.paths import LOOPBACK

PAGE: Final = 5000
CURRENCIES: Final = {"USD": Decimal(1), "EUR": Decimal("0.92"), "JPY": Decimal("150.5")}
LOS_ANGELES: Final = ZoneInfo("America/Los_Angeles")


class CatalogServer(ThreadingHTTPServer):
    """Listens at once, answers when `serving` or `serve_forever` runs. `day` is the age of its price list, which holds
    only what is sold in `region` where one is given."""

    daemon_threads = True

    def __init__(
        self, port: int = 0, *, day: int = 0, region: str = "", handler: type[BaseHTTPRequestHandler] | None = None
    ) -> None:
        self.day, self.region = day, region
        super().__init__((LOOPBACK, port), handler or Handler)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}"


@contextmanager
def serving(server: CatalogServer) -> Iterator[CatalogServer]:
    """In a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Refused(Exception):
    """An answer that is an error, as Google's APIs word it."""

    def __init__(self, code: HTTPStatus, status: str, message: str) -> None:
        self.code, self.status, self.message = code, status, message
        super().__init__(message)


class Handler(BaseHTTPRequestHandler):
    server: CatalogServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        try:
            self.answer(HTTPStatus.OK, self.content(address.path, query))
        except Refused as refused:
            error = {"code": refused.code.value, "message": refused.message, "status": refused.status}
            self.answer(refused.code, {"error": error})

    def content(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        """The answer's content; Refused for what the API would refuse."""
        parts = path.strip("/").split("/")
        if parts == ["v1", "services"]:
            return {"services": [_service(service, name) for service, name in demo_prices.SERVICES.items()]}
        if len(parts) == 4 and parts[:2] == ["v1", "services"] and parts[3] == "skus":
            return skus_page(parts[2], query, day=self.server.day, region=self.server.region)
        raise Refused(HTTPStatus.NOT_FOUND, "NOT_FOUND", "Method not found.")

    def answer(self, code: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        packed = "gzip" in self.headers.get("Accept-Encoding", "")
        if packed:
            body = gzip.compress(body, compresslevel=1)
        self.send_response(code)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the stack has logs of its own."""


def skus_page(service: str, query: dict[str, str], *, day: int = 0, region: str = "") -> dict[str, Any]:
    """One page. The token says where it begins, and is only good for the size and currency it was given for."""
    listed = _listed(service, day, region)
    if not listed:
        raise Refused(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"Service {service} not found.")
    currency = query.get("currencyCode") or "USD"
    if currency not in CURRENCIES:
        raise _invalid(f"Currency code {currency} is not supported.")
    _check_range(query.get("startTime", ""), query.get("endTime", ""))
    size = min(_whole(query.get("pageSize") or "0", "page size") or PAGE, PAGE)
    start = _start(query.get("pageToken", ""), service, currency)
    content: dict[str, Any] = {"skus": [_in_currency(sku, currency) for sku in listed[start : start + size]]}
    if start + size < len(listed):
        content["nextPageToken"] = _token(service, currency, start + size)
    else:
        content["nextPageToken"] = ""
    return content


@lru_cache(maxsize=4)
def _listed(service: str, day: int, region: str) -> tuple[dict[str, Any], ...]:
    return tuple(sku for sku in demo_prices.skus(service, day=day) if not region or region in sku["serviceRegions"])


def _service(service: str, name: str) -> dict[str, Any]:
    return {
        "name": f"services/{service}",
        "serviceId": service,
        "displayName": name,
        "businessEntityName": f"businessEntities/{demo_prices.PROVIDER}",
    }


def _token(service: str, currency: str, start: int) -> str:
    return base64.urlsafe_b64encode(f"{service}|{currency}|{start}".encode()).decode()


def _start(token: str, service: str, currency: str) -> int:
    if not token:
        return 0
    try:
        made_for, of_currency, start = base64.urlsafe_b64decode(token.encode()).decode().split("|")
    except ValueError:
        raise _invalid("Invalid page token.") from None
    if (made_for, of_currency) != (service, currency):
        raise _invalid("The page token is of another request.")
    return _whole(start, "page token")


def _whole(text: str, what: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise _invalid(f"Invalid {what}.")
    return int(text)


def _check_range(start: str, end: str) -> None:
    """Both or neither, and within one month of Los Angeles."""
    if not start and not end:
        return
    try:
        first, last = (datetime.fromisoformat(text).astimezone(LOS_ANGELES) for text in (start, end))
    except ValueError:
        raise _invalid("The time range needs a start and an end.") from None
    if first > last or (first.year, first.month) != (last.year, last.month):
        raise _invalid("The time range must lie within one calendar month.")


def _invalid(message: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, "INVALID_ARGUMENT", message)


def _in_currency(sku: dict[str, Any], currency: str) -> dict[str, Any]:
    if currency == "USD":
        return sku
    factor = CURRENCIES[currency]
    infos = []
    for info in sku["pricingInfo"]:
        tiers = []
        for tier in info["pricingExpression"]["tieredRates"]:
            money = tier["unitPrice"]
            price = (Decimal(money.get("units", 0)) + Decimal(money.get("nanos", 0)) / 10**9) * factor
            units, nanos = divmod(int((price * 10**9).to_integral_value()), 10**9)
            tiers.append(tier | {"unitPrice": {"currencyCode": currency, "units": str(units), "nanos": nanos}})
        expression = info["pricingExpression"] | {"tieredRates": tiers}
        infos.append(info | {"pricingExpression": expression, "currencyConversionRate": float(factor)})
    return sku | {"pricingInfo": infos}


def main() -> None:
    parser = argparse.ArgumentParser(description=f"Serve the {demo_prices.PROVIDER} on loopback.")
    parser.add_argument("--port", type=int, default=8086)
    parser.add_argument("--day", type=int, default=0, help="age of the list: from day 1 on prices have moved")
    arguments = parser.parse_args()
    server = CatalogServer(arguments.port, day=arguments.day)
    print(f"{demo_prices.PROVIDER}: {server.url}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
