"""The programs of the control plane: which Go module builds each, and how to ask one for its version."""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).resolve().parent / "modules"


@dataclass(frozen=True)
class Module:
    """One go.mod with its go.sum: they pin every source that goes into its programs."""

    folder: str
    main: str  # the required module whose version is the version of the programs
    ldflags: str = "-s -w"

    @property
    def path(self) -> Path:
        return MODULES / self.folder

    @property
    def version(self) -> str:
        pinned = re.search(rf"^[ \t]*(?:require )?{re.escape(self.main)} (v\S+)", self._text("go.mod"), re.MULTILINE)
        if pinned is None:
            raise RuntimeError(f"{self.path / 'go.mod'} does not require {self.main}.")
        return pinned.group(1)

    @property
    def key(self) -> str:
        """Changes when any source or flag changes, so that a cache never answers with an older program."""
        text = "\n".join((self._text("go.mod"), self._text("go.sum"), self.linker_flags()))
        return f"{self.folder}-{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def linker_flags(self) -> str:
        major, minor, *_ = self.version.removeprefix("v").split(".")
        return self.ldflags.format(version=self.version, major=major, minor=minor)

    def _text(self, name: str) -> str:
        return (self.path / name).read_text()


_KUBERNETES = Module(
    "kubernetes",
    "k8s.io/kubernetes",
    "-s -w -X k8s.io/component-base/version.gitVersion={version}"
    " -X k8s.io/component-base/version.gitMajor={major} -X k8s.io/component-base/version.gitMinor={minor}",
)
_KWOK = Module("kwok", "sigs.k8s.io/kwok", "-s -w -X sigs.k8s.io/kwok/pkg/consts.Version={version}")


@dataclass(frozen=True)
class Program:
    name: str
    module: Module
    package: str
    version_command: tuple[str, ...] = ("--version",)

    def matches(self, binary: Path) -> bool:
        """Whether a ready binary has the minor version that the product is tested with."""
        try:
            said = subprocess.run(
                [binary, *self.version_command], capture_output=True, text=True, timeout=20, check=False
            ).stdout
        except (OSError, subprocess.TimeoutExpired):
            return False
        found = re.search(r"(?<!\d)(\d+\.\d+)\.\d+", said)
        return found is not None and found.group(1) == self.module.version.removeprefix("v").rsplit(".", 1)[0]


# In the order of their building: the quickest first, so that progress shows early.
PROGRAMS = (
    Program("etcd", Module("etcd", "go.etcd.io/etcd/server/v3"), "go.etcd.io/etcd/server/v3"),
    Program("kube-apiserver", _KUBERNETES, "k8s.io/kubernetes/cmd/kube-apiserver"),
    Program("kube-controller-manager", _KUBERNETES, "k8s.io/kubernetes/cmd/kube-controller-manager"),
    Program("kube-scheduler", _KUBERNETES, "k8s.io/kubernetes/cmd/kube-scheduler"),
    Program("kubectl", _KUBERNETES, "k8s.io/kubernetes/cmd/kubectl", ("version", "--client")),
    Program("kwok", _KWOK, "sigs.k8s.io/kwok/cmd/kwok"),
    Program(
        "metrics-server",
        Module("metrics-server", "sigs.k8s.io/metrics-server"),
        "sigs.k8s.io/metrics-server/cmd/metrics-server",
    ),
)
