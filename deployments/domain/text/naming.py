"""What may be written into names, environment variables and free text, said before the cluster would say it."""

import re
import unicodedata
from typing import Final

# A pod is called <name>-<10 of the template hash>-<5 random>; beyond 63 characters its hostname is cut short.
NAME_LIMIT: Final = 63 - 17
LABEL_LIMIT: Final = 63

_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z", re.ASCII)
_HOST: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z", re.ASCII
)
_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\Z", re.ASCII)
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)
# Of the loader and of Python: the platform team may set them in a runtime, for all that it serves.
_ENV_PLATFORMS: Final = ("LD_", "PYTHON")
_ENV_DENIED_PREFIXES: Final = ("KUBERNETES_", "BARISTA_")
_ENV_DENIED: Final = frozenset(
    {"PATH", "HOME", "HOSTNAME", "IFS", "BASH_ENV", "ENV", "PERL5OPT", "RUBYOPT", "NODE_OPTIONS"}
)

# Invisible or reordering characters: two names that look the same must be the same. Unicode calls most of them formats
# and separators; these are letters and marks that nothing is drawn for.
_UNSEEN_CATEGORIES: Final = frozenset({"Cf", "Zl", "Zp"})
_UNDRAWN: Final = frozenset(
    [
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE10),
        *range(0xE0000, 0xE1000),
    ]
)


# What runs a cluster lives here: system parts, and what others install by the same convention.
_RESERVED_NAMESPACES: Final = frozenset(
    {
        "default",
        "cert-manager",
        "ingress-nginx",
        "argocd",
        "argo-rollouts",
        "external-secrets",
        "external-dns",
        "linkerd",
    }
    | {"monitoring", "prometheus", "velero", "vault", "traefik", "keda", "falco", "olm", "kyverno", "spire"}
)
_RESERVED_PREFIXES: Final = (
    *("kube-", "gke-", "gmp-", "istio-", "asm-", "knative-", "anthos-", "config-management-", "openshift-", "cattle-"),
    *("barista-", "linkerd-", "calico-", "tigera-"),
)


class InvalidName(ValueError):
    """Not usable as a name; the message says what would be."""


class InvalidText(ValueError):
    """Text that cannot be stored or would mislead a reader."""


def check_name(text: str, what: str = "name") -> None:
    """A name that works for every object rendered from it: Service names must also begin with a letter."""
    check_label(text, what, limit=NAME_LIMIT)
    if text[0].isdigit():
        raise InvalidName(f"The {what} must begin with a letter, such as m{text}.")


def check_label(text: str, what: str = "name", *, limit: int = LABEL_LIMIT) -> None:
    """DNS-1123 label, as namespaces, teams, runtimes and Secrets' short names need it."""
    if not text:
        raise InvalidName(f"The {what} is empty. Fill it in, such as search-ranker.")
    if len(text) > limit:
        raise InvalidName(f"The {what} has {len(text)} characters; at most {limit} fit.")
    if not _LABEL.match(text):
        suggestion = suggest_name(text, limit=limit)
        hint = f' For example "{suggestion or "search-ranker"}".'
        raise InvalidName(
            f"The {what} must be lower-case letters, digits and hyphens, "
            f"and begins and ends with a letter or digit.{hint}"
        )


def check_namespace(text: str) -> None:
    """A namespace that a team may have: a label, and none that runs the cluster or Barista itself."""
    check_label(text, "namespace")
    if text in _RESERVED_NAMESPACES or text.startswith(_RESERVED_PREFIXES) or text.endswith("-system"):
        raise InvalidName(
            f"{text} holds what runs the cluster itself. Use a namespace of the team's own, such as search-prod."
        )


def check_object_name(text: str, what: str = "name") -> None:
    """DNS-1123 subdomain: names of Secrets, ConfigMaps, priority and ingress classes."""
    if not text or len(text) > 253 or not _SUBDOMAIN.match(text):
        raise InvalidName(
            f"The {what} must be lower-case letters, digits, hyphens and dots, at most 253 characters, "
            "such as team-store."
        )


