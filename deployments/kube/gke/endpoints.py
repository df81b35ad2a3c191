"""Where Google's APIs are: their own addresses, or servers of their calls on loopback."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from deployments.kube.api import NotConfigured

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def checked(address: str) -> str:
    """The address of an API without a slash at its end. A token goes there, so it is https or loopback."""
    found = urlsplit(address)
    is_fit = found.scheme == "https" or (found.scheme == "http" and found.hostname in LOOPBACK)
    if not is_fit or not found.hostname or found.query or found.username:
        raise NotConfigured("An address of Google's APIs must be https; http is for loopback alone.")
    return address.rstrip("/")
