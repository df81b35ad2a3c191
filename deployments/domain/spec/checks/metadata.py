"""Checks of labels and annotations, and of what people write about the deployment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from deployments.domain.spec.checks.values import PAIRS_MAX, Errors, is_label_value, key_domain, text_problem
from deployments.domain.spec.fields.table import field_for
from deployments.domain.spec.spec import Spec
from deployments.domain.text.secrets import has_secret_shape

_LEAVE_OUT: Final = "Holds a password or token, which everybody could read: leave it out."
# Kubernetes and the cloud act on these: they belong to the platform team, whatever prefixes it allows to others.
_RESERVED: Final = ("kubernetes.io", "k8s.io", "barista.io")


def check(spec: Spec, prefixes: Sequence[str], errors: Errors) -> None:
    """`prefixes` are those of the keys that the platform team allows, with their slash."""
    for name, pairs in (("labels", spec.labels), ("annotations", spec.annotations)):
        if len(pairs) > PAIRS_MAX:
            errors[name] = f"At most {PAIRS_MAX} entries; there are {len(pairs)}."
        for key, value in pairs:
            problem = _key_problem(key, prefixes) or _value_problem(name, value)
            if problem:
                errors[f"{name}.{key}"] = problem
    for name in ("description", "contact"):
        if name not in errors and has_secret_shape(getattr(spec, name)):
            errors[name] = _LEAVE_OUT
    if spec.runbook and "runbook" not in errors and not is_web_link(spec.runbook):
        errors["runbook"] = (
            "Must be a link that begins with https:// or http://, such as https://wiki.example.com/ranker."
        )


def prefix_problem(prefix: str) -> str:
    """Why labels and annotations of this prefix cannot be allowed; empty when they can."""
    domain = key_domain(f"{prefix}key")
    if not domain or not prefix.endswith("/"):
        return "Must be a domain in lower case and a slash, such as acme.com/."
    return f"Keys of {domain} are set by the platform only." if _is_reserved(domain) else ""


def is_web_link(text: str) -> bool:
    """Only links a browser opens as a page: no other scheme, no user name that disguises the host."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    is_plain = not any(character.isspace() or character in "\\<>\"'`" for character in text)
    return parts.scheme in ("https", "http") and bool(host) and "@" not in parts.netloc and is_plain


def _is_reserved(domain: str) -> bool:
    return any(domain == reserved or domain.endswith(f".{reserved}") for reserved in _RESERVED)


def _key_problem(key: str, prefixes: Sequence[str]) -> str:
    domain = key_domain(key)
    usable = [prefix for prefix in prefixes if prefix.endswith("/")]
    such = f"such as {usable[0]}cost-center" if usable else "and none is allowed yet: ask the platform team"
    if not domain:
        return f"Must be a key with an allowed prefix, {such}."
    if _is_reserved(domain):
        return f"Keys of {domain} are set by the platform only. Use an allowed prefix, {such}."
    if not any(key.startswith(prefix) for prefix in usable):
        listed = ", ".join(prefixes) or "none yet"
        return f"The prefix {domain}/ is not allowed. Allowed: {listed}{f', {such}' if usable else ''}."
    return ""


def _value_problem(name: str, value: str) -> str:
    if name == "labels":
        if is_label_value(value):
            return ""
        return "A label's value must be at most 63 letters, digits, dots, hyphens and underscores, such as search-12."
    return text_problem(value, field_for(name).longest or 0) or (_LEAVE_OUT if has_secret_shape(value) else "")
