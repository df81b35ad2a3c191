"""Values that the tests of the pure core share."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from deployments.domain.catalogue import Environment, HardwareProfile, ModelType, Placement, Probe, Runtime, Toleration
from deployments.domain.manifests.render import Rendered, render
from deployments.domain.permits import Permits
from deployments.domain.spec.checks.permits import restricted_values, with_profile
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

GIB = 2**30
ALLOWLIST = ("registry.example.com/ml",)
PREFIXES = ("example.com/",)

RUNTIME = Runtime(
    slug="tensorflow",
    name="TensorFlow Serving",
    image="registry.example.com/ml/tfserving:2.19",
    command=("/usr/bin/tensorflow_model_server",),
    args=("--model_base_path={artifact_uri}", "--model_name={model_name}"),
    env=(("MODEL_VERSION", "{model_version}"),),
    http_port=8501,
    grpc_port=8500,
    metrics_port=9090,
    needs_shm=True,
    shm_size=GIB,
    tmp_size=GIB,
    readiness=Probe(path="/v1/models/model"),
    liveness=Probe(kind="tcp"),
    startup=Probe(kind="grpc", port_name="grpc", failure_threshold=60),
)
PROFILE = HardwareProfile(
    slug="gpu-small",
    name="Small GPU",
    cpu_request=2000,
    memory_request=4 * GIB,
    memory_limit=8 * GIB,
    gpu_count=1,
    gpu_type="nvidia-l4",
    node_selector={"cloud.google.com/gke-accelerator": "nvidia-l4"},
    tolerations=(Toleration(key="nvidia.com/gpu", operator="Exists", effect="NoSchedule"),),
    price_class="gpu-l4",
)
PLACEMENT = Placement(
    cluster="local",
    namespace="search-dev",
    environment=Environment.DEV,
    name="ranker",
    team="search",
    model_name="Query Ranker",
    model_type=ModelType.SEARCH,
    install_id="install-1",
    deployment_id="42",
)


def make_spec(**changes: Any) -> Spec:
    values: dict[str, Any] = {
        "artifact_uri": "gs://models/ranker/42",
        "model_version": "42",
        "runtime": "tensorflow",
        "profile": "gpu-small",
        "env": (("LOG_LEVEL", "info"),),
    }
    return Spec(**(values | changes))


def permits_for(spec: Spec) -> Permits:
    """All that the spec needs, and what its profile brings."""
    return with_profile(Permits(namespace="search-dev", kept=restricted_values(spec)), PROFILE)


def rendered(spec: Spec | None = None, **changes: Any) -> Rendered:
    values: dict[str, Any] = {
        "spec": spec or make_spec(),
        "runtime": RUNTIME,
        "profile": PROFILE,
        "placement": PLACEMENT,
        "revision": 3,
        "restarted_at": None,
    }
    return render(**(values | changes))


_letters = "abcXYZ019"
_words = st.text(_letters, min_size=1, max_size=6)
_env_names = st.builds("A{}_{}".format, st.integers(0, 30), st.sampled_from(("HOST", "x", "9")))
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
_lines = st.text(st.characters(categories=["L", "N", "P"]), max_size=20)


@st.composite
def resources(draw: st.DrawFn) -> Resources:
    cpu = draw(st.integers(1, 64_000))
    memory = draw(st.integers(4 * 2**20, 2**40))
    gpus = draw(st.integers(0, 8))
    return Resources(
        cpu_request=cpu,
        cpu_limit=draw(st.none() | st.integers(cpu, 96_000)),
        memory_request=memory,
        memory_limit=draw(st.integers(memory, 2**41)),
        gpu_count=gpus,
        gpu_type=draw(st.none() | st.just("nvidia-l4")) if gpus else None,
    )


_policies = st.none() | st.builds(
    ScalePolicy,
    stabilization_s=st.integers(0, 3600),
    pods=st.none() | st.integers(1, 9),
    percent=st.none() | st.integers(1, 200),
    period_s=st.integers(1, 1800),
)


@st.composite
def autoscales(draw: st.DrawFn) -> Autoscale:
    least, cpu = draw(st.integers(1, 20)), draw(st.none() | st.integers(1, 100))
    memory = draw(st.integers(1, 100) if cpu is None else st.none() | st.integers(1, 100))
    return Autoscale(least, draw(st.integers(least, 40)), cpu, memory, draw(_policies), draw(_policies))


_steps = st.integers(0, 9) | st.integers(0, 100).map(lambda percent: f"{percent}%")
strategies = st.just(Recreate()) | st.builds(RollingUpdate, _steps, _steps).filter(
    lambda value: value.max_surge not in (0, "0%") or value.max_unavailable not in (0, "0%")
)
probes = st.none() | st.one_of(
    st.just(Probe(kind="off")),
    st.builds(
        Probe, kind=st.just("http"), path=st.sampled_from((None, "/", "/v1/health")), period_s=st.integers(1, 60)
    ),
    st.builds(Probe, kind=st.just("grpc"), port_name=st.just("grpc"), initial_delay_s=st.integers(0, 99)),
    st.builds(Probe, kind=st.just("tcp"), timeout_s=st.integers(1, 9), failure_threshold=st.integers(1, 99)),
)
_refs = st.builds(
    EnvRef,
    name=_words.map("REF_{}".format),
    kind=st.sampled_from(("secret", "config_map")),
    source=st.sampled_from(("db", "a.b-c")),
    key=st.sampled_from(("password", "a.b_C-d")),
)
_tolerations = st.builds(Toleration, key=_words.map("example.com/{}".format), operator=st.just("Exists")) | st.builds(
    Toleration, key=_words, value=_words, effect=st.sampled_from(("", "NoSchedule"))
)
_labels = st.dictionaries(_words.map("example.com/{}".format), _words, max_size=2).map(
    lambda pairs: tuple(pairs.items())
)
_annotations = st.dictionaries(_words.map("example.com/{}".format), _lines, max_size=2).map(
    lambda pairs: tuple(pairs.items())
)
_budgets = st.builds(Budget, min_available=_steps) | st.builds(Budget, max_unavailable=_steps)


@st.composite
def runtimes(draw: st.DrawFn) -> Runtime:
    """Runtimes of the catalogue with which the same specs are valid."""
    return replace(
        RUNTIME,
        command=draw(st.sampled_from(((), ("/bin/serve",)))),
        args=draw(st.sampled_from(((), ("--uri={artifact_uri}", "--env=$(MODEL_VERSION)", "{0.__class__}"), ("",)))),
        env=draw(st.sampled_from(((), (("MODEL_VERSION", "{model_version}"), ("EMPTY", ""))))),
        http_port=draw(st.sampled_from((80, 8080, 65535))),
        grpc_port=draw(st.sampled_from((8500, 81))),
        metrics_port=draw(st.none() | st.just(9090)),
        run_as_user=draw(st.sampled_from((1, 1000, 2**31 - 1))),
        needs_shm=draw(st.booleans()),
        shm_size=draw(st.none() | st.just(GIB)),
        tmp_size=draw(st.none() | st.just(GIB)),
        pull_secret=draw(st.none() | st.just("registry.key")),
        readiness=draw(probes),
        liveness=draw(probes),
        startup=draw(probes),
        termination_grace_s=draw(st.integers(30, 3600)),
    )


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """Any valid spec, for the runtime, profile, allowlist and prefixes of this module."""
    own = draw(st.none() | resources())
    service = draw(st.none() | st.integers(1, 65535))
    host = draw(st.none() | st.just("ranker.models.example.com")) if service else None
    return Spec(
        artifact_uri=draw(
            st.builds("{}://{}/{}=_.{}".format, st.sampled_from(("gs", "s3", "hf")), _words, _words, _words)
        ),
        model_version=draw(_words),
        runtime="tensorflow",
        image_override=draw(st.none() | st.just("registry.example.com/ml/other@sha256:" + "a" * 64)),
        env=tuple(draw(st.dictionaries(_env_names, _texts, max_size=3)).items()),
        profile=None if own else "gpu-small",
        resources=own,
        replicas=draw(st.integers(1, 40).map(Fixed) | autoscales()),
        strategy=draw(strategies),
        service=service,
        ingress_host=host,
        **draw(_more(has_host=host is not None)),
    )


@st.composite
def _more(draw: st.DrawFn, *, has_host: bool) -> dict[str, Any]:
    """Fields of schema 2, about half of the time none at all."""
    if draw(st.booleans()):
        return {}
    ready = draw(st.integers(0, 100))
    grace = draw(st.none() | st.integers(31, 3600))
    disk = draw(st.none() | st.integers(4 * 2**20, 2**40))
    fields: dict[str, Any] = {
        "env_refs": tuple({ref.name: ref for ref in draw(st.lists(_refs, max_size=2))}.values()),
        "grpc_port": draw(st.none() | st.just(9000)),
        **{name: draw(probes) for name in ("readiness", "liveness", "startup")},
        "min_ready_s": ready,
        "progress_deadline_s": draw(st.integers(ready + 1, 86_400)),
        "termination_grace_s": grace,
        "pre_stop_sleep_s": draw(st.none() | st.integers(1, 29)),
        "ephemeral_request": disk,
        "ephemeral_limit": draw(st.none() | st.integers(disk or 4 * 2**20, 2**41)),
        "node_selector": draw(_labels),
        "tolerations": tuple(draw(st.lists(_tolerations, max_size=2, unique_by=lambda item: item.key))),
        "priority_class": draw(st.none() | st.just("models-high")),
        "spread": draw(
            st.none()
            | st.builds(
                Spread, over=st.sampled_from(("nodes", "zones")), max_skew=st.integers(1, 10), is_required=st.booleans()
            )
        ),
        "budget": draw(st.none() | _budgets),
        "labels": draw(_labels),
        "annotations": draw(_annotations),
        "contact": draw(_lines),
        "runbook": draw(st.sampled_from(("", "https://example.com/runbook"))),
        "description": draw(_lines),
    }
    if has_host:
        fields |= {
            "ingress_path": draw(st.sampled_from(("/", "/v1"))),
            "ingress_tls_secret": draw(st.none() | st.just("models-tls")),
            "ingress_class": draw(st.none() | st.just("nginx")),
        }
    return fields
