"""Which programs are taken from where, and what a build says while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded.kubernetes.build import Builder
from embedded.kubernetes.components import PROGRAMS, Module, Program
from embedded.kubernetes.progress import Progress, State
from embedded.processes import marked
from embedded.supervisor import Stopped

ETCD, APISERVER = PROGRAMS[0], PROGRAMS[1]


def script(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def reports() -> list[Progress]:
    return []


@pytest.fixture
def make_builder(tmp_path: Path, reports: list[Progress]) -> Callable[..., Builder]:
    def make(**environ: str) -> Builder:
        return Builder(reports.append, cache=tmp_path / "cache", environ={"PATH": "/usr/bin:/bin", **environ})

    return make


def test_ready_binaries_of_the_tested_minor_version_are_used(
    tmp_path: Path, make_builder: Callable[..., Builder]
) -> None:
    script(tmp_path / "assets" / "etcd", "echo 'etcd Version: 3.6.1'")
    script(tmp_path / "assets" / "kube-apiserver", "echo 'Kubernetes v1.36.0'")
    found = make_builder(KUBEBUILDER_ASSETS=str(tmp_path / "assets")).ready()
    assert found == {name: tmp_path / "assets" / name for name in ("etcd", "kube-apiserver")}


@pytest.mark.parametrize("said", ["echo 'Kubernetes v1.35.3'", "echo nonsense", "exit 1", "echo v2.36.3"])
def test_ready_binaries_of_another_version_are_ignored(
    tmp_path: Path, make_builder: Callable[..., Builder], said: str
) -> None:
    script(tmp_path / "assets" / "kube-apiserver", said)
    assert make_builder(KUBEBUILDER_ASSETS=str(tmp_path / "assets")).ready() == {}


def test_the_cache_is_used_and_keyed_by_the_pinned_sources(
    tmp_path: Path, make_builder: Callable[..., Builder]
) -> None:
    cached = script(tmp_path / "cache" / "bin" / ETCD.module.key / "etcd", "exit 0")
    script(tmp_path / "cache" / "bin" / "kubernetes-v1.35.0-000000000000" / "kube-apiserver", "exit 0")
    assert make_builder().ready() == {"etcd": cached}


def test_a_key_changes_with_the_sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedded.kubernetes.components.MODULES", tmp_path)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "go.mod").write_text("require example.org/m v1.2.3\n")
    (tmp_path / "m" / "go.sum").write_text("one\n")
    module = Module("m", "example.org/m")
    before = module.key
    (tmp_path / "m" / "go.sum").write_text("two\n")
    assert before.startswith("m-v1.2.3-")
    assert module.key != before


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_every_module_pins_a_version(program: Program) -> None:
    assert program.module.version.startswith("v")
    assert (program.module.path / "go.sum").stat().st_size > 1000


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """A toolchain that waits while `block` exists, then makes empty programs and counts them."""
    block = tmp_path / "block"
    block.touch()
    script(
        tmp_path / "bin" / "go",
        f"""case "$1" in
        env) echo go1.26.6;;
        list) printf 'a\\nb\\nc\\n';;
        build) while [ -e {block} ]; do sleep 0.05; done
            while [ "$1" != -o ]; do shift; done
            echo "$2" >> {tmp_path}/built; echo a; echo '#!/bin/sh' > "$2"; chmod +x "$2";;
        esac""",
    )
    return block


def wait_for(reports: list[Progress], state: State) -> Progress:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for report in list(reports):
            if report.state is state:
                return report
        time.sleep(0.02)
    raise AssertionError(f"No report of {state}: {reports}")


def test_a_build_says_what_it_builds_and_can_be_stopped(
    tmp_path: Path, go: Path, make_builder: Callable[..., Builder], reports: list[Progress]
) -> None:
    builder = make_builder(PATH=f"{tmp_path}/bin:/usr/bin:/bin")
    ended: list[BaseException] = []

    def build() -> None:
        try:
            builder.binaries()
        except Stopped as stopped:
            ended.append(stopped)

    thread = threading.Thread(target=build)
    thread.start()
    report = wait_for(reports, State.BUILDING)
    assert (report.step, report.done, report.of) == ("etcd", 0, len(PROGRAMS))
    builder.stopping.set()
    thread.join(timeout=10)
    assert [type(error) for error in ended] == [Stopped]
    assert marked(str(builder.cache)) == []


def test_two_stacks_build_once(
    tmp_path: Path, go: Path, make_builder: Callable[..., Builder], reports: list[Progress]
) -> None:
    path = f"{tmp_path}/bin:/usr/bin:/bin"
    found: list[dict[str, Path]] = []
    threads = [threading.Thread(target=lambda: found.append(make_builder(PATH=path).binaries())) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_for(reports, State.BUILDING)
    waiting = wait_for(reports, State.WAITING)
    assert "etcd, 1 of 7" in waiting.detail
    go.unlink()
    for thread in threads:
        thread.join(timeout=30)
    assert [sorted(each) for each in found] == [sorted(program.name for program in PROGRAMS)] * 2
    assert len((tmp_path / "built").read_text().splitlines()) == len(PROGRAMS)


def test_a_full_disk_is_said_before_the_build(
    monkeypatch: pytest.MonkeyPatch, make_builder: Callable[..., Builder]
) -> None:
    monkeypatch.setattr("embedded.kubernetes.build.DISK_NEEDED", 1 << 60)
    with pytest.raises(RuntimeError, match="GB are free"):
        make_builder().binaries()
