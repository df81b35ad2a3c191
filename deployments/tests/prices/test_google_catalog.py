"""The real client against the demo's catalog server, whole and broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from deployments.domain.cost.machines import machine
from deployments.domain.cost.prices import Lookup, PriceBook, node_rates, quote_node
from deployments.domain.cost.skus import COMPUTE_ENGINE, KUBERNETES_ENGINE, read_catalog
from deployments.prices.api import (
    Busy,
    Limits,
    Malformed,
    NotConfigured,
    PriceListError,
    Refused,
    Source,
    Span,
    TooLarge,
    Unreachable,
)
from deployments.prices.google_catalog import pull
from embedded.billing import demo_prices
from embedded.billing.server import CatalogServer, Handler, serving

QUICK = Limits(connect_s=2, read_s=1, whole_s=20, page_bytes=4 * 1024 * 1024)
SMALL = (KUBERNETES_ENGINE,)


@pytest.fixture(scope="module")
def catalog() -> Iterator[CatalogServer]:
    with serving(CatalogServer()) as server:
        yield server


@pytest.fixture
def broken() -> Iterator[Callable[..., Source]]:
    """Starts a server that answers every page after the first `good` ones by `fault`."""
    stops = []

    def start(fault: Callable[[Handler], None], *, good: int = 0) -> Source:
        left = [good]

        class Faulty(Handler):
            def do_GET(self) -> None:
                left[0] -= 1
                if left[0] >= 0:
                    super().do_GET()
                else:
                    fault(self)

        serves = serving(CatalogServer(handler=Faulty))
        stops.append(serves)
        return Source(endpoint=serves.__enter__().url)

    yield start
    for serves in stops:
        serves.__exit__(None, None, None)


def _raw(answer: bytes, *, length: int | None = None, code: int = 200, **headers: str) -> Callable[[Handler], None]:
    def fault(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(answer) if length is None else length))
        # Said, so that the next request does not meet a connection that is just being closed.
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(answer)
        handler.close_connection = True

    return fault


def test_the_whole_list_is_read_page_by_page(catalog: CatalogServer) -> None:
    found = pull(Source(endpoint=catalog.url))
    assert found.pages >= 5
    assert len(found.skus) >= 20_000
    assert len({sku.sku_id for sku in found.skus}) == len(found.skus)
    a2 = machine("a2-highgpu-1g")
    assert a2 is not None
    quote = quote_node(a2, node_rates(PriceBook(found.skus), a2, Lookup(region="us-central1")))
    assert f"{quote.hourly:.6f}" == "3.673385"


def test_the_client_and_a_file_give_the_same_skus(catalog: CatalogServer) -> None:
    for service in (COMPUTE_ENGINE, KUBERNETES_ENGINE):
        by_client = pull(Source(endpoint=catalog.url), services=[service]).skus
        by_file = read_catalog([demo_prices.skus(service)])
        assert set(by_client) == set(by_file)


def test_another_currency(catalog: CatalogServer) -> None:
    found = pull(Source(endpoint=catalog.url, currency="EUR"), services=SMALL)
    rates = {(rate.currency, f"{rate.conversion:.2f}") for sku in found.skus for rate in sku.rates}
    assert rates == {("EUR", "0.92")}


def test_prices_of_another_month(catalog: CatalogServer) -> None:
    november = Span(start=datetime(2026, 11, 2, tzinfo=UTC), end=datetime(2026, 11, 20, tzinfo=UTC))
    assert pull(Source(endpoint=catalog.url), services=SMALL, span=november).skus
    with pytest.raises(Refused, match="one calendar month"):
        pull(
            Source(endpoint=catalog.url), services=SMALL, span=replace(november, end=datetime(2026, 12, 9, tzinfo=UTC))
        )


def test_a_list_that_aged_has_lost_a_sku_and_moved_two_prices() -> None:
    before, after = ({sku["description"]: sku for sku in demo_prices.skus(COMPUTE_ENGINE, day=day)} for day in (0, 1))
    assert set(before) - set(after) == {demo_prices.VANISHES}
    assert {name for name in after if after[name] != before[name]} == set(demo_prices.MOVES)


def test_an_api_key_is_sent() -> None:
    asked: list[Handler] = []

    class Noting(Handler):
        def do_GET(self) -> None:
            asked.append(self)
            super().do_GET()

    with serving(CatalogServer(handler=Noting)) as server:
        pull(Source(endpoint=server.url, api_key="sesame"), services=SMALL)
    (handler, *_) = asked
    query = parse_qs(urlsplit(handler.path).query)
    assert handler.headers.get("X-Goog-Api-Key") == "sesame" or query.get("key") == ["sesame"]


HTML = b"<html>Sign in to the guest network</html>"
FAULTS: list[tuple[str, Callable[[Handler], None], type[PriceListError]]] = [
    ("429", _raw(b'{"error": {"code": 429, "message": "slow down"}}', code=429, Retry_After="17"), Busy),
    ("500", _raw(b"{}", code=500), Unreachable),
    ("503 in HTML", _raw(HTML, code=503), Unreachable),
    ("403", _raw(b'{"error": {"code": 403, "message": "no"}}', code=403), Refused),
    ("401", _raw(b"{}", code=401), Refused),
    ("404", _raw(b"{}", code=404), Refused),
    ("redirect", _raw(b"", code=302, Location="http://127.0.0.1:1/elsewhere"), Refused),
    ("HTML", _raw(HTML), Malformed),
    ("cut JSON", _raw(b'{"skus": [{"name": "services/'), Malformed),
    ("cut connection", _raw(b'{"skus": [', length=5000), Unreachable),
    ("nothing", _raw(b""), Malformed),
    ("another shape", _raw(b'{"skus": "many"}'), Malformed),
    ("another type", _raw(b'{"skus": [{"pricingInfo": [{"pricingExpression": 3}]}]}'), Malformed),
    ("not UTF-8", _raw(b'{"skus": "\xff\xfe"}'), Malformed),
    ("deep", _raw(b'{"skus":' + b"[" * 100_000), Malformed),
    ("huge", _raw(b" " * (QUICK.page_bytes + 1)), TooLarge),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "error"), [item[1:] for item in FAULTS], ids=[item[0] for item in FAULTS])
@pytest.mark.parametrize("good", [0, 2], ids=["first page", "third page"])
def test_a_fault_is_an_error_of_the_gateway(broken: Any, fault: Any, error: type[PriceListError], good: int) -> None:
    with pytest.raises(error) as caught:
        pull(broken(fault, good=good), services=SMALL, limits=replace(QUICK, page_skus=100))
    assert type(caught.value) is error
    assert "127.0.0.1" not in str(caught.value) or "key" not in str(caught.value)


def test_when_to_come_back_is_told(broken: Any) -> None:
    with pytest.raises(Busy) as caught:
        pull(broken(FAULTS[0][1]), services=SMALL, limits=QUICK)
    assert caught.value.retry_after_s == 17


def test_a_packed_answer_is_bounded_unpacked(catalog: CatalogServer) -> None:
    with pytest.raises(TooLarge):
        pull(Source(endpoint=catalog.url), services=SMALL, limits=replace(QUICK, page_bytes=100_000))


def test_an_answer_that_never_ends_is_given_up(broken: Any) -> None:
    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "10000000")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 300_000)
                handler.wfile.flush()
        except OSError:
            handler.close_connection = True

    with pytest.raises((TooLarge, Unreachable)):
        pull(broken(drip), services=SMALL, limits=replace(QUICK, page_bytes=2_000_000))


def test_the_whole_pull_has_an_end(catalog: CatalogServer) -> None:
    with pytest.raises(Unreachable, match="too long"):
        pull(Source(endpoint=catalog.url), limits=replace(QUICK, whole_s=0))


def test_silence_is_given_up(broken: Any) -> None:
    with pytest.raises(Unreachable):
        pull(broken(lambda handler: handler.rfile.read(1)), services=SMALL, limits=replace(QUICK, read_s=0.3))


def test_nobody_listens() -> None:
    with pytest.raises(Unreachable):
        pull(Source(endpoint="http://127.0.0.1:1"), services=SMALL, limits=QUICK)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"skus": []}, "is empty"),
        ({}, "is empty"),
        ({"error": {"code": 7}}, "is empty"),
        ({"skus": [{}], "nextPageToken": "x"}, "came twice"),
    ],
)
def test_a_list_without_skus_or_without_an_end(broken: Any, content: dict[str, Any], error: str) -> None:
    with pytest.raises(Malformed, match=error):
        pull(broken(_raw(json.dumps(content).encode())), services=SMALL, limits=QUICK)


def test_pages_and_skus_are_bounded(catalog: CatalogServer) -> None:
    with pytest.raises(Malformed, match="2 pages were read"):
        pull(Source(endpoint=catalog.url), services=SMALL, limits=replace(QUICK, page_skus=100, pages=2))
    with pytest.raises(TooLarge, match="1,000 SKUs"):
        pull(Source(endpoint=catalog.url), services=SMALL, limits=replace(QUICK, skus=1000))


def test_a_price_that_is_no_price_is_told_and_not_dropped(broken: Any) -> None:
    info = {
        "pricingExpression": {"usageUnit": "h", "tieredRates": [{"unitPrice": {"units": "-1", "currencyCode": "USD"}}]}
    }
    page = {"skus": [{"skuId": "X", "description": "E2 Instance Core", "pricingInfo": [info]}]}
    (sku,) = pull(broken(_raw(json.dumps(page).encode())), services=SMALL, limits=QUICK).skus
    assert (sku.rates, sku.problem) == ((), "a price is negative")


@pytest.mark.parametrize(
    "endpoint", ["http://billing.example.org", "ftp://127.0.0.1", "billing.example.org", "http://"]
)
def test_a_key_is_not_sent_in_the_clear(endpoint: str) -> None:
    with pytest.raises(NotConfigured, match="https"):
        pull(Source(endpoint=endpoint, api_key="sesame"))


def test_without_credentials_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(NotConfigured, match="credentials"):
        pull(Source())


def test_services_and_unknown_paths(catalog: CatalogServer) -> None:

    listed = requests.get(f"{catalog.url}/v1/services", timeout=5).json()["services"]
    assert [service["serviceId"] for service in listed] == [COMPUTE_ENGINE, KUBERNETES_ENGINE]
    for path, code in (
        ("/v1/services/NONE/skus", HTTPStatus.NOT_FOUND),
        ("/v2", HTTPStatus.NOT_FOUND),
        (f"/v1/services/{COMPUTE_ENGINE}/skus?pageToken=x", HTTPStatus.BAD_REQUEST),
        (f"/v1/services/{COMPUTE_ENGINE}/skus?pageSize=-1", HTTPStatus.BAD_REQUEST),
        (f"/v1/services/{COMPUTE_ENGINE}/skus?currencyCode=XXX", HTTPStatus.BAD_REQUEST),
    ):
        assert requests.get(catalog.url + path, timeout=5).status_code == code
