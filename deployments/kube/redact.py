"""What a cluster or a library says, made fit for a page and a log: no credentials, no control characters, 2 KB."""

import re
from typing import Final

LIMIT: Final = 2048

_SECRETS: Final = (
    re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?"),
    re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL),
    re.compile(
        r"(?i)\b(token|password|passwd|secret|client-key-data|client-certificate-data|api[_-]?key)\b(\"?\s*[:=]\s*)\S+"
    ),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def redact(text: object) -> str:
    """`text` without what looks like a credential, cut to 2 KB."""
    # Cut first with room to spare: a message of megabytes must not cost a second of regular expressions.
    clean = str(text)[: LIMIT * 4]
    for pattern in _SECRETS:
        clean = pattern.sub("[removed]", clean)
    clean = _CONTROLS.sub(" ", clean).strip()
    encoded = clean.encode("utf-8", "replace")
    if len(encoded) <= LIMIT:
        return encoded.decode("utf-8", "replace")
    return encoded[: LIMIT - 4].decode("utf-8", "ignore") + " …"
