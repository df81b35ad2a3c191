"""What to do about what is missing: sentences, and commands and YAML to copy, for one cluster and identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deployments.domain.gke.place import Place
from deployments.domain.gke.refusals import Problem

# The least that reading a project's clusters and reaching one by DNS take.
PERMISSIONS: Final = ("container.clusters.get", "container.clusters.list", "container.clusters.connect")
ROLE: Final = "baristaClusterAccess"
UNKNOWN: Final = "ACCOUNT@PROJECT.iam.gserviceaccount.com"


@dataclass(frozen=True, slots=True)
class Remedy:
    """`commands` are for a shell, one a line; `yaml` is for kubectl apply -f."""

    words: str
    commands: tuple[str, ...] = ()
    yaml: str = ""


def remedy(problem: Problem, place: Place, *, identity: str, account: str = "") -> Remedy:
    """`identity`: the e-mail that workers are known by, empty when unknown; `account`: whom they impersonate."""
    who = account or identity or UNKNOWN
    match problem:
        case Problem.IDENTITY:
            return Remedy(
                "Workers have no identity that Google accepts. On GKE bind their ServiceAccount to a service account "
                "of Google Cloud; elsewhere name a credentials file in GOOGLE_APPLICATION_CREDENTIALS.",
                workload_identity(place.project, account=account or UNKNOWN),
            )
        case Problem.IMPERSONATION:
            return Remedy(
                f"Workers may not act as {account or UNKNOWN}.",
                (
                    f"gcloud iam service-accounts add-iam-policy-binding {account or UNKNOWN} "
                    f"--member=serviceAccount:{identity or UNKNOWN} --role=roles/iam.serviceAccountTokenCreator",
                ),
            )
        case Problem.API_OFF:
            return Remedy(
                f"The Kubernetes Engine API is not enabled in project {place.project}.",
                (f"gcloud services enable container.googleapis.com --project={place.project}",),
            )
        case Problem.RIGHT:
            return Remedy(f"{who} may not read this project's clusters.", google_rights(place.project, who))
        case Problem.PROJECT:
            return Remedy(
                f"Project {place.project} does not exist, or {who} may not see it. Type its id, not its name.",
                ("gcloud projects list", *google_rights(place.project, who)),
            )
        case Problem.CLUSTER:
            return Remedy(
                f"There is no cluster {place}. It may have been deleted or renamed, or be elsewhere.",
                (f"gcloud container clusters list --project={place.project}",),
            )
        case Problem.ADDRESS:
            return Remedy(
                "Workers cannot reach the control plane by this endpoint. Access by DNS needs no network between them; "
                "by address, the network of the workers must be among the authorized networks.",
                (
                    f"gcloud container clusters update {place.name} {_at(place)} --enable-dns-access",
                    f"gcloud container clusters update {place.name} {_at(place)} --enable-master-authorized-networks "
                    "--master-authorized-networks=CIDR_OF_THE_WORKERS",
                ),
            )
        case Problem.BUSY:
            return Remedy("Google asks for fewer requests: the limit is the project's. It is asked again by itself.")
        case Problem.AWAY:
            return Remedy("Google's API does not answer. It is asked again by itself.")
    return Remedy("The answer is not one of the Container API. Check BARISTA_GKE_ENDPOINT.")


def google_rights(project: str, email: str) -> tuple[str, ...]:
    """Commands that give the least rights on Google's side."""
    return (
        f"gcloud iam roles create {ROLE} --project={project} --permissions={','.join(PERMISSIONS)}",
        f"gcloud projects add-iam-policy-binding {project} --member=serviceAccount:{email} "
        f"--role=projects/{project}/roles/{ROLE} --condition=None",
    )


def workload_identity(
    project: str, *, account: str, namespace: str = "barista", names: Sequence[str] = ("barista",)
) -> tuple[str, ...]:
    """Commands that let ServiceAccounts of Kubernetes act as a service account of Google Cloud."""
    found = []
    for name in names:
        found.append(
            f"gcloud iam service-accounts add-iam-policy-binding {account} --role=roles/iam.workloadIdentityUser "
            f'--member="serviceAccount:{project}.svc.id.goog[{namespace}/{name}]"'
        )
        found.append(
            f"kubectl annotate serviceaccount {name} --namespace={namespace} iam.gke.io/gcp-service-account={account}"
        )
    return tuple(found)


def _at(place: Place) -> str:
    return f"--location={place.location} --project={place.project}"
