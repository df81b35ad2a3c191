"""What a spec is chosen from in one place: the catalogue, the allowed registries and the limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from django.conf import settings
from django.db.models import Q

from baristaweb.lib.clock import now
from deployments.domain import catalogue
from deployments.domain.catalogue import Environment
from deployments.domain.permits import Permits
from deployments.domain.spec.spec import Spec
from deployments.domain.text.quantities import human_cpu, human_memory
from deployments.models import HardwareProfile, Namespace, RegistryRule, Runtime
from deployments.models.deployment import Revision
from deployments.queries import rules


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Runtimes and profiles by slug, in the order they are offered."""

    environment: Environment
    runtimes: dict[str, catalogue.Runtime]
    profiles: dict[str, catalogue.HardwareProfile]
    allowlist: Sequence[str]
    max_replicas: int
    metadata_prefixes: Sequence[str]
    permits: Permits
    namespace: Namespace | None = None
    deployment_id: int | None = None

    def permits_of(self, spec: Spec) -> Permits:
        """With who else uses the host of `spec`."""
        if self.namespace is None:
            return self.permits
        return replace(self.permits, rivals=rules.rivals(self.namespace, spec, deployment_id=self.deployment_id))

    @classmethod
    def of(cls, namespace: Namespace | None, *, kept: Revision | None = None) -> Self:
        """Those on offer, and those that the deployment has now even if they are no longer offered.

        `namespace` None: it is not chosen yet, so every team's registries count.
        """
        runtimes = Q(is_active=True) | Q(slug=kept.runtime.get("slug") if kept else "")
        profiles = Q(is_active=True) | Q(slug=(kept.profile or {}).get("slug", "") if kept else "")
        offered = {row.slug: row.to_domain() for row in Runtime.objects.filter(runtimes)}
        sizes = {row.slug: row.to_domain() for row in HardwareProfile.objects.filter(profiles)}
        if kept is not None:
            # Taken out of the catalogue altogether: what runs keeps its copy.
            offered.setdefault(kept.to_runtime().slug, kept.to_runtime())
            if (size := kept.to_profile()) is not None:
                sizes.setdefault(size.slug, size)
        every = RegistryRule.objects.values_list("prefix", flat=True)
        return cls(
            environment=Environment(namespace.environment) if namespace else Environment.DEV,
            runtimes=offered,
            profiles=sizes,
            allowlist=rules.allowlist(namespace) if namespace else list(every),
            max_replicas=settings.BARISTA.max_replicas,
            metadata_prefixes=rules.metadata_prefixes(),
            permits=rules.permits(namespace, deployment_id=kept.deployment_id if kept else None, at=now()),
            namespace=namespace,
            deployment_id=kept.deployment_id if kept else None,
        )


def size_in_words(profile: catalogue.HardwareProfile) -> str:
    """ "500m CPU, 1 GiB, 1 nvidia-l4"."""
    cpu = human_cpu(profile.cpu_request)
    words = [cpu if "core" in cpu else f"{cpu} CPU", human_memory(profile.memory_request)]
    if profile.gpu_count:
        words.append(f"{profile.gpu_count} {profile.gpu_type or 'GPU'}")
    return ", ".join(words)
