"""Which environment a value names: what points at another one must not move along unseen."""

from __future__ import annotations

import re
from typing import Final

from deployments.domain.catalogue import Environment

_DEV, _STAGING, _PROD = Environment.DEV, Environment.STAGING, Environment.PROD
_WORDS: Final[dict[str, Environment | None]] = {
    **dict.fromkeys(("dev", "devel", "develop", "development"), _DEV),
    **dict.fromkeys(("staging", "stage", "stg", "preprod", "uat"), _STAGING),
    **dict.fromkeys(("prod", "production", "prd"), _PROD),
    # Environments of other systems: nobody serves from these either.
    **dict.fromkeys(("test", "testing", "qa", "sandbox", "sbx", "nonprod"), None),
}
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# The registry's own domain, not an environment.
_DOMAINS: Final = re.compile(r"\bpkg\.dev\b", re.IGNORECASE)


def other_environment(value: str, target: Environment) -> str:
    """The first word in `value` that names an environment other than `target`; empty when none does."""
    for found in _WORD.finditer(_DOMAINS.sub("", value)):
        word = found.group().lower()
        if word in _WORDS and _WORDS[word] is not target:
            return found.group()
    return ""
