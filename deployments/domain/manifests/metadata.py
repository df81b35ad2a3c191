"""The labels and annotations by which objects are known to be ours."""

from typing import Final

from deployments.domain.catalogue import Placement
from deployments.domain.spec.spec import Spec
from deployments.domain.text.naming import label_value

LABEL_ID: Final = "barista.io/deployment-id"
LABEL_TEAM: Final = "barista.io/team"
LABEL_ENVIRONMENT: Final = "barista.io/environment"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "barista"
ANNOTATION_REVISION: Final = "barista.io/revision"
ANNOTATION_INSTALL: Final = "barista.io/install"
# The same as a label, by which the objects of another installation are found. Not on pods: there it would be a restart.
LABEL_INSTALL: Final = "barista.io/install"
# The intent that an object was rendered from; a writer that finds a higher one here came too late.
ANNOTATION_GENERATION: Final = "barista.io/generation"
ANNOTATION_RESTARTED_AT: Final = "barista.io/restarted-at"
ANNOTATION_CONTACT: Final = "barista.io/contact"
ANNOTATION_RUNBOOK: Final = "barista.io/runbook"
# Google's name; other clouds have their own, which profiles give as a node selector.
GPU_TYPE_LABEL: Final = "cloud.google.com/gke-accelerator"


def labels(placement: Placement, spec: Spec | None = None) -> dict[str, str]:
    extra = dict(spec.labels) if spec is not None else {}
    return extra | {
        "app.kubernetes.io/name": label_value(placement.model_name) or placement.name,
        "app.kubernetes.io/instance": placement.name,
        LABEL_MANAGED_BY: MANAGED_BY,
        LABEL_ID: str(placement.deployment_id),
        LABEL_TEAM: label_value(placement.team),
        LABEL_ENVIRONMENT: placement.environment.value,
    }
