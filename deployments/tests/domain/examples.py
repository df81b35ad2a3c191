"""Values that the tests of the pure core share."""

from typing import Any

from hypothesis import strategies as st

from deployments.domain.catalogue import Environment, HardwareProfile, ModelType, Placement, Probe, Runtime, Toleration
from deployments.domain.manifests import Rendered, render
from deployments.domain.spec import Autoscale, Fixed, Recreate, Resources, RollingUpdate, Spec

GIB = 2**30
ALLOWLIST = ("registry.example.com/ml",)

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


_env_names = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: (
        not name.startswith(("LD_", "PYTHON", "KUBERNETES_", "BARISTA_"))
        and name not in {"PATH", "HOME", "HOSTNAME", "IFS", "BASH_ENV", "ENV", "PERL5OPT", "RUBYOPT"}
    )
)
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)


@st.composite
def resources(draw: st.DrawFn) -> Resources:
    cpu = draw(st.integers(1, 64_000))
    memory = draw(st.integers(4 * 2**20, 2**40))
    return Resources(
        cpu_request=cpu,
        cpu_limit=draw(st.none() | st.integers(cpu, 96_000)),
        memory_request=memory,
        memory_limit=draw(st.integers(memory, 2**41)),
        gpu_count=draw(st.integers(0, 8)),
    )


@st.composite
def autoscales(draw: st.DrawFn) -> Autoscale:
    least = draw(st.integers(1, 20))
    return Autoscale(least, draw(st.integers(least, 40)), draw(st.integers(1, 100)))


_steps = st.integers(0, 9) | st.integers(0, 100).map(lambda percent: f"{percent}%")
strategies = st.just(Recreate()) | st.builds(RollingUpdate, _steps, _steps).filter(
    lambda value: value.max_surge not in (0, "0%") or value.max_unavailable not in (0, "0%")
)


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """Any valid spec, for the runtime, profile and allowlist of this module."""
    own = draw(st.none() | resources())
    service = draw(st.none() | st.integers(1, 65535))
    return Spec(
        artifact_uri=draw(
            st.from_regex(r"(gs|s3|hf)://[a-z0-9]{1,8}(/[A-Za-z0-9._=-]{1,8}){0,3}", fullmatch=True).filter(_is_plain)
        ),
        model_version=draw(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,10}[A-Za-z0-9])?", fullmatch=True)),
        runtime="tensorflow",
        image_override=draw(st.none() | st.just("registry.example.com/ml/other@sha256:" + "a" * 64)),
        env=tuple(draw(st.dictionaries(_env_names, _texts, max_size=5)).items()),
        profile=None if own else "gpu-small",
        resources=own,
        replicas=draw(st.integers(1, 40).map(Fixed) | autoscales()),
        strategy=draw(strategies),
        service=service,
        ingress_host=draw(st.none() | st.just("ranker.models.example.com")) if service else None,
    )


def _is_plain(uri: str) -> bool:
    return uri.isascii() and ".." not in uri.split("/")
