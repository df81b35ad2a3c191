"""The address of the queue. Every client of it gets the same one, so that all of them verify the same certificate.

Celery's client takes any certificate where the address does not say otherwise, and redis-py none that it cannot check:
with a plain `rediss://` the workers could be read by anybody in between, and the relay did not connect at all.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

REQUIRED = "required"


def verified(url: str, *, ca_file: str = "") -> str:
    """A `rediss://` address with the checks of certificate and host name written out; any other as it is.

    `ca_file` has the certificates to trust, PEM; without it those of the system are. What the address itself says of
    TLS stays: baristaweb/checks.py refuses, in production, what switches the checks off.
    """
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return url
    said = {name.removeprefix("ssl_"): value for name, value in parse_qsl(parts.query) if name.startswith("ssl_")}
    rest = [(name, value) for name, value in parse_qsl(parts.query) if not name.startswith("ssl_")]
    if said.get("cert_reqs", "").upper() == "CERT_REQUIRED":  # Celery's word, which redis-py does not know
        said["cert_reqs"] = REQUIRED
    wanted = {"cert_reqs": REQUIRED, "check_hostname": "true"} | ({"ca_certs": ca_file} if ca_file else {}) | said
    query = urlencode([*rest, *((f"ssl_{name}", value) for name, value in wanted.items())], safe="/")
    return urlunsplit(parts._replace(query=query))


def is_unverified(url: str) -> bool:
    """Whether a TLS address would take a certificate that proves nothing."""
    parts = urlsplit(url)
    said = dict(parse_qsl(parts.query))
    return parts.scheme == "rediss" and (
        said.get("ssl_cert_reqs") != REQUIRED or said.get("ssl_check_hostname", "").lower() not in ("true", "yes", "1")
    )
