"""Deployments of the recommendations, vision and ads teams."""

from deployments.domain.spec.parts import Autoscale, Budget, Fixed, Recreate, Resources, RollingUpdate
from deployments.domain.spec.spec import Spec
from deployments.management.seed.catalogue import GIB
from deployments.management.seed.shapes import DeploymentPlan, Edit

RECS = (
    DeploymentPlan(
        model="home-feed-ranker",
        environment="prod",
        by="jonas",
        why="One ranker for web and apps",
        spec=Spec(
            artifact_uri="gs://acme-models/home-feed-ranker/2026-10-20",
            model_version="88",
            runtime="tensorflow-serving",
            profile="cpu-medium",
            env=(("FEED_DIVERSITY", "0.15"), ("TF_NUM_INTEROP_THREADS", "2")),
            replicas=Autoscale(6, 16, 60),
            strategy=RollingUpdate("25%", "10%"),
            ingress_host="home-feed.models.acme.example",
            budget=Budget(max_unavailable="20%"),
            contact="#recs-ml, rota recs-oncall",
            runbook="https://wiki.acme.example/recs/home-feed",
            description="Orders the home feed. Without it people see yesterday's order.",
        ),
        edits=(
            Edit(
                "maintainer",
                "More variety: +1.1 % sessions with a favourite in the test",
                env={"FEED_DIVERSITY": "0.22"},
            ),
            Edit(
                "jonas",
                "Version 90, weekly retrain",
                {"artifact_uri": "gs://acme-models/home-feed-ranker/2026-11-16", "model_version": "90"},
            ),
        ),
        later=Edit("maintainer", "Friday evening peak needs more head room", {"replicas": Autoscale(8, 18, 60)}),
    ),
    DeploymentPlan(
        model="home-feed-ranker",
        environment="staging",
        by="editor",
        why="Mirror of production",
        spec=Spec(
            artifact_uri="gs://acme-models/home-feed-ranker/2026-11-16",
            model_version="90",
            runtime="tensorflow-serving",
            image_override="ghcr.io/acme-ml/feed-serving:7.3.1",
            profile="cpu-medium",
            replicas=Fixed(2),
        ),
        edits=(
            Edit(
                "editor",
                "Release candidate with the new feature store client",
                {"image_override": "ghcr.io/acme-ml/feed-serving:7.4.0-rc2-crash"},
                {"FEATURE_STORE": "feast-staging:6566"},
            ),
        ),
    ),
    DeploymentPlan(
        model="similar-listings",
        environment="prod",
        by="maintainer",
        why="Embedding index behind an API of its own",
        spec=Spec(
            artifact_uri="gs://acme-models/similar-listings/index-2026-11-01",
            model_version="2026-11-01",
            runtime="custom",
            image_override="ghcr.io/acme-ml/ann-serving:2.8.4",
            profile="memory-large",
            env=(("EF_SEARCH", "128"),),
            replicas=Fixed(3),
        ),
        edits=(
            Edit(
                "jonas",
                "Index of mid November",
                {"artifact_uri": "gs://acme-models/similar-listings/index-2026-11-15", "model_version": "2026-11-15"},
            ),
            Edit("maintainer", "Recall 0.97 is enough; 30 % less CPU", env={"EF_SEARCH": "96"}),
        ),
    ),
    DeploymentPlan(
        model="similar-listings",
        environment="dev",
        by="editor",
        why="Try product quantisation",
        spec=Spec(
            artifact_uri="gs://acme-models-dev/similar-listings/pq-64",
            model_version="pq-64",
            runtime="custom",
            image_override="ghcr.io/acme-ml/ann-serving:2.9.0",
            profile="cpu-medium",
            env=(("EF_SEARCH", "128"),),
        ),
        edits=(Edit("jonas", "32 bytes a vector instead of 64", {"model_version": "pq-32"}),),
    ),
    DeploymentPlan(
        model="gift-finder",
        environment="dev",
        by="editor",
        why="Prototype for the holidays",
        spec=Spec(
            artifact_uri="gs://acme-models-dev/gift-finder/proto-5",
            model_version="proto-5",
            runtime="mlserver",
            profile="cpu-small",
        ),
        edits=(Edit("editor", "Prices in the features", {"model_version": "proto-6"}),),
        paused="Frozen while the user study runs until Friday",
    ),
    DeploymentPlan(
        model="cart-upsell",
        environment="prod",
        by="maintainer",
        why="Half of all carts to begin with",
        spec=Spec(
            artifact_uri="gs://acme-models/cart-upsell/12",
            model_version="12",
            runtime="torchserve",
            profile="cpu-medium",
            env=(("TOP_K", "6"),),
            replicas=Fixed(2),
        ),
        edits=(Edit("jonas", "All carts", {"replicas": Fixed(4)}),),
        waiting=Edit(
            "editor",
            "Version 13 won its test by 0.8 % of cart value; TOP_K 8 as tested",
            {"artifact_uri": "gs://acme-models/cart-upsell/13", "model_version": "13"},
            {"TOP_K": "8"},
        ),
    ),
)

