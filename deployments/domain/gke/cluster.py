"""A cluster as the Container API describes it, and the address by which workers reach it."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from deployments.domain.apiserver.objects import obj, text
from deployments.domain.gke.place import InvalidPlace, Place, check_cluster_name, check_location


class EndpointKind(StrEnum):
    """Which of a cluster's addresses workers use."""

    AUTO = "auto"
    DNS = "dns"
    PRIVATE = "private"
    PUBLIC = "public"

    @property
    def label(self) -> str:
        return {
            "auto": "DNS where the cluster allows it, else its address",
            "dns": "DNS endpoint",
            "private": "private address",
            "public": "public address",
        }[self.value]


class MalformedAnswer(ValueError):
    """Not what the Container API answers; the message is fit for a page."""


class NoAddress(ValueError):
    """The cluster has no such endpoint; the message says which it has."""


@dataclass(frozen=True, slots=True)
class Found:
    """One cluster. Addresses are empty where it has none; `ca_pem` belongs to addresses that are IPs."""

    place: Place
    version: str = ""
    status: str = ""
    is_autopilot: bool = False
    dns: str = ""
    is_dns_open: bool = False
    public: str = ""
    private: str = ""
    has_ips: bool = True
    has_authorized_networks: bool = False
    ca_pem: str = ""

    @property
    def is_changing(self) -> bool:
        """Its control plane is being made, upgraded or repaired, and may not answer meanwhile."""
        return self.status in ("PROVISIONING", "RECONCILING", "STOPPING")


@dataclass(frozen=True, slots=True)
class Address:
    """`ca_pem` empty: the certificate is of a public authority."""

    host: str
    ca_pem: str
    kind: EndpointKind


# The token goes to this host: nothing but an IP or Google's own names for control planes.
_DNS: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}gke\.goog\Z", re.ASCII)
_PORT: Final = re.compile(r"[0-9]{1,5}\Z", re.ASCII)
_LISTED: Final = 500


def parse(answer: Mapping[str, Any]) -> Found:
    """One element of the API's answer. Raises MalformedAnswer."""
    endpoints = obj(answer, "controlPlaneEndpointsConfig")
    dns, ips = obj(endpoints, "dnsEndpointConfig"), obj(endpoints, "ipEndpointsConfig")
    networks = obj(ips, "authorizedNetworksConfig") or obj(answer, "masterAuthorizedNetworksConfig")
    private = text(ips, "privateEndpoint") or text(obj(answer, "privateClusterConfig"), "privateEndpoint")
    public = text(ips, "publicEndpoint") or text(answer, "endpoint")
    return Found(
        place=_place(answer),
        version=text(answer, "currentMasterVersion")[:40],
        status=text(answer, "status")[:20],
        is_autopilot=obj(answer, "autopilot").get("enabled") is True,
        dns=text(dns, "endpoint"),
        is_dns_open=dns.get("allowExternalTraffic") is True,
        public=public if public != private else "",
        private=private,
        # Clusters of before DNS endpoints say nothing of their addresses, and have them.
        has_ips=not ips or ips.get("enabled") is True,
        has_authorized_networks=networks.get("enabled") is True,
        ca_pem=_pem(text(obj(answer, "masterAuth"), "clusterCaCertificate")),
    )


def listed(answer: Mapping[str, Any]) -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """The clusters of a project by name, and zones that did not answer. Raises MalformedAnswer."""
    rows = answer.get("clusters", [])
    missing = answer.get("missingZones", [])
    if not isinstance(rows, list) or not isinstance(missing, list):
        raise MalformedAnswer("The Container API's answer is no list of clusters.")
    found = [parse(row) for row in rows[:_LISTED] if isinstance(row, dict)]
    found.sort(key=lambda item: (item.place.name, item.place.location))
    return tuple(found), tuple(str(zone)[:40] for zone in missing[:50])


def address(found: Found, kind: EndpointKind) -> Address:
    """Where to send requests and the token. Raises NoAddress, in words."""
    if kind is EndpointKind.DNS or (kind is EndpointKind.AUTO and found.dns and found.is_dns_open):
        if not found.dns:
            raise NoAddress("The cluster has no DNS endpoint. Switch it on, or choose an address.")
        if not found.is_dns_open:
            raise NoAddress("The cluster's DNS endpoint takes no traffic from outside: access by DNS is switched off.")
        if not _DNS.match(found.dns):
            raise NoAddress(
                "The cluster's DNS endpoint is no name below gke.goog: Barista sends its token nowhere else."
            )
        return Address(found.dns, "", EndpointKind.DNS)
    if not found.has_ips:
        raise NoAddress("The cluster is reached by DNS only, and access by DNS is switched off.")
    is_private = kind is EndpointKind.PRIVATE or (kind is EndpointKind.AUTO and not found.public)
    host = found.private if is_private else found.public
    if not host:
        raise NoAddress(f"The cluster has no {'private' if is_private else 'public'} address.")
    if not found.ca_pem:
        raise NoAddress("The Container API names no certificate authority for this address.")
    return Address(_ip(host), found.ca_pem, EndpointKind.PRIVATE if is_private else EndpointKind.PUBLIC)


def _ip(host: str) -> str:
    """As it stands in a URL. A port is taken too: the API never names one, a stand-in for it does."""
    bare, colon, port = host.rpartition(":") if host.count(":") == 1 else (host, "", "")
    try:
        found = ipaddress.ip_address(bare)
        if colon and not _PORT.match(port):
            raise ValueError(port)
    except ValueError:
        raise NoAddress("The cluster's address is no IP address: Barista sends its token nowhere else.") from None
    return f"[{found}]" if found.version == 6 else f"{found}{colon}{port}"


def _place(answer: Mapping[str, Any]) -> Place:
    name, location = text(answer, "name"), text(answer, "location") or text(answer, "zone")
    try:
        check_cluster_name(name)
        check_location(location)
    except InvalidPlace:
        raise MalformedAnswer("The Container API's answer names no cluster.") from None
    parts = text(answer, "selfLink").split("/projects/")
    return Place(parts[1].split("/")[0] if len(parts) == 2 else "", location, name)


def _pem(encoded: str) -> str:
    if not encoded:
        return ""
    try:
        found = base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise MalformedAnswer("The cluster's certificate is not base64.") from None
    if "-----BEGIN CERTIFICATE-----" not in found:
        raise MalformedAnswer("The cluster's certificate is not PEM.")
    return found
