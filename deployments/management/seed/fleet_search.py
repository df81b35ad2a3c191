"""Deployments of the search and the trust and safety teams."""

from deployments.domain.spec.parts import Autoscale, Budget, Fixed, Resources, RollingUpdate, Spread
from deployments.domain.spec.spec import Spec
from deployments.management.seed.catalogue import GIB, MIB
from deployments.management.seed.shapes import DeploymentPlan, Edit

_RANKER = Spec(
    artifact_uri="gs://acme-models/search-ranker/2026-10-28",
    model_version="41",
    runtime="tensorflow-serving",
    profile="cpu-medium",
    env=(("RANKER_CANDIDATES", "400"), ("BATCH_TIMEOUT_MICROS", "2000")),
    replicas=Autoscale(4, 10, 65),
    strategy=RollingUpdate("25%", 0),
    ingress_host="search-ranker.models.acme.example",
    budget=Budget(max_unavailable="25%"),
    spread=Spread(over="zones"),
    contact="#search-ml, rota search-oncall",
    runbook="https://wiki.acme.example/search/ranker",
    description="Second pass of ranking: 400 candidates in, 48 results out. The web waits 120 ms for it.",
)

SEARCH = (
    DeploymentPlan(
        model="search-ranker",
        environment="prod",
        by="maintainer",
        why="Second-pass ranking moves from the monolith to a service of its own",
        spec=_RANKER,
        edits=(
            Edit("ines", "Room for the sale on the first of November", {"replicas": Autoscale(6, 14, 65)}),
            Edit(
                "maintainer",
                "Version 42: trained with October's clicks, +0.6 % NDCG in the interleaving test",
                {"artifact_uri": "gs://acme-models/search-ranker/2026-11-11", "model_version": "42"},
            ),
            Edit("ines", "p99 is set by batches that wait; 1 ms less each", env={"BATCH_TIMEOUT_MICROS": "1000"}),
            Edit("maintainer", "The sale is over", {"replicas": Autoscale(4, 10, 65)}),
        ),
        later=Edit("ines", "Recall at 300 equals that at 400, and 300 costs less", env={"RANKER_CANDIDATES": "300"}),
    ),
    DeploymentPlan(
        model="search-ranker",
        environment="staging",
        by="editor",
        why="Load tests of the ranker",
        spec=Spec(
            artifact_uri="gs://acme-models/search-ranker/2026-11-11",
            model_version="42",
            runtime="tensorflow-serving",
            profile="cpu-medium",
            env=(("RANKER_CANDIDATES", "400"), ("BATCH_TIMEOUT_MICROS", "1000")),
            replicas=Fixed(2),
        ),
        edits=(
            Edit(
                "editor",
                "Candidate 43 with query embeddings, for the load test",
                {"artifact_uri": "gs://acme-models/search-ranker/2026-11-18", "model_version": "43"},
            ),
        ),
    ),
    DeploymentPlan(
        model="search-ranker",
        environment="dev",
        by="editor",
        why="Try listwise loss",
        spec=Spec(
            artifact_uri="gs://acme-models-dev/search-ranker/listwise-03",
            model_version="listwise-03",
            runtime="tensorflow-serving",
            profile="cpu-small",
            env=(("RANKER_CANDIDATES", "100"),),
        ),
        edits=(
            Edit("editor", "Lower temperature", {"model_version": "listwise-04"}),
            Edit(
                "ines", "More candidates to compare with prod", {"profile": "cpu-medium"}, {"RANKER_CANDIDATES": "400"}
            ),
            Edit("editor", "Log scores for the notebook", env={"LOG_SCORES": "true"}),
        ),
    ),
    DeploymentPlan(
        model="query-intent",
        environment="prod",
        by="ines",
        why="Replaces the rules for gift and occasion queries",
        spec=Spec(
            artifact_uri="gs://acme-models/query-intent/17",
            model_version="17",
            runtime="mlserver",
            profile="cpu-medium",
            env=(("LOG_LEVEL", "info"), ("MLSERVER_PARALLEL_WORKERS", "2")),
            replicas=Fixed(3),
            strategy=RollingUpdate(1, 0),
        ),
        edits=(
            Edit("maintainer", "Fourth replica: one zone may be lost", {"replicas": Fixed(4)}),
            Edit(
                "ines",
                "Version 18 knows the new categories",
                {"model_version": "18", "artifact_uri": "gs://acme-models/query-intent/18"},
            ),
        ),
        changed_behind_our_back=("set", "env", "deployment/query-intent", "LOG_LEVEL=debug"),
    ),
    DeploymentPlan(
        model="query-intent",
        environment="dev",
        by="editor",
        why="Distilled model, a third of the size",
        spec=Spec(
            artifact_uri="gs://acme-models-dev/query-intent/distilled-2",
            model_version="distilled-2",
            runtime="mlserver",
            profile="cpu-small",
            env=(("LOG_LEVEL", "debug"),),
        ),
        edits=(Edit("editor", "int8 weights", {"model_version": "distilled-2-int8"}),),
    ),
    DeploymentPlan(
        model="spell-corrector",
        environment="prod",
        by="maintainer",
        why="First version",
        spec=Spec(
            artifact_uri="gs://acme-models/spell-corrector/8",
            model_version="8",
            runtime="custom",
            resources=Resources(cpu_request=750, memory_request=1536 * MIB, memory_limit=2 * GIB),
            env=(("DICTIONARY", "en-2026-09"), ("MAX_EDITS", "2")),
            replicas=Fixed(2),
        ),
        edits=(
            Edit("ines", "Dictionary of October", env={"DICTIONARY": "en-2026-10"}),
            Edit("maintainer", "Allow three edits for long queries", env={"MAX_EDITS": "3"}),
            Edit("maintainer", "Three edits doubled the latency and fixed 0.1 % of queries", returns_to=2),
        ),
    ),
    DeploymentPlan(
        model="query-autocomplete",
        environment="prod",
        by="ines",
        why="Completions within 30 ms",
        spec=Spec(
            artifact_uri="gs://acme-models/query-autocomplete/2026-11-02",
            model_version="112",
            runtime="custom",
            image_override="ghcr.io/acme-ml/autocomplete-serving:3.2.0",
            profile="cpu-small",
            env=(("PREFIX_CACHE_MB", "256"),),
            replicas=Autoscale(2, 9, 60),
            strategy=RollingUpdate("50%", 0),
        ),
        edits=(
            Edit("maintainer", "Prefix cache hits 71 % at 384 MB", env={"PREFIX_CACHE_MB": "384"}),
            Edit(
                "ines",
                "3.3.0 completes from the first letter: more requests, watch the autoscaler",
                {"image_override": "ghcr.io/acme-ml/autocomplete-serving:3.3.0-busy"},
            ),
        ),
    ),
)

