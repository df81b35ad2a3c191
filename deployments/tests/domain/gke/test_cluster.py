"""What the Container API says of a cluster, and where requests and tokens go."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from deployments.domain.gke.cluster import EndpointKind, Found, MalformedAnswer, NoAddress, address, listed, parse
from deployments.domain.gke.place import InvalidPlace, Place, check_account, check_location, check_project

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
DNS = "gke-1234.europe-west4.gke.goog"
KINDS = EndpointKind
PRIVATE = {"endpoint": "10.0.0.2", "privateClusterConfig": {"privateEndpoint": "10.0.0.2"}}


def answer(**changes: Any) -> dict[str, Any]:
    return {
        "name": "serving",
        "location": "europe-west4",
        "selfLink": "https://container.googleapis.com/v1/projects/acme-models/locations/europe-west4/clusters/serving",
        "endpoint": "203.0.113.7",
        "masterAuth": {"clusterCaCertificate": base64.b64encode(PEM.encode()).decode()},
    } | changes


def endpoints(*, dns: bool = False, ips: dict[str, Any] | None = None) -> dict[str, Any]:
    config: dict[str, Any] = {"dnsEndpointConfig": {"endpoint": DNS} | ({"allowExternalTraffic": True} if dns else {})}
    if ips is not None:
        config["ipEndpointsConfig"] = ips
    return {"controlPlaneEndpointsConfig": config}


@pytest.mark.parametrize(
    ("changes", "kind", "host", "has_ca"),
    [
        ({}, KINDS.AUTO, "203.0.113.7", True),
        (endpoints(dns=True), KINDS.AUTO, DNS, False),
        (endpoints(dns=False), KINDS.AUTO, "203.0.113.7", True),
        (endpoints(dns=True), KINDS.PUBLIC, "203.0.113.7", True),
        (endpoints(dns=True, ips={}), KINDS.DNS, DNS, False),
        (endpoints(ips={"enabled": True, "privateEndpoint": "10.0.0.2"}), KINDS.PRIVATE, "10.0.0.2", True),
        (endpoints(ips={"enabled": True, "privateEndpoint": "10.0.0.2"}), KINDS.AUTO, "203.0.113.7", True),
        (PRIVATE, KINDS.AUTO, "10.0.0.2", True),
        ({"endpoint": "2001:db8::1"}, KINDS.AUTO, "[2001:db8::1]", True),
    ],
)  # fmt: skip
def test_the_endpoint_is_chosen_as_gcloud_does(
    changes: dict[str, Any], kind: EndpointKind, host: str, has_ca: bool
) -> None:
    found = address(parse(answer(**changes)), kind)
    assert (found.host, found.ca_pem) == (host, PEM if has_ca else "")


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({}, KINDS.DNS, "no DNS endpoint"),
        (endpoints(dns=False), KINDS.DNS, "switched off"),
        (endpoints(dns=False, ips={"publicEndpoint": "203.0.113.7"}), KINDS.AUTO, "by DNS only"),
        ({}, KINDS.PRIVATE, "no private address"),
        (PRIVATE, KINDS.PUBLIC, "no public"),
        ({"masterAuth": {}}, KINDS.AUTO, "no certificate authority"),
        ({"endpoint": "evil.example.org"}, KINDS.AUTO, "no IP address"),
        ({"endpoint": "203.0.113.7:x"}, KINDS.AUTO, "no IP address"),
        ({"endpoint": "203.0.113.7@evil.example.org"}, KINDS.AUTO, "no IP address"),
        ({"endpoint": "203.0.113.7/x"}, KINDS.AUTO, "no IP address"),
    ],
)
def test_an_endpoint_that_is_not_there_is_said(changes: dict[str, Any], kind: EndpointKind, words: str) -> None:
    with pytest.raises(NoAddress, match=words):
        address(parse(answer(**changes)), kind)


@pytest.mark.parametrize(
    "name",
    ["evil.org", "gke.goog.evil.org", "x.gke.goog/path", "x.gke.goog:1", "a@x.gke.goog", "gke.goog", "\u0445.gke.goog"],
)
def test_a_token_goes_to_no_name_but_googles(name: str) -> None:
    found = Found(Place("p", "l", "n"), dns=name, is_dns_open=True)
    with pytest.raises(NoAddress, match=r"gke\.goog"):
        address(found, KINDS.AUTO)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None}, {"name": "../x"}, {"location": "moon"}, {"location": {}},
        {"masterAuth": {"clusterCaCertificate": "%%%"}},
        {"masterAuth": {"clusterCaCertificate": base64.b64encode(b"no certificate").decode()}},
        {"masterAuth": {"clusterCaCertificate": base64.b64encode("ü".encode()).decode()}},
    ],
)  # fmt: skip
def test_an_answer_of_something_else_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedAnswer):
        parse(answer(**changes))


def test_a_list_is_in_order_of_names_and_says_which_zones_are_missing() -> None:
    found, missing = listed({"clusters": [answer(), answer(name="batch")], "missingZones": ["europe-west4-c"]})
    assert [item.place.name for item in found] == ["batch", "serving"]
    assert found[0].place.project == "acme-models"
    assert missing == ("europe-west4-c",)


def test_an_empty_project_has_no_clusters() -> None:
    assert listed({}) == ((), ())


@pytest.mark.parametrize(
    "text", ["", "Acme", "acme models", "1234567890", "a", "acme-models-", "acme/../x", "\u0430cme-models"]
)
def test_what_is_no_project_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidPlace):
        check_project(text)


@pytest.mark.parametrize("text", ["europe-west4", "europe-west4-a", "us-central1", "northamerica-northeast1-b"])
def test_regions_and_zones_are_locations(text: str) -> None:
    check_location(text)


@pytest.mark.parametrize(
    "text", ["me@example.org", "x", "barista@p.iam.gserviceaccount.com.evil.org", "a b@x-yzz.iam.gserviceaccount.com"]
)
def test_what_is_no_service_account_is_refused(text: str) -> None:
    with pytest.raises(InvalidPlace):
        check_account(text)
