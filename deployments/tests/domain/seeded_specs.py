"""Valid specs from a seed, the same on every machine and with every version of the libraries."""

from __future__ import annotations

import random
from typing import Any

from deployments.domain.catalogue import Probe, Toleration
from deployments.domain.spec.parts import (
    Autoscale,
    Budget,
    EnvRef,
    Fixed,
    Recreate,
    Resources,
    RollingUpdate,
    ScalePolicy,
    Spread,
)
from deployments.domain.spec.spec import Spec
from deployments.tests.domain.examples import GIB, make_spec


def seeded_spec(seed: int) -> Spec:
    """One spec; about half of its fields are away from their default."""
    chance = random.Random(seed)

    def some(value: Any, default: Any = None) -> Any:
        return value if chance.random() < 0.5 else default

    probes = (
        Probe(kind="off"),
        Probe(kind="http", path="/v1/health", period_s=chance.randint(1, 60)),
        Probe(kind="grpc", port_name="grpc", initial_delay_s=chance.randint(0, 99)),
        Probe(kind="tcp", timeout_s=chance.randint(1, 9), failure_threshold=chance.randint(1, 99)),
    )
    host = some("ranker.models.example.com")
    own = some(_resources(chance))
    return make_spec(
        artifact_uri=f"{chance.choice(('gs', 's3', 'hf'))}://models/{chance.randint(1, 999)}",
        model_version=str(chance.randint(1, 999)),
        image_override=some("registry.example.com/ml/other@sha256:" + "a" * 64),
        env=tuple((f"A{index}_HOST", f"$(X) é {chance.random()}") for index in range(chance.randint(0, 3))),
        env_refs=some((EnvRef("TOKEN", chance.choice(("secret", "config_map")), "db", "password"),), ()),
        profile=None if own else "gpu-small",
        resources=own,
        replicas=chance.choice((Fixed(chance.randint(1, 40)), _autoscale(chance))),
        strategy=chance.choice((Recreate(), RollingUpdate(chance.randint(1, 9), "25%"), RollingUpdate("10%", 0))),
        service=chance.randint(1, 65_535) if host else some(8080),
        ingress_host=host,
        ingress_path="/v1" if host and chance.random() < 0.5 else "/",
        ingress_tls_secret=some("models-tls") if host else None,
        ingress_class=some("nginx") if host else None,
        grpc_port=some(9000),
        readiness=some(chance.choice(probes)),
        liveness=some(chance.choice(probes)),
        startup=some(chance.choice(probes)),
        min_ready_s=chance.randint(0, 100),
        progress_deadline_s=chance.randint(101, 86_400),
        termination_grace_s=some(chance.randint(31, 3600)),
        pre_stop_sleep_s=some(chance.randint(1, 29)),
        node_selector=some((("example.com/disk", "ssd"),), ()),
        tolerations=some((Toleration(key="example.com/pool", value="a", effect="NoSchedule"),), ()),
        priority_class=some("models-high"),
        spread=some(Spread(over=chance.choice(("nodes", "zones")), max_skew=chance.randint(1, 10), is_required=True)),
        budget=some(chance.choice((Budget(min_available=1), Budget(max_unavailable="50%")))),
        labels=some((("example.com/team", "x"),), ()),
        annotations=some((("example.com/note", "é “quoted” \\ text"),), ()),
        contact=some("#ranking", ""),
        runbook=some("https://example.com/runbook", ""),
        description=some("What it is for.", ""),
    )


def _resources(chance: random.Random) -> Resources:
    cpu, memory, gpus = chance.randint(1, 64_000), chance.randint(1, 64) * GIB, chance.randint(0, 8)
    return Resources(
        cpu_request=cpu,
        cpu_limit=chance.choice((None, cpu + 500)),
        memory_request=memory,
        memory_limit=memory + GIB,
        gpu_count=gpus,
        gpu_type="nvidia-l4" if gpus else None,
    )


def _autoscale(chance: random.Random) -> Autoscale:
    policy = ScalePolicy(stabilization_s=300, pods=chance.randint(1, 9), percent=chance.choice((None, 50)))
    least = chance.randint(1, 20)
    return Autoscale(least, least + chance.randint(0, 20), chance.randint(1, 100), None, policy, None)
