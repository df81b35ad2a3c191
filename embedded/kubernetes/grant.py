"""Hand namespaces of a cluster to Barista: its ServiceAccount may write there, and pods must meet the restricted level.

    python -m embedded.kubernetes.grant --kubeconfig FILE [--context NAME] NAMESPACE...
    python -m embedded.kubernetes.grant --kubeconfig FILE --write-kubeconfig OUT NAMESPACE...

The rights are in manifests/rbac.yaml. On a cluster of yours run it once as an administrator.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from embedded.kubernetes.api import Api, ApiError, read_manifests
from embedded.paths import write_private

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_ACCOUNT = "/api/v1/namespaces/barista-system/serviceaccounts/barista"


def grant(api: Api, namespace: str) -> None:
    """Create or adopt one namespace."""
    if not NAME.fullmatch(namespace):
        raise ValueError(f"{namespace!r} is no name for a namespace: use a-z, 0-9 and -, at most 63 of them.")
    api.apply_all(read_manifests("namespace.yaml", namespace=namespace))


def revoke(api: Api, namespace: str) -> None:
    """Delete a namespace with everything in it. For tests, which delete only what they made."""
    api.call("DELETE", f"/api/v1/namespaces/{namespace}")


def token(api: Api, *, seconds: int) -> str:
    """A token of the product's ServiceAccount."""
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": seconds},
    }
    answer = api.call("POST", f"{_ACCOUNT}/token", request)
    return str(answer["status"]["token"])


def prepare(api: Api, kubeconfig: Path) -> None:
    """Put the product's ServiceAccount and its rights into a cluster, and write a kubeconfig of it (30 days)."""
    api.apply_all(read_manifests("rbac.yaml"))
    secret = token(api, seconds=30 * 24 * 3600)
    write_private(kubeconfig, json.dumps(api.kubeconfig_for(secret), indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description="Hand namespaces of a cluster to Barista.")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--context")
    parser.add_argument("--write-kubeconfig", type=Path, help="write a kubeconfig of the ServiceAccount (30 days) here")
    parser.add_argument("namespaces", nargs="*")
    options = parser.parse_args()
    api = Api(options.kubeconfig, options.context)
    try:
        if options.write_kubeconfig:
            prepare(api, options.write_kubeconfig)
            print(f"wrote {options.write_kubeconfig}")
        else:
            api.apply_all(read_manifests("rbac.yaml"))
        for namespace in options.namespaces:
            grant(api, namespace)
            print(f"Barista may deploy to {namespace}")
    except (ApiError, ValueError) as error:
        raise SystemExit(f"Not granted: {error}") from error


if __name__ == "__main__":
    main()
