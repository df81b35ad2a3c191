"""Checks of how many pods there are, how they come and go, and how many may be missing."""

from __future__ import annotations

from deployments.domain.catalogue import Environment
from deployments.domain.spec.checks.values import Errors, count_problem, parts_problem, put
from deployments.domain.spec.fields.table import field_for
from deployments.domain.spec.parts import Autoscale, Budget, Fixed, Resources, RollingUpdate, ScalePolicy
from deployments.domain.spec.spec import Spec
from deployments.domain.text.quantities import human_cpu, human_memory


def check(spec: Spec, environment: Environment, most: int, errors: Errors, *, size: Resources | None = None) -> None:
    """`most` are the pods that a deployment may have in the environment, `size` what one asks for, if that is known."""
    too_many = f"Must be at most {most}, the limit for {environment.label.lower()}."
    if isinstance(spec.replicas, Fixed):
        if spec.replicas.count < 1:
            errors["replicas.count"] = "Must be at least 1. To stop the pods, put the deployment to sleep."
        elif spec.replicas.count > most:
            errors["replicas.count"] = too_many
    else:
        _range(spec.replicas, most, too_many, errors)
        if size is not None:
            _reachable(spec.replicas, size, errors)
    _strategy(spec, errors)
    _deadline(spec, errors)
    if spec.budget is not None:
        put(errors, {"budget": _budget(spec.budget)})


def _range(replicas: Autoscale, most: int, too_many: str, errors: Errors) -> None:
    if replicas.min < 1:
        errors["replicas.min"] = "Must be at least 1: autoscaling on CPU cannot reach 0."
    if replicas.max < replicas.min:
        errors["replicas.max"] = f"Must be at least the minimum ({replicas.min})."
    elif replicas.max > most:
        errors["replicas.max"] = too_many
    if replicas.cpu_percent is None and replicas.memory_percent is None:
        errors["replicas.cpu_percent"] = (
            "Fill in a target for CPU or memory: without one nothing scales it. Such as 70."
        )
    for name, policy in (("replicas.scale_up", replicas.scale_up), ("replicas.scale_down", replicas.scale_down)):
        put(errors, {name: _pace(name, policy)})


def _reachable(replicas: Autoscale, size: Resources, errors: Errors) -> None:
    """A target above what the limit lets a pod use never adds one."""
    targets = (
        ("replicas.cpu_percent", replicas.cpu_percent, size.cpu_request, size.cpu_limit, human_cpu),
        ("replicas.memory_percent", replicas.memory_percent, size.memory_request, size.memory_limit, human_memory),
    )
    for path, percent, request, limit, human in targets:
        if percent is not None and limit is not None and request and percent * request > limit * 100:
            errors.setdefault(
                path,
                f"Is never reached: {percent} % of the request of {human(request)} is more than the limit of "
                f"{human(limit)}. At most {limit * 100 // request} %.",
            )


def _pace(path: str, policy: ScalePolicy | None) -> str:
    if policy is None:
        return ""
    problem = parts_problem(field_for(path), policy)
    if not problem and policy.pods is None and policy.percent is None and policy.stabilization_s is None:
        return "Fill in a stabilization window, pods or percent; or leave all empty for Kubernetes' own pace."
    return problem


def _strategy(spec: Spec, errors: Errors) -> None:
    if not isinstance(spec.strategy, RollingUpdate):
        return
    if not errors.keys() & {"strategy.max_surge", "strategy.max_unavailable"} and all(
        value in (0, "0%") for value in (spec.strategy.max_surge, spec.strategy.max_unavailable)
    ):
        errors["strategy.max_surge"] = (
            "Max surge and max unavailable cannot both be 0: no pod could be replaced. Set one of them to 1."
        )


def _deadline(spec: Spec, errors: Errors) -> None:
    if "progress_deadline_s" not in errors and spec.progress_deadline_s <= spec.min_ready_s:
        errors["progress_deadline_s"] = f"Must be more than the time a pod must stay ready ({spec.min_ready_s} s)."


def _budget(budget: Budget) -> str:
    given = [value for value in (budget.min_available, budget.max_unavailable) if value is not None]
    if len(given) != 1:
        return "Fill in either min available or max unavailable, not both, such as 1."
    return count_problem(given[0], "50%")
