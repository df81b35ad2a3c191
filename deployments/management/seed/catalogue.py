"""What the platform team offers."""

from deployments.domain.catalogue import HardwareProfile, Probe, Runtime, Toleration

GIB = 1024**3
MIB = 1024**2

RUNTIMES = (
    Runtime(
        slug="tensorflow-serving",
        name="TensorFlow Serving",
        image="docker.io/tensorflow/serving:2.19.1",
        args=(
            "--port=8500",
            "--rest_api_port=8501",
            "--model_name={model_name}",
            "--model_base_path={artifact_uri}",
            "--enable_batching=true",
        ),
        env=(("MODEL_VERSION", "{model_version}"), ("TF_CPP_MIN_LOG_LEVEL", "1")),
        http_port=8501,
        grpc_port=8500,
        tmp_size=2 * GIB,
        readiness=Probe(kind="tcp", period_s=5, failure_threshold=3),
        startup=Probe(kind="tcp", period_s=5, failure_threshold=60),
        termination_grace_s=45,
        sample_path="/v1/models/{model_name}:predict",
        sample_body='{"instances": [[0.1, 0.2, 0.3]]}',
    ),
    Runtime(
        slug="triton",
        name="Triton Inference Server",
        image="nvcr.io/nvidia/tritonserver:25.06-py3",
        command=("tritonserver",),
        args=(
            "--model-repository={artifact_uri}",
            "--model-control-mode=explicit",
            "--load-model={model_name}",
            "--allow-metrics=true",
        ),
        env=(("MODEL_VERSION", "{model_version}"),),
        http_port=8000,
        grpc_port=8001,
        metrics_port=8002,
        needs_shm=True,
        shm_size=2 * GIB,
        tmp_size=8 * GIB,
        readiness=Probe(kind="http", path="/v2/health/ready", period_s=5),
        liveness=Probe(kind="http", path="/v2/health/live", period_s=15, failure_threshold=4),
        startup=Probe(kind="http", path="/v2/health/ready", period_s=10, failure_threshold=60),
        termination_grace_s=60,
        sample_path="/v2/models/{model_name}/infer",
        sample_body='{"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [0.1, 0.2, 0.3]}]}',
    ),
    Runtime(
        slug="torchserve",
        name="TorchServe",
        image="docker.io/pytorch/torchserve:0.12.0-cpu",
        args=("torchserve", "--start", "--foreground", "--model-store={artifact_uri}", "--models={model_name}.mar"),
        env=(("TS_DISABLE_TOKEN_AUTHORIZATION", "true"), ("MODEL_VERSION", "{model_version}")),
        http_port=8080,
        grpc_port=7070,
        metrics_port=8082,
        needs_shm=True,
        shm_size=512 * MIB,
        tmp_size=4 * GIB,
        readiness=Probe(kind="http", path="/ping", period_s=5, timeout_s=2),
        startup=Probe(kind="http", path="/ping", period_s=5, failure_threshold=90),
        sample_path="/predictions/{model_name}",
        sample_body='{"data": [0.1, 0.2, 0.3]}',
    ),
    Runtime(
        slug="mlserver",
        name="Seldon MLServer",
        image="docker.io/seldonio/mlserver:1.7.1",
        env=(
            ("MLSERVER_MODEL_URI", "{artifact_uri}"),
            ("MLSERVER_MODEL_NAME", "{model_name}"),
            ("MLSERVER_MODEL_VERSION", "{model_version}"),
        ),
        http_port=8080,
        grpc_port=8081,
        metrics_port=8082,
        tmp_size=2 * GIB,
        readiness=Probe(kind="http", path="/v2/health/ready", period_s=5),
        liveness=Probe(kind="http", path="/v2/health/live", period_s=20, failure_threshold=3),
        sample_path="/v2/models/{model_name}/infer",
        sample_body='{"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [0.1, 0.2, 0.3]}]}',
    ),
    Runtime(
        slug="custom",
        name="Custom container",
        image="ghcr.io/acme-ml/serving-base:3.4.0",
        args=("serve", "--model={artifact_uri}", "--version={model_version}"),
        env=(("MODEL_NAME", "{model_name}"),),
        http_port=8080,
        metrics_port=9090,
        tmp_size=1 * GIB,
        readiness=Probe(kind="http", path="/ready", period_s=5),
        liveness=Probe(kind="http", path="/live", period_s=20),
    ),
)

_GPU_TAINT = (Toleration(key="nvidia.com/gpu", operator="Exists", effect="NoSchedule"),)

PROFILES = (
    HardwareProfile(
        slug="cpu-small",
        name="CPU small",
        cpu_request=500,
        memory_request=1 * GIB,
        memory_limit=1 * GIB,
        price_class="e2-standard",
    ),
    HardwareProfile(
        slug="cpu-medium",
        name="CPU medium",
        cpu_request=2000,
        memory_request=4 * GIB,
        memory_limit=4 * GIB,
        price_class="e2-standard",
    ),
    HardwareProfile(
        slug="cpu-large",
        name="CPU large",
        cpu_request=6000,
        memory_request=16 * GIB,
        memory_limit=16 * GIB,
        price_class="e2-standard",
    ),
    HardwareProfile(
        slug="memory-large",
        name="Memory large",
        cpu_request=2000,
        memory_request=24 * GIB,
        memory_limit=28 * GIB,
        price_class="e2-highmem",
    ),
    HardwareProfile(
        slug="gpu-l4",
        name="One L4 GPU",
        cpu_request=6000,
        memory_request=24 * GIB,
        memory_limit=24 * GIB,
        gpu_count=1,
        gpu_type="nvidia-l4",
        node_selector={"barista.io/node-pool": "gpu"},
        tolerations=_GPU_TAINT,
        price_class="g2-l4",
    ),
    HardwareProfile(
        slug="gpu-a100",
        name="One A100 GPU",
        cpu_request=10_000,
        memory_request=80 * GIB,
        memory_limit=80 * GIB,
        gpu_count=1,
        gpu_type="nvidia-tesla-a100",
        node_selector={"cloud.google.com/gke-accelerator": "nvidia-tesla-a100"},
        tolerations=_GPU_TAINT,
        price_class="a2-a100",
    ),
)

# prefix, team (empty: all), note
REGISTRIES = (
    ("docker.io/tensorflow", "", "TensorFlow Serving"),
    ("docker.io/pytorch", "", "TorchServe"),
    ("docker.io/seldonio", "", "Seldon MLServer"),
    ("nvcr.io/nvidia", "", "Triton"),
    ("ghcr.io/acme-ml", "", "Images that our pipelines build"),
    ("europe-docker.pkg.dev/acme-models", "", "Signed images of the model registry"),
    ("registry.invalid/acme-legacy", "ads", "The old registry; goes away with the last model that uses it"),
)

# kind, value, namespace (empty: all), note. The demo's deployments need no more than their hosts.
PERMITS = (
    ("host", "home-feed.models.acme.example", "recs-prod", "The home feed"),
    ("host", "ads-ctr.models.acme.example", "ads-prod", "Click-through rates"),
    ("host", "search-ranker.models.acme.example", "search-prod", "Search results"),
    ("host", "staging.models.acme.example", "", "For trying things before production"),
    ("toleration", "cloud.google.com/gke-spot=true:NoSchedule", "", "Spot nodes"),
    ("secret", "feature-store", "search-prod", "Read access to the feature store"),
)