def check_host(text: str, what: str = "host") -> None:
    if len(text) > 253 or not _HOST.match(text):
        raise InvalidName(f'The {what} must be a full DNS name in lower case, such as "ranker.models.example.com".')
    if text.rsplit(".", 1)[-1].isdigit():
        raise InvalidName(f'The {what} must be a DNS name, such as "ranker.models.example.com", not an address.')


def is_platforms(name: str) -> bool:
    """Whether only the platform team may set the variable, in a runtime."""
    return name.upper().startswith(_ENV_PLATFORMS)


def check_env_name(name: str, *, in_runtime: bool = False) -> None:
    if not name:
        raise InvalidName("The variable has no name: fill it in, such as LOG_LEVEL.")
    if len(name) > 128:
        raise InvalidName(f"The variable's name has {len(name)} characters; at most 128 are allowed.")
    if not _ENV_NAME.match(name):
        raise InvalidName(
            "A variable's name must be letters, digits and underscores, and not begin with a digit, such as LOG_LEVEL."
        )
    if is_platforms(name) and not in_runtime:
        raise InvalidName(
            f"{name} changes how the container itself runs and cannot be set here; the platform team can set it in a "
            f"runtime. Other names are free, such as MODEL_{name.upper()[:100]}."
        )
    if name.upper() in _ENV_DENIED or name.upper().startswith(_ENV_DENIED_PREFIXES):
        raise InvalidName(
            f"{name} changes how the container itself runs and cannot be set here, not by the platform team either: an "
            f"image can bring it. Other names are free, such as MODEL_{name.upper()[:100]}."
        )


def suggest_name(text: str, *, limit: int = NAME_LIMIT) -> str:
    """The nearest valid label, or an empty string when nothing of the text is usable."""
    plain = unicodedata.normalize("NFKD", text[:500]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:limit].rstrip("-")


def label_value(text: str) -> str:
    """Any text as a valid label value: outside characters become hyphens, at most 63 of them."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:LABEL_LIMIT].strip("-._")


def clean_text(text: str, *, multiline: bool = False, limit: int) -> str:
    """The text trimmed of outer white space, or InvalidText.

    Names (multiline=False) also refuse characters that cannot be seen; free text may hold them and pages show them
    escaped.
    """
    trimmed = text.replace("\r\n", "\n").strip() if multiline else text.strip()
    if len(trimmed) > limit:
        raise InvalidText(f"The text has {len(trimmed)} characters; at most {limit} fit.")
    for character in trimmed:
        problem = _problem(character, multiline=multiline)
        if problem:
            seen = "".join(other for other in trimmed if not _problem(other, multiline=multiline))
            raise InvalidText(
                f"The text contains {problem} (U+{ord(character):04X}). Remove it and try again: "
                f"without it, it is \u201c{seen[:120]}\u201d."
            )
    return trimmed


def signed_name(name: str, username: str, *, limit: int = 120) -> str:
    """A name as others see it: people choose their own, so the user name stands beside it, whatever has to be cut."""
    # Names of before they were refused could still turn the user name round.
    seen = "".join(character for character in name if not _problem(character, multiline=False)).strip()
    if not seen or seen == username:
        return username[:limit]
    mark = f" ({username})"
    return seen[: limit - len(mark)] + mark


def check_storable(text: str) -> None:
    """What PostgreSQL and JSON cannot hold, refused before the database does."""
    for character in text:
        if character == "\x00" or 0xD800 <= ord(character) <= 0xDFFF:
            raise InvalidText(f"The text contains a character that cannot be stored (U+{ord(character):04X}).")


def _problem(character: str, *, multiline: bool) -> str:
    code = ord(character)
    if code == 0 or 0xD800 <= code <= 0xDFFF:
        return "a character that cannot be stored"
    if multiline and character in "\n\t":
        return ""
    if code < 0x20 or 0x7F <= code <= 0x9F:
        return "a control character"
    if not multiline and (code in _UNDRAWN or unicodedata.category(character) in _UNSEEN_CATEGORIES):
        return "an invisible character"
    return ""
