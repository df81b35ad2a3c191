"""Image references by the real grammar, and whether an allowlist covers them.

Text comparison is not enough: "allowed.io.evil.com/x" begins with "allowed.io", and "nginx" is a host of docker.io.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

DEFAULT_REGISTRY: Final = "docker.io"
EXAMPLE: Final = "registry.example.com/team/model:1.4"

_HOST_PART: Final = r"(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])"
_REGISTRY: Final = re.compile(rf"{_HOST_PART}(?:\.{_HOST_PART})*(?::[0-9]{{1,5}})?\Z", re.ASCII)
_COMPONENT: Final = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*\Z", re.ASCII)
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z", re.ASCII)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z", re.ASCII)


class InvalidImage(ValueError):
    """Not an image reference; the message says why."""


@dataclass(frozen=True, slots=True)
class ImageReference:
    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> "ImageReference":
        """Parse strictly; a reference without registry belongs to docker.io, without path there to library/."""
        if text != text.strip() or not text or not text.isascii() or len(text) > 512:
            raise InvalidImage(f"An image is written without spaces and in ASCII, such as {EXAMPLE}.")
        if "://" in text:
            raise InvalidImage(
                f"Leave out http:// or https://: an image begins with the registry's name, such as {EXAMPLE}."
            )
        if text != text.lower() and _uppercase_in_path(text):
            raise InvalidImage(
                f"Registry and path of an image are in lower case, such as {EXAMPLE}; only the tag may hold capitals."
            )
        rest, _, digest = text.partition("@")
        if "@" in text and not _DIGEST.match(digest):
            raise InvalidImage(
                "The digest after @ must be sha256: and 64 hexadecimal digits, such as @sha256:" + "4f" * 32 + "."
            )
        head, slash, last = rest.rpartition("/")
        last, colon, tag = last.partition(":")
        if colon and not _TAG.match(tag):
            raise InvalidImage(
                "The tag after : must be at most 128 letters, digits, dots, hyphens and underscores, such as :1.4."
            )
        registry, repository = _split_registry(f"{head}{slash}{last}")
        return cls(registry=registry, repository=repository, tag=tag if colon else None, digest=digest or None)

    @property
    def name(self) -> str:
        return f"{self.registry}/{self.repository}"

    @property
    def is_pinned(self) -> bool:
        """A digest cannot be moved to other content; a tag can."""
        return self.digest is not None

    def is_under(self, prefix: str) -> bool:
        """True when the prefix names this registry, or a whole-component start of this repository."""
        registry, path = _split_prefix(prefix)
        # An empty line in an allowlist must not open the whole of docker.io.
        if registry != self.registry or not prefix.strip():
            return False
        return not path or self.repository == path or self.repository.startswith(path + "/")

    def __str__(self) -> str:
        text = self.name
        if self.tag:
            text += f":{self.tag}"
        return f"{text}@{self.digest}" if self.digest else text


def allowed(reference: str, allowlist: Sequence[str]) -> bool:
    """Whether a prefix of the list covers the reference. An unreadable reference is never allowed."""
    try:
        image = ImageReference.parse(reference)
    except InvalidImage:
        return False
    return any(image.is_under(prefix) for prefix in allowlist)


def check_prefix(prefix: str) -> None:
    """For the admin's allowlist: a registry, optionally with a path."""
    registry, path = _split_prefix(prefix)
    if (
        not prefix.strip()
        or not _REGISTRY.match(registry)
        or not all(_COMPONENT.match(part) for part in path.split("/") if path)
    ):
        raise InvalidImage(f'"{prefix[:80]}" is not a registry or a path in one, such as "ghcr.io/example".')


def is_whole_registry(prefix: str) -> bool:
    """Whether a prefix names no path: it covers every image of the registry, also those of strangers."""
    return not _split_prefix(prefix)[1]


def _uppercase_in_path(text: str) -> bool:
    path = text.partition("@")[0]
    head, _, last = path.rpartition("/")
    return (head + last.partition(":")[0]) != (head + last.partition(":")[0]).lower()


def _is_registry(part: str) -> bool:
    return "." in part or ":" in part or part == "localhost"


def _split_prefix(prefix: str) -> tuple[str, str]:
    first, _, rest = prefix.strip().rstrip("/").partition("/")
    if _is_registry(first):
        return first, rest
    return DEFAULT_REGISTRY, f"{first}/{rest}" if rest else first


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and _is_registry(first):
        registry, repository = first, rest
    else:
        registry, repository = DEFAULT_REGISTRY, name if slash else f"library/{name}"
    if registry == "index.docker.io":
        registry = DEFAULT_REGISTRY
    if not _REGISTRY.match(registry):
        raise InvalidImage(f'"{registry[:80]}" is not the name of a registry. An image is written such as {EXAMPLE}.')
    _, colon, port = registry.partition(":")
    if colon and not 0 < int(port) < 65536:
        raise InvalidImage("The registry's port must be between 1 and 65535, such as registry.example.com:5000.")
    if not all(_COMPONENT.match(part) for part in repository.split("/")):
        raise InvalidImage(
            f"The path of an image must be lower-case letters and digits, separated by . _ - or /, such as {EXAMPLE}."
        )
    if len(repository) > 255:
        raise InvalidImage("The path of an image has at most 255 characters.")
    return registry, repository


def is_pinned(text: str) -> bool:
    """Whether an image is named by its digest, so that it cannot change under its name."""
    try:
        return ImageReference.parse(text).is_pinned
    except InvalidImage:
        return False
