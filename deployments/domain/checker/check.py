"""The last look at what is about to be sent, by different code than what rendered it.

Every path that may appear is listed below; anything else is a violation. It imports nothing of the renderer, so a
mistake there cannot excuse itself here. It works on the bytes that go to the cluster.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deployments.domain.checker import permits as permitted
from deployments.domain.checker.rules import (
    ANNOTATION_PREFIXES,
    DOWNSCALER_ANNOTATIONS,
    KINDS,
    LABEL_PREFIXES,
    PATHS,
    PLAIN_VALUE_LIMIT,
    TEMPLATE_ANNOTATIONS,
)
from deployments.domain.permits import Permits
from deployments.domain.text import images


@dataclass(frozen=True, slots=True)
class Violation:
    path: str
    message: str


_Rule = Callable[[Any], str]
_DNS: Final = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\Z", re.ASCII)
_RESERVED: Final = re.compile(r"(^|\.)(kubernetes|k8s|barista)\.io/")
_INDEX: Final = re.compile(r"\[\d+\]")


def check(
    objects: bytes | Sequence[Mapping[str, Any]],
    *,
    namespace: str,
    install_id: str,
    allowlist: Sequence[str],
    service_accounts: Collection[str] = (),
    label_prefixes: Collection[str] = (),
    permits: Permits | None = None,
    pull_secrets: Collection[str] = (),
    runtime_env: Collection[str] = (),
) -> list[Violation]:
    """All reasons not to send these objects; empty when they may go.

    `objects` is one object or a list as JSON bytes, or already decoded. `service_accounts` are those the runtimes of
    the catalogue name, `pull_secrets` the same of Secrets; `label_prefixes` those the platform team allows besides our
    own; `permits` what it permits in the namespace, None for nothing; `runtime_env` names of variables that the runtime
    sets, which may be of the loader's.
    """
    try:
        decoded = _decode(objects)
    except ValueError as problem:
        return [Violation("", f"Not readable as JSON: {problem}")]
    found: list[Violation] = []
    for index, item in enumerate(decoded):
        start = f"[{index}]" if len(decoded) > 1 else ""
        kind = str(item.get("kind", "")) if isinstance(item, Mapping) else ""
        violations = [
            *_check_one(item, namespace, install_id, allowlist, service_accounts, label_prefixes, runtime_env),
            *_permitted(item, permits or Permits(namespace=namespace), pull_secrets),
        ]
        for violation in violations:
            found.append(Violation(f"{start}{kind}{'.' if violation.path else ''}{violation.path}", violation.message))
    return found


def _decode(objects: bytes | Sequence[Mapping[str, Any]]) -> list[Any]:
    if not isinstance(objects, bytes):
        # Through JSON once, so that what is looked at is what would be sent.
        objects = json.dumps(list(objects), allow_nan=False).encode()
    if len(objects) > 2_000_000:
        raise ValueError("larger than 2 MB")
    try:
        decoded = json.loads(objects, object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except RecursionError as problem:
        raise ValueError("nested too deeply") from problem
    return decoded if isinstance(decoded, list) else [decoded]


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two keys of one name are read differently by different parsers: the first check would be of the wrong one."""
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise ValueError("a key appears twice")
    return keys


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _check_one(
    item: Any,
    namespace: str,
    install_id: str,
    allowlist: Sequence[str],
    service_accounts: Collection[str],
    label_prefixes: Collection[str],
    runtime_env: Collection[str],
) -> Iterator[Violation]:
    if not isinstance(item, Mapping):
        yield Violation("", "Not an object.")
        return
    kind = (item.get("apiVersion"), item.get("kind"))
    if kind not in KINDS:
        yield Violation("kind", f"Objects of kind {str(kind)[:80]} are not ours to write.")
        return
    yield from _identity(item, namespace, install_id)
    yield from _paths(item, PATHS[str(item["kind"])])
    yield from _marks(item, label_prefixes)
    if item["kind"] == "Deployment":
        yield from _deployment(item, allowlist, service_accounts, runtime_env)
    elif item["kind"] == "Service":
        yield from _exactly(item, "spec.type", "ClusterIP")
        yield from _selects_ours(item, "spec.selector")
    elif item["kind"] == "PodDisruptionBudget":
        yield from _selects_ours(item, "spec.selector.matchLabels")
    elif item["kind"] == "HorizontalPodAutoscaler":
        yield from _exactly(item, "spec.scaleTargetRef.kind", "Deployment")
        yield from _exactly(item, "spec.scaleTargetRef.name", _at(item, "metadata.name"))
    elif item["kind"] == "Ingress":
        for index, path in enumerate(_each(item, "spec.rules", "http", "paths")):
            if _at(path, "backend.service.name") != _at(item, "metadata.name"):
                yield Violation(f"spec.rules.paths[{index}].backend", "Must lead to the Service of the same name.")
        for index, rule in enumerate(_each(item, "spec.rules")):
            if not _at(rule, "host"):
                yield Violation(f"spec.rules[{index}].host", "An Ingress without a host would catch every host.")