VISION = (
    DeploymentPlan(
        model="image-embedder",
        environment="prod",
        by="maintainer",
        why="Embeds each new photo within a second",
        spec=Spec(
            artifact_uri="gs://acme-models/image-embedder/repository-v9",
            model_version="9",
            runtime="triton",
            profile="gpu-l4",
            env=(("MAX_BATCH", "32"),),
            replicas=Fixed(2),
            strategy=RollingUpdate(1, 0),
        ),
        edits=(
            Edit("maintainer", "Batches of 64 fit the L4", env={"MAX_BATCH": "64"}),
            Edit("maintainer", "Uploads grew by a third", {"replicas": Fixed(3)}),
        ),
    ),
    DeploymentPlan(
        model="image-embedder",
        environment="staging",
        by="ines",
        why="Candidate with the larger backbone",
        spec=Spec(
            artifact_uri="gs://acme-models/image-embedder/repository-v10-rc1",
            model_version="10-rc1",
            runtime="triton",
            image_override="ghcr.io/acme-ml/embedder:10.0-rc1-slow",
            profile="gpu-l4",
            env=(("MAX_BATCH", "16"),),
            strategy=Recreate(),
        ),
        edits=(Edit("editor", "Warm up with two batches", env={"WARMUP_BATCHES": "2"}),),
        later=Edit("editor", "Warm up with four; the first requests were still slow", env={"WARMUP_BATCHES": "4"}),
    ),
    DeploymentPlan(
        model="listing-photo-quality",
        environment="prod",
        by="maintainer",
        why="Scores are shown to sellers",
        spec=Spec(
            artifact_uri="gs://acme-models/listing-photo-quality/5",
            model_version="5",
            runtime="triton",
            profile="gpu-l4",
            replicas=Autoscale(1, 3, 70),
        ),
        edits=(
            Edit(
                "maintainer",
                "Version 6 is fair to dark backgrounds",
                {"model_version": "6", "artifact_uri": "gs://acme-models/listing-photo-quality/6"},
            ),
        ),
    ),
    DeploymentPlan(
        model="visual-search",
        environment="dev",
        by="editor",
        why="Does a transformer backbone pay off?",
        spec=Spec(
            artifact_uri="gs://acme-models-dev/visual-search/vit-l-2",
            model_version="vit-l-2",
            runtime="triton",
            profile="gpu-l4",
        ),
        edits=(Edit("ines", "Needs more than 24 GB; try an A100", {"profile": "gpu-a100"}),),
    ),
)

ADS = (
    DeploymentPlan(
        model="ads-ctr",
        environment="prod",
        by="maintainer",
        why="Click-through for promoted listings",
        spec=Spec(
            artifact_uri="gs://acme-models/ads-ctr/2026-11-10",
            model_version="301",
            runtime="tensorflow-serving",
            profile="cpu-large",
            env=(("CALIBRATION", "isotonic-2026-11-10"),),
            replicas=Autoscale(4, 8, 55),
            strategy=RollingUpdate(2, 0),
            ingress_host="ads-ctr.models.acme.example",
            budget=Budget(min_available=3),
            contact="#ads-ml, rota ads-oncall",
            runbook="https://wiki.acme.example/ads/ctr",
            description="Each point of calibration error is money: check the calibration after each retrain.",
        ),
        edits=(
            Edit(
                "maintainer",
                "Daily retrain",
                {"artifact_uri": "gs://acme-models/ads-ctr/2026-11-19", "model_version": "310"},
                {"CALIBRATION": "isotonic-2026-11-19"},
            ),
            Edit(
                "maintainer",
                "Daily retrain",
                {"artifact_uri": "gs://acme-models/ads-ctr/2026-11-20", "model_version": "311"},
                {"CALIBRATION": "isotonic-2026-11-20"},
            ),
            Edit("maintainer", "311 over-predicts on mobile", returns_to=2),
        ),
    ),
    DeploymentPlan(
        model="ads-ctr",
        environment="staging",
        by="jonas",
        why="Nightly check of the candidate",
        spec=Spec(
            artifact_uri="gs://acme-models/ads-ctr/2026-11-20",
            model_version="311",
            runtime="tensorflow-serving",
            profile="cpu-medium",
        ),
        edits=(
            Edit(
                "jonas",
                "Candidate of tonight",
                {"artifact_uri": "gs://acme-models/ads-ctr/2026-11-21", "model_version": "312"},
            ),
        ),
    ),
    DeploymentPlan(
        model="ads-ctr",
        environment="dev",
        by="editor",
        why="Wide and deep with session features",
        spec=Spec(
            artifact_uri="gs://acme-models-dev/ads-ctr/session-1",
            model_version="session-1",
            runtime="custom",
            image_override="ghcr.io/acme-ml/ctr-serving:5.0.2",
            resources=Resources(cpu_request=1000, memory_request=2 * GIB, memory_limit=2 * GIB),
        ),
        edits=(
            Edit(
                "jonas",
                "Embedding table of a million sellers",
                {"image_override": "ghcr.io/acme-ml/ctr-serving:5.1.0-oom", "model_version": "session-2"},
            ),
        ),
    ),
    DeploymentPlan(
        model="ads-bid-pacing",
        environment="prod",
        by="maintainer",
        why="Budgets last the whole day",
        spec=Spec(
            artifact_uri="gs://acme-models/ads-bid-pacing/3",
            model_version="3",
            runtime="custom",
            image_override="ghcr.io/acme-ml/pacing-serving:1.12.0",
            profile="cpu-small",
            env=(("PACING_WINDOW_MIN", "15"),),
            replicas=Fixed(3),
        ),
        edits=(Edit("maintainer", "Shorter windows follow flash sales better", env={"PACING_WINDOW_MIN": "5"}),),
    ),
    DeploymentPlan(
        model="ads-relevance",
        environment="dev",
        by="jonas",
        why="Cross-encoder on the old serving image",
        spec=Spec(
            artifact_uri="gs://acme-models-dev/ads-relevance/cross-1",
            model_version="cross-1",
            runtime="custom",
            profile="cpu-medium",
        ),
        edits=(
            Edit(
                "editor",
                "The tokenizer is only in the legacy image",
                {"image_override": "registry.invalid/acme-legacy/relevance-serving:0.9.3"},
            ),
        ),
    ),
)
