"""Credential plugins of a kubeconfig (`exec`, such as gke-gcloud-auth-plugin), run by the client library.

The library waits for a plugin for ever and only logs when one fails. Ours is its provider with an end, and the failure
is kept for whoever loads the kubeconfig.
"""

from __future__ import annotations

import json
import os
import subprocess
from contextvars import ContextVar
from typing import Any, Final

import structlog
from kubernetes.config import kube_config
from kubernetes.config.exec_provider import ExecProvider

from deployments.domain.apiserver.kubeconfig import PLUGIN_VARIABLES
from deployments.kube.redact import redact

log = structlog.get_logger(__name__)

PLUGIN_S: Final = 15.0
# All that a plugin sees of our environment: where it lives, the way out, and its cloud's files. No secret of ours.
PASSED: Final = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    | {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"}
    | {"CLOUDSDK_CONFIG", "GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST", "GCE_METADATA_IP"}
    | {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"}
)
_EXTENSION: Final = "client.authentication.k8s.io/exec"
_failure: ContextVar[str] = ContextVar("plugin_failure", default="")


class PluginFailed(Exception):
    """Why a plugin gave no credentials, with its name and what to do."""


class BoundedProvider(ExecProvider):
    """Runs the plugin for at most PLUGIN_S seconds, never interactive."""

    def run(self, previous_response: Any = None) -> dict[str, Any]:
        """The status of its ExecCredential. Raises PluginFailed, and keeps why for `failure`."""
        try:
            return self._run()
        except PluginFailed as problem:
            _failure.set(str(problem))
            raise

    def _run(self) -> dict[str, Any]:
        name, spec = str(self.args[0]), {"interactive": False}
        env = {key: value for key, value in os.environ.items() if key in PASSED}
        env |= {key: value for key, value in self.env.items() if key in PLUGIN_VARIABLES}
        env["KUBERNETES_EXEC_INFO"] = json.dumps(self._info(spec))
        try:
            done = subprocess.run(
                self.args,
                env=env,
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PLUGIN_S,
                check=False,
            )
        except FileNotFoundError:
            raise PluginFailed(f"The credential plugin {name} is not installed where the workers run.") from None
        except subprocess.TimeoutExpired:
            raise PluginFailed(f"The credential plugin {name} did not answer within {PLUGIN_S:.0f} s.") from None
        except OSError as error:
            raise PluginFailed(f"The credential plugin {name} cannot be run: {error.strerror}.") from None
        if done.returncode:
            # For the log only: nobody knows what a plugin prints.
            said = redact(done.stderr.decode("utf-8", "replace").strip()[-400:])
            log.warning("plugin_failed", plugin=name, exit_code=done.returncode, said=said)
            raise PluginFailed(
                f"The credential plugin {name} ended with exit code {done.returncode}. The workers' log has its words."
            )
        return self._status(name, done.stdout)

    def _info(self, spec: dict[str, Any]) -> dict[str, Any]:
        if self.cluster:
            spec["cluster"] = dict(self.cluster.value)
            for extension in self.cluster.value.get("extensions") or ():
                if extension["name"] == _EXTENSION:
                    spec["cluster"]["config"] = extension["extension"]
        return {"apiVersion": self.api_version, "kind": "ExecCredential", "spec": spec}

    def _status(self, name: str, answer: bytes) -> dict[str, Any]:
        wrong = PluginFailed(f"The credential plugin {name} answered no ExecCredential of {self.api_version}.")
        try:
            found = json.loads(answer)
        except ValueError:
            raise wrong from None
        status = found.get("status") if isinstance(found, dict) else None
        if not isinstance(status, dict) or found.get("apiVersion") != self.api_version:
            raise wrong
        if not status.get("token") and not (status.get("clientCertificateData") and status.get("clientKeyData")):
            raise PluginFailed(f"The credential plugin {name} answered neither a token nor a certificate with its key.")
        return status


# The loader asks for the provider by this name; it has no other way in.
setattr(kube_config, "ExecProvider", BoundedProvider)  # noqa: B010 - mypy does not know the name


def begin() -> None:
    """Forget an earlier failure, before a kubeconfig is loaded."""
    _failure.set("")


def failure() -> str:
    """Why the plugin gave nothing since `begin`; empty when it worked or there was none."""
    return _failure.get()
