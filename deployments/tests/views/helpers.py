"""What the tests of the pages that write share."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from deployments.forms.spec import form as spec_forms
from deployments.forms.spec import texts
from deployments.models import Deployment, Proposal
from deployments.models.requests import Answer


def posted(deployment: Deployment, **changes: Any) -> dict[str, Any]:
    """What a browser sends from the untouched edit form, with some fields changed (replicas__max="4")."""
    revision = deployment.current
    assert revision is not None
    spec = revision.to_spec()
    data = spec_forms.data_of(texts.of_spec(spec, revision.to_profile()), spec.env)
    sent: dict[str, Any] = {name: data.getlist(name) for name in data}
    return sent | {"based_on": str(revision.number), "review": "1"} | changes


def send_edit(client: Client, deployment: Deployment, **changes: Any) -> Any:
    return client.post(reverse("deployment-edit", args=[deployment.slug]), posted(deployment, **changes))


def newest() -> Proposal:
    return Proposal.objects.order_by("-created_at")[0]


def decide(client: Client, proposal: Proposal, do: str = "apply", **fields: Any) -> Any:
    url = reverse("deployment-review", args=[proposal.pk])
    return client.post(
        url, {"do": do, "reviewed": proposal.spec_hash, "note": "because", "without_verdict": "1"} | fields
    )


def answer(proposal: Proposal, **verdict: Any) -> None:
    """What a worker stores when the cluster has answered."""
    Proposal.objects.filter(pk=proposal.pk).update(answer=Answer.DONE, verdict=verdict, answered_at=proposal.created_at)


def body(response: Any) -> str:
    text: str = response.content.decode()
    return text