def _permitted(item: Any, permits: Permits, pull_secrets: Collection[str]) -> Iterator[Violation]:
    kind = item.get("kind") if isinstance(item, Mapping) else None
    if kind == "Deployment":
        pod = _at(item, "spec.template.spec")
        for path, message in permitted.of_pod(pod if isinstance(pod, Mapping) else {}, permits, pull_secrets):
            yield Violation(f"spec.template.spec.{path}", message)
    elif kind == "Ingress":
        spec = _at(item, "spec")
        for path, message in permitted.of_ingress(spec if isinstance(spec, Mapping) else {}, permits):
            yield Violation(f"spec.{path}", message)


def _identity(item: Mapping[str, Any], namespace: str, install_id: str) -> Iterator[Violation]:
    yield from _exactly(item, "metadata.namespace", namespace)
    if not namespace or namespace.startswith("kube-"):
        yield Violation("metadata.namespace", "Not a namespace of a team.")
    annotations = _at(item, "metadata.annotations")
    if not install_id or not isinstance(annotations, Mapping) or annotations.get("barista.io/install") != install_id:
        yield Violation("metadata.annotations", "Does not carry this installation's mark.")
    labels = _at(item, "metadata.labels")
    if not isinstance(labels, Mapping) or labels.get("app.kubernetes.io/managed-by") != "barista":
        yield Violation("metadata.labels", "Does not say that Barista manages it.")
    if not isinstance(labels, Mapping) or not labels.get("barista.io/deployment-id"):
        yield Violation("metadata.labels", "Does not say which deployment it belongs to.")
    name = _at(item, "metadata.name")
    if not isinstance(name, str) or not _DNS.match(name):
        yield Violation("metadata.name", "Not a valid name.")


