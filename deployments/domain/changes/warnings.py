"""What a review points out although it may be applied: nothing here stops anybody."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from baristaweb.lib.looks import Tone
from deployments.domain.apiserver.quota import Quota
from deployments.domain.catalogue import Environment, HardwareProfile, Runtime
from deployments.domain.spec.parts import Budget, Recreate, Resources
from deployments.domain.spec.spec import Spec, effective_image, effective_probe, effective_resources
from deployments.domain.spec.unclean import unclean_values
from deployments.domain.text.images import ImageReference, InvalidImage, allowed
from deployments.domain.text.quantities import human_cpu, human_memory
from deployments.domain.text.secrets import has_credentials, has_secret_name


@dataclass(frozen=True, slots=True)
class ReviewWarning:
    """`code` is stable, for tests and for the audit; `path` is the field to look at, empty for the whole."""

    code: str
    path: str
    message: str
    tone: Tone = Tone.WARN


UNSEEN: Final = "unseen"
_NUMBER: Final = re.compile(r"[vV]?\d{1,12}(?:\.\d{1,12}){0,3}\Z", re.ASCII)
_PERCENT: Final = re.compile(r"(\d+)%\Z")
# A limit this close above what is used now leaves no room for the next larger request.
_MEMORY_ROOM: Final = 1.1
_SHORTEST_DEADLINE_S: Final = 30


def review_warnings(
    spec: Spec,
    *,
    environment: Environment,
    runtime: Runtime,
    profile: HardwareProfile | None,
    allowlist: Sequence[str],
    memory_used: int | None = None,
    quota: Quota | None = None,
) -> list[ReviewWarning]:
    """`memory_used` is the largest use of one pod seen lately, in bytes; None when nothing was measured."""
    found: list[ReviewWarning] = []
    is_prod = environment is Environment.PROD
    if is_prod:
        found.append(ReviewWarning("prod", "", "This changes production: people get these predictions.", Tone.BAD))
    found += _image(spec, runtime, allowlist)
    if effective_probe(spec, runtime, "readiness") is None:
        message = "There is no readiness probe: pods get requests before the model is loaded."
        found.append(ReviewWarning("no-readiness", "readiness", message))
    if spec.min_replicas == 1 and is_prod:
        path = "replicas.min" if spec.max_replicas > 1 else "replicas.count"
        found.append(ReviewWarning("single-replica", path, "One pod only: when its node goes, nothing serves."))
    if isinstance(spec.strategy, Recreate) and is_prod:
        message = "Recreate stops all pods before the new ones start: nothing serves in between."
        found.append(ReviewWarning("outage", "strategy.type", message))
    found += [
        ReviewWarning("secret-name", f"env.{name}", f"{name} sounds like a secret: everybody who sees this reads it.")
        for name, value in spec.env
        if value and has_secret_name(name)
    ]
    found += [
        ReviewWarning(
            "credentials",
            f"env.{name}",
            f"The address in {name} names a user or token before its @: everybody reads it.",
        )
        for name, value in spec.env
        if has_credentials(value)
    ]
    if spec.progress_deadline_s < _SHORTEST_DEADLINE_S:
        message = f"A rollout counts as stalled after {spec.progress_deadline_s} s: hardly a model loads so fast."
        found.append(ReviewWarning("short-deadline", "progress_deadline_s", message))
    found += [ReviewWarning(UNSEEN, item.path, item.said) for item in unclean_values(spec)]
    found += _versions(spec)
    found += _budget(spec)
    size = effective_resources(spec, profile)
    found += _memory(size, spec, memory_used)
    if quota is not None:
        found += _quota(size, spec, quota)
    return found


def _versions(spec: Spec) -> list[ReviewWarning]:
    message = version_mismatch(spec)
    return [ReviewWarning("version-mismatch", "model_version", message)] if message else []


def version_mismatch(spec: Spec) -> str:
    """What to say where the artifact's path ends with another version number than the spec's; else empty."""
    last = spec.artifact_uri.rstrip("/").rpartition("/")[2]
    is_comparable = _NUMBER.match(last) and _NUMBER.match(spec.model_version)
    if not is_comparable or _plain(last) == _plain(spec.model_version):
        return ""
    return f"The artifact ends /{last}, and the version is {spec.model_version}: one of the two was left behind."


def _plain(version: str) -> str:
    return version.lower().removeprefix("v").lstrip("0") or "0"


def blocks_drains(budget: Budget, replicas: int) -> bool:
    """Whether no pod may ever leave by itself: draining its node waits for ever. As the controller rounds: up."""
    if budget.max_unavailable is not None:
        return _count(budget.max_unavailable, replicas) == 0
    return budget.min_available is not None and _count(budget.min_available, replicas) >= replicas


def _image(spec: Spec, runtime: Runtime, allowlist: Sequence[str]) -> list[ReviewWarning]:
    text = effective_image(spec, runtime)
    path = "image_override" if spec.image_override else "runtime"
    if not allowed(text, allowlist):
        return [ReviewWarning("image-outside", path, f"{text[:200]} is not of an allowed registry.", Tone.BAD)]
    try:
        image = ImageReference.parse(text)
    except InvalidImage as problem:
        return [ReviewWarning("image-unreadable", path, str(problem), Tone.BAD)]
    if image.is_pinned:
        return []
    tag = image.tag or "latest"
    message = f"The image is named by its tag {tag}, which can be moved: pin its digest to be sure what runs."
    return [ReviewWarning("tag", path, message)]


def _budget(spec: Spec) -> list[ReviewWarning]:
    if spec.budget is None or not blocks_drains(spec.budget, spec.min_replicas):
        return []
    pods = "1 pod" if spec.min_replicas == 1 else f"{spec.min_replicas} pods"
    message = f"With {pods} the disruption budget lets none leave: nodes cannot be drained for maintenance."
    return [ReviewWarning("budget-blocks", "budget", message)]


def _memory(size: Resources, spec: Spec, used: int | None) -> list[ReviewWarning]:
    if used is None:
        return []
    path = "resources.memory_limit" if spec.resources is not None else "profile"
    limit, now = human_memory(size.memory_limit), human_memory(used)
    if size.memory_limit < used:
        message = f"The memory limit {limit} is below what a pod uses now ({now}): it would be killed."
        return [ReviewWarning("memory-below-use", path, message, Tone.BAD)]
    if size.memory_limit < used * _MEMORY_ROOM:
        return [
            ReviewWarning("memory-tight", path, f"The memory limit {limit} is hardly more than is used now ({now}).")
        ]
    return []


def _quota(size: Resources, spec: Spec, quota: Quota) -> list[ReviewWarning]:
    pods = spec.max_replicas
    wants = (
        ("CPU", size.cpu_request * pods, quota.cpu, human_cpu),
        ("CPU in limits", (size.cpu_limit or 0) * pods, quota.cpu_limit, human_cpu),
        ("memory", size.memory_request * pods, quota.memory, human_memory),
        ("memory in limits", size.memory_limit * pods, quota.memory_limit, human_memory),
        ("GPUs", size.gpu_count * pods, quota.gpus, str),
        ("pods", pods, quota.pods, str),
    )
    found = []
    many = "1 pod wants" if pods == 1 else f"{pods} pods want"
    who = f"Up to {many}" if spec.min_replicas != pods else many
    for what, wanted, left, human in wants:
        if left is not None and wanted > left:
            much = "a place" if what == "pods" else f"{human(wanted)} of {what}"
            rest = f"only {human(left)}" if left else "nothing"
            message = f"{who} {much}; the namespace's quota leaves {rest}: some would not start."
            path = "replicas.max" if spec.min_replicas != pods else ""
            found.append(ReviewWarning("quota", path, message, Tone.BAD))
    return found


def _count(value: int | str, replicas: int) -> int:
    if isinstance(value, int):
        return value
    match = _PERCENT.match(value)
    return -(-int(match.group(1)) * replicas // 100) if match else 0
