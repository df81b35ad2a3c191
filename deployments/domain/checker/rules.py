"""What may appear in an object that Barista sends: every key path, with [] for list members and * for free keys.

Written by hand from the Kubernetes API reference, not derived from the renderer: a new field must be added in both
places, deliberately.
"""

from typing import Final

KINDS: Final = frozenset(
    {
        ("apps/v1", "Deployment"),
        ("v1", "Service"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("networking.k8s.io/v1", "Ingress"),
        ("policy/v1", "PodDisruptionBudget"),
    }
)

PLAIN_VALUE_LIMIT: Final = 70_000
LABEL_PREFIXES: Final = ("app.kubernetes.io/", "barista.io/")
ANNOTATION_PREFIXES: Final = ("barista.io/",)
# What kube-downscaler reads: schedules that somebody wants said in the cluster too.
DOWNSCALER_ANNOTATIONS: Final = frozenset(
    {
        "downscaler/downtime",
        "downscaler/downtime-replicas",
        "downscaler/downscale-replicas",
        "downscaler/exclude-until",
    }
)
TEMPLATE_ANNOTATIONS: Final = frozenset({"barista.io/restarted-at"})


def _tree(text: str) -> frozenset[str]:
    """Paths from an indented outline; members of lists end in []."""
    paths: set[str] = set()
    stack: list[tuple[int, str]] = []
    for line in filter(str.strip, text.splitlines()):
        indent, words = len(line) - len(line.lstrip()), line.split()
        while stack and stack[-1][0] >= indent:
            stack.pop()
        parent = stack[-1][1] if stack else ""
        for word in words:
            path = f"{parent}.{word}" if parent else word
            paths |= {path, path.removesuffix("[]")}
        stack.append((indent, f"{parent}.{words[-1]}" if parent else words[-1]))
    return frozenset(paths)


_META: Final = """
apiVersion kind metadata
  name namespace resourceVersion labels
    *
  annotations
    *
"""

_PROBE: Final = """
            initialDelaySeconds periodSeconds timeoutSeconds failureThreshold httpGet
              path port scheme
            tcpSocket
              port
            grpc
              port
"""

DEPLOYMENT: Final = _tree(
    _META
    + """
spec
  paused revisionHistoryLimit progressDeadlineSeconds minReadySeconds selector
    matchLabels
      *
  strategy
    type rollingUpdate
      maxSurge maxUnavailable
  template
    metadata
      labels
        *
      annotations
        *
    spec
      automountServiceAccountToken enableServiceLinks serviceAccountName terminationGracePeriodSeconds
      priorityClassName securityContext
        runAsNonRoot runAsUser runAsGroup fsGroup seccompProfile
          type
      imagePullSecrets[]
        name
      nodeSelector
        *
      tolerations[]
        key operator value effect
      topologySpreadConstraints[]
        maxSkew topologyKey whenUnsatisfiable matchLabelKeys[] labelSelector
          matchLabels
            *
      volumes[]
        name emptyDir
          medium sizeLimit
      containers[]
        name image imagePullPolicy terminationMessagePolicy command[] args[] env[]
          name value valueFrom
            secretKeyRef
              name key
            configMapKeyRef
              name key
        lifecycle
          preStop
            sleep
              seconds
        ports[]
          name containerPort protocol
        resources
          requests
            *
          limits
            *
        securityContext
          allowPrivilegeEscalation runAsNonRoot capabilities
            drop[]
        volumeMounts[]
          name mountPath
        startupProbe"""
    + _PROBE
    + "        readinessProbe"
    + _PROBE
    + "        livenessProbe"
    + _PROBE
)

SERVICE: Final = _tree(
    _META
    + """
spec
  type selector
    *
  ports[]
    name port targetPort protocol
"""
)

HPA: Final = _tree(
    _META
    + """
spec
  minReplicas maxReplicas scaleTargetRef
    apiVersion kind name
  metrics[]
    type resource
      name target
        type averageUtilization
  behavior
    scaleUp
      stabilizationWindowSeconds selectPolicy policies[]
        type value periodSeconds
    scaleDown
      stabilizationWindowSeconds selectPolicy policies[]
        type value periodSeconds
"""
)

INGRESS: Final = _tree(
    _META
    + """
spec
  ingressClassName tls[]
    secretName hosts[]
  rules[]
    host http
      paths[]
        path pathType backend
          service
            name port
              name
"""
)

BUDGET: Final = _tree(
    _META
    + """
spec
  minAvailable maxUnavailable unhealthyPodEvictionPolicy selector
    matchLabels
      *
"""
)

PATHS: Final = {
    "Deployment": DEPLOYMENT,
    "Service": SERVICE,
    "HorizontalPodAutoscaler": HPA,
    "Ingress": INGRESS,
    "PodDisruptionBudget": BUDGET,
}
