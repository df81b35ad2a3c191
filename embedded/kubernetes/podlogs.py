"""Log lines of simulated pods: each pod writes its own, in the way its fate suggests, and they keep coming.

    python -m embedded.kubernetes.podlogs FOLDER     (the stack's kubernetes folder; runs until it is stopped)

The simulated kubelets read one file per pod, named by a `Logs` object that belongs to the pod and goes with it.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from embedded.kubernetes.api import Api, ApiError

_PAUSE = 2.0
_MOST_PODS = 300  # more than a person would read; a fleet of thousands must not fill the disk
_LONGEST_FILE = 256 * 1024


@dataclass
class PodLog:
    """The files of one pod's first container."""

    folder: Path
    model: str
    image: str
    restarts: int = -1
    lines: int = 0
    random: random.Random = field(default_factory=random.Random)

    @property
    def current(self) -> Path:
        return self.folder / "current.log"

    @property
    def previous(self) -> Path:
        return self.folder / "previous.log"

    def follow(self, restarts: int, running: bool) -> None:
        """Write what the container said since the last call. A new start begins a new file and keeps the last one."""
        if restarts != self.restarts:
            if self.current.exists() and self.restarts >= 0:
                self.current.replace(self.previous)
            self.restarts, self.lines = restarts, 0
        if running:
            self._write(self._first_lines() if self.lines == 0 else self._next_lines())

    def _write(self, lines: list[str]) -> None:
        if self.current.exists() and self.current.stat().st_size > _LONGEST_FILE:
            kept = self.current.read_text().splitlines(keepends=True)[-500:]
            self.current.write_text("".join(kept))
        with self.current.open("a") as file:
            for line in lines:
                # The container runtimes' own format; kubelets understand no other.
                now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
                stream = "stderr" if line.startswith(("ERROR", "Traceback", "  ", "ValueError")) else "stdout"
                file.write(f"{now} {stream} F {line}\n")
                self.lines += 1

    def _first_lines(self) -> list[str]:
        first = [f"INFO starting model server for {self.model}", "INFO reading the model's files"]
        if "-crash" in self.image:
            return [
                *first,
                "ERROR could not load the model",
                "Traceback (most recent call last):",
                '  File "/srv/server.py", line 88, in load',
                "ValueError: the saved model has no signature named 'serving_default'",
            ]
        if "-slow" in self.image or "-oom" in self.image:
            return first
        return [*first, "INFO model loaded", "INFO listening on 0.0.0.0:8080"]

    def _next_lines(self) -> list[str]:
        if "-crash" in self.image:
            return []
        if "-oom" in self.image:
            return [f"INFO cached {self.lines * 90} MiB of embeddings"]
        if "-slow" in self.image and self.lines < 20:
            return [f"INFO loaded shard {self.lines - 1} of 18"]
        return [line for _ in range(self.random.choice((0, 0, 1, 1, 2))) for line in self._request()]

    def _request(self) -> Iterator[str]:
        latency = self.random.lognormvariate(2.6, 0.5)
        path = f"/v1/models/{self.model}:predict"
        if self.random.random() < 0.01:
            yield f"ERROR POST {path} 400 {latency:.1f} ms: input has the wrong shape"
        else:
            yield f"INFO POST {path} 200 {latency:.1f} ms batch={self.random.randint(1, 32)}"


@dataclass
class Writer:
    """Follows all pods of one cluster."""

    api: Api
    folder: Path
    logs: dict[str, PodLog] = field(default_factory=dict)

    def step(self) -> None:
        pods = self.api.call("GET", "/api/v1/pods?resourceVersion=0")["items"]
        present = {pod["metadata"]["uid"]: pod for pod in pods if pod.get("status", {}).get("containerStatuses")}
        for uid in [uid for uid in self.logs if uid not in present]:
            shutil.rmtree(self.logs.pop(uid).folder, ignore_errors=True)
        for uid, pod in list(present.items())[:_MOST_PODS]:
            if uid not in self.logs:
                self._begin(uid, pod)
            status = pod["status"]["containerStatuses"][0]
            self.logs[uid].follow(status.get("restartCount", 0), "running" in status.get("state", {}))

    def _begin(self, uid: str, pod: dict[str, Any]) -> None:
        meta, container = pod["metadata"], pod["spec"]["containers"][0]
        log = PodLog(self.folder / uid, meta["name"].rsplit("-", 2)[0], container["image"])
        log.folder.mkdir(parents=True, exist_ok=True)
        log.current.touch()
        log.previous.touch()
        self.api.apply(
            {
                "apiVersion": "kwok.x-k8s.io/v1alpha1",
                "kind": "Logs",
                "metadata": {
                    "name": meta["name"],
                    "namespace": meta["namespace"],
                    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": uid}],
                },
                "spec": {
                    "logs": [
                        {
                            "containers": [container["name"]],
                            "logsFile": str(log.current),
                            "previousLogsFile": str(log.previous),
                            "follow": True,
                        }
                    ]
                },
            }
        )
        self.logs[uid] = log


def main() -> None:
    folder = Path(sys.argv[1])
    # What an earlier run wrote belongs to pods that are described anew below.
    shutil.rmtree(folder / "pods", ignore_errors=True)
    writer = Writer(Api(folder / "admin.kubeconfig"), folder / "pods")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            started = time.monotonic()
            try:
                writer.step()
            except ApiError as error:
                print(error, file=sys.stderr, flush=True)
            time.sleep(max(0.2, _PAUSE - (time.monotonic() - started)))


if __name__ == "__main__":
    main()
