"""Other programs that put workloads to sleep, told by the pods that run in a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployments.domain.apiserver.objects import obj, objects, text

FINISHED: Final = ("Succeeded", "Failed")
# By the last part of an image, and by what a workload is called: "py-kube-downscaler", "kube-green-controller-manager".
_PROGRAMS: Final = (
    ("py-kube-downscaler", re.compile(r"(^|-)(py-?)?kube-?downscaler($|-)")),
    ("GoKubeDownscaler", re.compile(r"(^|-)go-?kube-?downscaler($|-)")),
    ("kube-green", re.compile(r"(^|-)kube-green($|-)")),
)


@dataclass(frozen=True, slots=True, order=True)
class Installed:
    """`program` runs as the workload `name` in `namespace`."""

    program: str
    namespace: str
    name: str

    def to_json(self) -> dict[str, str]:
        return {"program": self.program, "namespace": self.namespace, "name": self.name}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Installed:
        return cls(str(data["program"]), str(data["namespace"]), str(data["name"]))


def installed(pods: Iterable[Mapping[str, Any]]) -> tuple[Installed, ...]:
    """One for each workload, in order; pods that are finished do not count."""
    found = set()
    for pod in pods:
        if text(pod, "status", "phase") in FINISHED:
            continue
        name = _workload(pod)
        images = (_last_part(text(container, "image")) for container in objects(obj(pod, "spec"), "containers"))
        if program := next(filter(None, map(_program, (name, *images))), ""):
            found.add(Installed(program, text(pod, "metadata", "namespace")[:63], name[:253]))
    return tuple(sorted(found))


def _program(name: str) -> str:
    return next((program for program, pattern in reversed(_PROGRAMS) if pattern.search(name)), "")


def _workload(pod: Mapping[str, Any]) -> str:
    """The name of its Deployment, as its ReplicaSet has it, else of what owns it, else its own."""
    owners = objects(obj(pod, "metadata"), "ownerReferences")
    if not owners:
        return text(pod, "metadata", "name")
    name = text(owners[0], "name")
    return name.rsplit("-", 1)[0] if owners[0].get("kind") == "ReplicaSet" else name


def _last_part(image: str) -> str:
    """ "ghcr.io/caas-team/py-kube-downscaler:25.1@sha256:..." is "py-kube-downscaler" """
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]
