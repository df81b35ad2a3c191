"""Secrets typed where everybody can read them: in a plain variable, kept in every revision for ever."""

import re
from typing import Final

# Shapes that nothing but a credential has. Names alone are only a warning: MAX_TOKENS is no token.
_SHAPES: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}"
    r"|\bglpat-[A-Za-z0-9_-]{20}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{20}"
    r"|\bAIza[0-9A-Za-z_-]{35}"
    r"|\bhf_[A-Za-z0-9]{30}"
    # Only where such a word begins: from every eyJ within one, the rest of it would be read again.
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r'|"private_key"\s*:'
    r"|://[^/\s:@]+:[^/\s:@]{3,}@",
)
# Before the host of an address: nothing public stands there, but for the container in front of an Azure account.
_USER_INFO: Final = re.compile(
    r"\A(?P<scheme>[a-z][a-z0-9+.-]*):/+(?P<user>[^/?#\s@]*(?:@[^/?#\s@]*)*)@", re.ASCII | re.I
)
_CONTAINERS: Final = frozenset({"abfs", "abfss"})
_NAMES: Final = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_KEY|API_?KEY|ACCESS_KEY|PRIVATE_KEY|(?:AUTH|API|ACCESS|BEARER)_TOKEN|CREDENTIALS?)\Z"
)


def has_secret_shape(value: str) -> bool:
    return bool(_SHAPES.search(value))


def has_credentials(address: str) -> bool:
    """Whether an address names who asks: `https://token@host/`, with or without a password."""
    match = _USER_INFO.match(address.strip())
    if match is None:
        return False
    return match["scheme"].lower() not in _CONTAINERS or ":" in match["user"] or "@" in match["user"]


def has_secret_name(name: str) -> bool:
    return bool(_NAMES.search(name.upper()))
