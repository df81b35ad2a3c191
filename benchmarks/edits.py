"""Edit one deployment of a running demo and time each edit: `python -m benchmarks.edits COUNT` (see apply.py)."""

from __future__ import annotations

import json
import sys
import time

import django

django.setup()

from deployments.actions import deployments, proposals, revisions  # noqa: E402  models need the settings first
from deployments.audit import Actor  # noqa: E402
from deployments.domain.spec.spec import Spec  # noqa: E402
from deployments.models import (  # noqa: E402
    Deployment,
    DeploymentState,
    Namespace,
    Proposal,
    Revision,
    Runtime,
    ServedModel,
    User,
)

NAME = "bench-apply"
NAMESPACE = "search-dev"
READING_S = 0.2  # a reviewer reads; the proposal's dry run is not part of what is measured
GIVE_UP_S = 60


def main(edits: int) -> None:
    """Make or restore the deployment, edit it so often, retire it; print [saved, applied] of each in seconds."""
    editor = User.objects.get(username="editor")
    deployment = Deployment.objects.filter(namespace__name=NAMESPACE, name=NAME).select_related("current").first()
    if deployment is not None and deployment.is_retired:
        deployments.restore(deployment=deployment, by=Actor.as_user(editor))
    times = []
    mark = time.time_ns()
    for number in range(edits + 1):
        proposal = _propose(editor, deployment, str(mark + number))
        time.sleep(READING_S)
        began = time.perf_counter()
        revision = revisions.apply(
            proposal=proposal, by=Actor.as_user(editor), note="benchmark", reviewed=proposal.spec_hash
        )
        saved = time.perf_counter() - began
        deployment = _wait(revision, began)
        times.append((saved, time.perf_counter() - began))
    if deployment is not None:
        deployments.retire(deployment=deployment, by=Actor.as_user(editor), note="benchmark is over")
    print(json.dumps(times[1:]))  # the first one creates


def _propose(editor: User, deployment: Deployment | None, version: str) -> Proposal:
    namespace = Namespace.objects.select_related("team").get(name=NAMESPACE)
    model = deployment.model if deployment else ServedModel.objects.filter(team=namespace.team).first()
    runtime = Runtime.objects.filter(is_active=True).order_by("slug").first()
    if model is None or runtime is None:
        sys.exit("The demo is not seeded yet.")
    return proposals.make(
        by=editor,
        kind=Proposal.Kind.EDIT if deployment else Proposal.Kind.CREATE,
        spec=Spec(
            artifact_uri="gs://acme-models/bench", model_version=version, runtime=runtime.slug, profile="cpu-small"
        ),
        deployment=deployment,
        model=model,
        namespace=namespace,
        name=NAME,
        based_on=deployment.current.number if deployment and deployment.current else 0,
    )


def _wait(revision: Revision, began: float) -> Deployment:
    deployment = Deployment.objects.select_related("current", "model").get(pk=revision.deployment_id)
    applied = DeploymentState.objects.filter(deployment=deployment, observed_generation__gte=deployment.generation)
    while not applied.exists():
        time.sleep(0.005)
        if time.perf_counter() - began > GIVE_UP_S:
            sys.exit("An edit was not applied within a minute; is the demo's cluster up?")
    return deployment


if __name__ == "__main__":
    main(int(sys.argv[1]))
