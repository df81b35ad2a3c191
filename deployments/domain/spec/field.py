"""One field of a spec, as the form, the diff, the audit and the review know it."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Field:
    path: str
    label: str
    section: str
    kubernetes_name: str
    help: str = ""
    restarts: bool = False
    is_risky: bool = False


MODEL: Final = "Model"
ENVIRONMENT: Final = "Environment variables"
RESOURCES: Final = "Resources"
SCALING: Final = "Scaling"
ROLLOUT: Final = "Rollout"
NETWORK: Final = "Network"

SECTIONS: Final = (MODEL, ENVIRONMENT, RESOURCES, SCALING, ROLLOUT, NETWORK)

CONTAINER: Final = "spec.template.spec.containers[model]"
