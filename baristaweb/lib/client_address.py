"""Who is at the other end, for counting: behind proxies of our own that is what the outermost of them saw."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

HOST_BITS = 64  # of an IPv6 address: one machine may have as many addresses as those can tell apart


def client_address(request: HttpRequest) -> str:
    """An IPv4 address, or the /64 network of an IPv6 one.

    With BARISTA_TRUSTED_HOPS = n the n-th entry of X-Forwarded-For from its end: each proxy appends who spoke to it, so
    those before are the client's to forge. The socket's address where there are fewer, or where the entry is none.
    """
    socket = str(request.META.get("REMOTE_ADDR", ""))
    hops = settings.BARISTA.trusted_hops
    if hops < 1:
        return _counted(socket) or socket
    told = [entry.strip() for entry in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    return (_counted(told[-hops]) if len(told) >= hops else "") or _counted(socket) or socket


def _counted(text: str) -> str:
    """The address in `text`, which may hold a port; empty when it is none."""
    bare = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> HOST_BITS << HOST_BITS)}/{HOST_BITS}"
    return str(address)