def _paths(value: Any, known: Collection[str], path: str = "") -> Iterator[Violation]:
    """Every key, at any depth, must be listed; "*" stands for the free keys of a map and must hold text."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            here = f"{path}.{key}" if path else str(key)
            shape = _INDEX.sub("[]", here)
            parent = _INDEX.sub("[]", path)
            if f"{parent}.*" in known:
                if not isinstance(item, str):
                    yield Violation(here[:200], "Must be text.")
            elif shape in known and not set(str(key)) & set(".[]"):
                yield from _paths(item, known, here)
            else:
                yield Violation(here[:200], "This field may not be set.")
    elif isinstance(value, list):
        if f"{_INDEX.sub('[]', path)}[]" not in known:
            yield Violation(path[:200], "May not be a list.")
            return
        for index, item in enumerate(value):
            yield from _paths(item, known, f"{path}[{index}]")
    elif isinstance(value, str) and len(value) > PLAIN_VALUE_LIMIT:
        yield Violation(path[:200], "The text is too long.")


def _marks(item: Mapping[str, Any], label_prefixes: Collection[str]) -> Iterator[Violation]:
    # Kubernetes and its controllers act on their own prefixes: allowing one would be a mistake in the settings.
    extra = tuple(prefix for prefix in label_prefixes if prefix.endswith("/") and not _RESERVED.search(prefix))
    kind = item.get("kind")
    places = (
        ("metadata.labels", LABEL_PREFIXES + extra),
        ("metadata.annotations", ANNOTATION_PREFIXES + extra),
        ("spec.template.metadata.labels", LABEL_PREFIXES + extra),
    )
    for place, prefixes in places:
        for key in _at(item, place) or ():
            if place == "metadata.annotations" and kind == "Deployment" and key in DOWNSCALER_ANNOTATIONS:
                continue
            if not any(key.startswith(prefix) for prefix in prefixes):
                yield Violation(f"{place}[{key[:80]}]", "The prefix of this key is not allowed.")
    for key in _at(item, "spec.template.metadata.annotations") or ():
        if key not in TEMPLATE_ANNOTATIONS and not any(key.startswith(prefix) for prefix in extra):
            yield Violation(
                f"spec.template.metadata.annotations[{key[:80]}]", "This annotation is not allowed on pods."
            )


def _deployment(
    item: Mapping[str, Any],
    allowlist: Sequence[str],
    service_accounts: Collection[str],
    runtime_env: Collection[str],
) -> Iterator[Violation]:
    yield from _selects_ours(item, "spec.selector.matchLabels")
    labels = _at(item, "spec.template.metadata.labels")
    if not isinstance(labels, Mapping) or labels.get("barista.io/deployment-id") != _own_id(item):
        yield Violation("spec.template.metadata.labels", "Its pods do not carry the deployment's id.")
    pod = _at(item, "spec.template.spec")
    if not isinstance(pod, Mapping):
        yield Violation("spec.template.spec", "There is no pod template.")
        return
    base = "spec.template.spec"
    yield from _exactly(pod, "automountServiceAccountToken", False, base)
    yield from _exactly(pod, "securityContext.runAsNonRoot", True, base)
    yield from _exactly(pod, "securityContext.seccompProfile.type", "RuntimeDefault", base)
    for key in ("runAsUser", "runAsGroup", "fsGroup"):
        identity = _at(pod, f"securityContext.{key}")
        if not isinstance(identity, int) or isinstance(identity, bool) or identity < 1:
            yield Violation(f"{base}.securityContext.{key}", "Must be a number above 0: root is not allowed.")
    yield from _placing(pod, _own_id(item), base)
    account = pod.get("serviceAccountName")
    if account is not None and account not in service_accounts:
        yield Violation(f"{base}.serviceAccountName", "Not a ServiceAccount of the catalogue.")
    containers = pod.get("containers")
    if not isinstance(containers, list) or len(containers) != 1:
        yield Violation(f"{base}.containers", "There must be exactly one container.")
        return
    for index, volume in enumerate(pod.get("volumes") or ()):
        if not isinstance(volume, Mapping) or "emptyDir" not in volume:
            yield Violation(f"{base}.volumes[{index}]", "Only emptyDir volumes are allowed.")
    yield from _container(containers[0], allowlist, f"{base}.containers[0]", runtime_env)


def _placing(pod: Mapping[str, Any], own_id: str | None, base: str) -> Iterator[Violation]:
    if str(pod.get("priorityClassName", "")).startswith("system-"):
        yield Violation(f"{base}.priorityClassName", "A class of the cluster itself.")
    for key in pod.get("nodeSelector") or ():
        if "node-role.kubernetes.io" in key:
            yield Violation(f"{base}.nodeSelector", "Nodes of the control plane are not for models.")
    for index, toleration in enumerate(pod.get("tolerations") or ()):
        key = _at(toleration, "key")
        if not isinstance(key, str) or not key or "node-role.kubernetes.io" in key:
            yield Violation(f"{base}.tolerations[{index}]", "Tolerates what it should not: a key is needed.")
    for index, constraint in enumerate(pod.get("topologySpreadConstraints") or ()):
        if _at(constraint, "labelSelector.matchLabels") != {"barista.io/deployment-id": own_id}:
            yield Violation(f"{base}.topologySpreadConstraints[{index}]", "Must count its own pods only.")


def _container(
    container: Any, allowlist: Sequence[str], base: str, runtime_env: Collection[str]
) -> Iterator[Violation]:
    if not isinstance(container, Mapping):
        yield Violation(base, "Not an object.")
        return
    if not images.allowed(str(container.get("image", "")), allowlist):
        yield Violation(f"{base}.image", f"{str(container.get('image', ''))[:200]} is not of an allowed registry.")
    yield from _exactly(container, "securityContext.allowPrivilegeEscalation", False, base)
    yield from _exactly(container, "securityContext.capabilities.drop", ["ALL"], base)
    non_root = _at(container, "securityContext.runAsNonRoot")
    if non_root not in (None, True):
        yield Violation(f"{base}.securityContext.runAsNonRoot", "Must be true.")
    if not _at(container, "resources.limits.memory") or not _at(container, "resources.requests.cpu"):
        yield Violation(f"{base}.resources", "A memory limit and a CPU request are needed.")
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        if _at(mount, "mountPath") not in ("/tmp", "/dev/shm"):  # noqa: S108 - paths inside the container
            yield Violation(f"{base}.volumeMounts[{index}].mountPath", "Only /tmp and /dev/shm may be mounted.")
    seen: set[str] = set()
    for index, entry in enumerate(container.get("env") or ()):
        yield from _variable(entry, seen, f"{base}.env[{index}]", runtime_env)


def _variable(entry: Any, seen: set[str], base: str, runtime_env: Collection[str]) -> Iterator[Violation]:
    name = _at(entry, "name")
    if not isinstance(name, str) or not re.match(r"[A-Za-z_][A-Za-z0-9_]*\Z", name, re.ASCII):
        yield Violation(f"{base}.name", "Not a valid name of a variable.")
        return
    if name in seen:
        yield Violation(f"{base}.name", f"{name} is set twice.")
    seen.add(name)
    is_loaders = name.upper().startswith("LD_") and name not in runtime_env
    if is_loaders or name.upper().startswith("KUBERNETES_") or name.upper() in ("PATH", "BASH_ENV"):
        yield Violation(f"{base}.name", f"{name[:80]} changes how the container runs.")
    has_value, source = isinstance(_at(entry, "value"), str), _at(entry, "valueFrom")
    if has_value == (source is not None):
        yield Violation(base, "Needs either a value or a source.")
    if isinstance(source, Mapping) and len(source) != 1:
        yield Violation(f"{base}.valueFrom", "Needs exactly one source.")


def _selects_ours(item: Mapping[str, Any], path: str) -> Iterator[Violation]:
    own = _own_id(item)
    if not own or _at(item, path) != {"barista.io/deployment-id": own}:
        yield Violation(path, "Must select the pods of this deployment only.")


def _own_id(item: Mapping[str, Any]) -> str | None:
    labels = _at(item, "metadata.labels")
    return labels.get("barista.io/deployment-id") if isinstance(labels, Mapping) else None


def _exactly(item: Any, path: str, wanted: Any, base: str = "") -> Iterator[Violation]:
    value = _at(item, path)
    # Type matters: 0 equals False in Python, and the API server would refuse or misread it.
    if type(value) is not type(wanted) or value != wanted:
        yield Violation(f"{base}.{path}" if base else path, f"Must be {json.dumps(wanted)}.")


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _each(item: Any, path: str, *more: str) -> Iterator[Any]:
    """Members of the list at a path; `more` goes on to a list inside each member."""
    members = _at(item, path)
    for member in members if isinstance(members, list) else ():
        if more:
            yield from _each(member, ".".join(more))
        else:
            yield member