TRUST = (
    DeploymentPlan(
        model="listing-policy",
        environment="prod",
        by="maintainer",
        why="Takes over from the vendor's service",
        spec=Spec(
            artifact_uri="gs://acme-models/listing-policy/2026-10-05",
            model_version="29",
            runtime="mlserver",
            profile="cpu-large",
            env=(("THRESHOLD", "0.82"), ("MLSERVER_PARALLEL_WORKERS", "4")),
            replicas=Autoscale(3, 6, 70),
            budget=Budget(min_available=2),
            contact="#trust-ml, rota trust-oncall",
            runbook="https://wiki.acme.example/trust/listing-policy",
            description="A listing is shown once this says that it may be. When it is down, listings wait.",
        ),
        edits=(
            Edit("maintainer", "Fewer false alarms; agreed with the policy team", env={"THRESHOLD": "0.86"}),
            Edit(
                "maintainer",
                "Version 30 reads listing attributes too",
                {"artifact_uri": "gs://acme-models/listing-policy/2026-11-09", "model_version": "30"},
            ),
        ),
    ),
    DeploymentPlan(
        model="listing-policy",
        environment="staging",
        by="editor",
        why="Shadow of production",
        spec=Spec(
            artifact_uri="gs://acme-models/listing-policy/2026-11-09",
            model_version="30",
            runtime="mlserver",
            profile="cpu-medium",
            env=(("THRESHOLD", "0.86"),),
            replicas=Fixed(2),
        ),
        edits=(Edit("editor", "Try a softer threshold on a week of listings", env={"THRESHOLD": "0.80"}),),
    ),
    DeploymentPlan(
        model="message-abuse",
        environment="prod",
        by="maintainer",
        why="Flags messages before they are delivered",
        spec=Spec(
            artifact_uri="gs://acme-models/message-abuse/v6",
            model_version="6.1",
            runtime="torchserve",
            profile="cpu-medium",
            env=(("TS_DEFAULT_WORKERS_PER_MODEL", "2"), ("MAX_TOKENS", "512")),
            replicas=Fixed(4),
            strategy=RollingUpdate(2, 1),
        ),
        edits=(
            Edit("maintainer", "6.2 covers Spanish and Portuguese", {"model_version": "6.2"}),
            Edit("maintainer", "Half of all messages are shorter than 256 tokens", env={"MAX_TOKENS": "256"}),
        ),
    ),
    DeploymentPlan(
        model="message-abuse",
        environment="dev",
        by="editor",
        why="Larger encoder",
        spec=Spec(
            artifact_uri="gs://acme-models-dev/message-abuse/large-1",
            model_version="large-1",
            runtime="torchserve",
            profile="memory-large",
            env=(("MAX_TOKENS", "512"),),
        ),
        edits=(Edit("editor", "Same data, cosine schedule", {"model_version": "large-2"}),),
    ),
    DeploymentPlan(
        model="message-abuse",
        environment="staging",
        by="editor",
        why="Compare 6.1 with 6.2",
        spec=Spec(
            artifact_uri="gs://acme-models/message-abuse/v6",
            model_version="6.2",
            runtime="torchserve",
            profile="cpu-small",
            env=(("MAX_TOKENS", "256"),),
        ),
        retired="The comparison is done",
    ),
)
