"""Names of our writers in the cluster's managedFields.

Renaming one strands the ownership of every object already applied, so a rename is a migration.
"""

from typing import Final

# Deployment, Service, Ingress and PodDisruptionBudget: everything but the number of replicas.
FIELD_MANAGER_CONFIG: Final = "barista-config"
# The HorizontalPodAutoscaler object.
FIELD_MANAGER_HPA: Final = "barista-hpa"
# The number of replicas, through the /scale subresource only.
FIELD_MANAGER_SCALER: Final = "barista-scaler"

OUR_MANAGERS: Final = frozenset({FIELD_MANAGER_CONFIG, FIELD_MANAGER_HPA, FIELD_MANAGER_SCALER})

# Controllers of the cluster itself: what they write into our objects is not somebody's edit.
SYSTEM_MANAGERS: Final = frozenset(
    {"kube-controller-manager", "kube-scheduler", "kubelet", "kube-apiserver", "cloud-controller-manager", "kwok"}
)
