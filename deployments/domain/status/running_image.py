"""Which content a tag stands for, by the digest that the nodes of ready pods report."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployments.domain.apiserver.objects import condition, message, objects, text
from deployments.domain.manifests.pod_template import CONTAINER
from deployments.domain.status.states import ClusterView
from deployments.domain.text.images import ImageReference, InvalidImage

# "docker-pullable://docker.io/a/b@sha256:..." of older runtimes, "docker.io/a/b@sha256:..." of today's. A bare
# "sha256:..." is the id of the configuration, under which no registry finds the image.
_PULLED: Final = re.compile(r"(?:docker-pullable://)?([^@\s]{1,400})@(sha256:[0-9a-f]{64})\Z", re.ASCII)
_SHORT: Final = 12


@dataclass(frozen=True, slots=True)
class Pin:
    """`image` is the reference with its digest, None when it cannot be told; `words` says why, as a sentence."""

    image: str | None
    words: str


def pin(image: str, view: ClusterView) -> Pin:
    """The digest that all ready pods run of `image`."""
    try:
        wanted = ImageReference.parse(image)
    except InvalidImage as problem:
        return Pin(None, f"The image cannot be pinned: {problem}")
    if wanted.is_pinned:
        return Pin(image, f"The image is pinned already: {_short(wanted.digest or '')}.")
    if view.observed_at is None:
        return Pin(None, "The tag is not pinned: the cluster has not reported the pods yet.")
    ready = [pod for pod in view.pods if condition(pod, "Ready").get("status") == "True" and not _is_ending(pod)]
    if not ready:
        return Pin(None, "The tag is not pinned: no pod is ready, so nothing shows which content it stands for.")
    digests = set()
    for pod in ready:
        name = message(text(pod, "metadata", "name"), 253)
        if _asked(pod) != image:
            return Pin(None, f"The tag is not pinned: {name} still runs another image.")
        found = _PULLED.match(_reported(pod))
        if found is None:
            return Pin(None, f"The tag is not pinned: the node does not say which digest {name} runs.")
        if not _is_same(found.group(1), wanted):
            where = message(found.group(1), 120)
            return Pin(None, f"The tag is not pinned: {name} pulled it from {where}, where the digest may differ.")
        digests.add(found.group(2))
    if len(digests) > 1:
        return Pin(
            None,
            f"The tag is not pinned: the ready pods run {len(digests)} different digests of it. "
            "It was moved between their starts; restart the pods and promote again.",
        )
    digest = digests.pop()
    who = "The only ready pod runs" if len(ready) == 1 else f"All {len(ready)} ready pods run"
    return Pin(f"{image}@{digest}", f"{who} {_short(digest)}, so the tag is pinned to it.")


def _asked(pod: Mapping[str, Any]) -> str:
    return next((text(item, "image") for item in objects(pod, "spec", "containers") if _is_ours(item)), "")


def _reported(pod: Mapping[str, Any]) -> str:
    return next((text(item, "imageID") for item in objects(pod, "status", "containerStatuses") if _is_ours(item)), "")


def _is_ours(container: Mapping[str, Any]) -> bool:
    return container.get("name") == CONTAINER


def _is_ending(pod: Mapping[str, Any]) -> bool:
    return bool(text(pod, "metadata", "deletionTimestamp"))


def _is_same(repository: str, wanted: ImageReference) -> bool:
    try:
        return ImageReference.parse(repository).name == wanted.name
    except InvalidImage:
        return False


def _short(digest: str) -> str:
    return digest[: len("sha256:") + _SHORT]
