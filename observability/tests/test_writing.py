"""Files are never harmed: what the commands refuse to write to, and what is left when they cannot write."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.core.management import CommandError

from observability.store.files import Limits, SourceError
from observability.store.profiles import load_profile, read_small
from observability.store.writing import check_targets, write
from observability.tests.logs import table
from observability.tests.logs import write as write_log
from observability.tests.test_commands import run

ROOT = Path(settings.BASE_DIR)
OPTIONS = ("--out", "--write-spec")


@pytest.fixture
def log(tmp_path: Path) -> str:
    (tmp_path / "in").mkdir()
    return write_log(tmp_path / "in" / "log.parquet", table(200))


def hostile(folder: Path) -> dict[str, Path]:
    """Things that are no new or regular files, all of them below a folder of the test."""
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    found = {"fifo": folder / "fifo", "folder": folder / "folder"}
    try:
        os.mknod(folder / "device", 0o600 | 0o020000, os.makedev(1, 3))  # a null device of our own
        found["device"] = folder / "device"
    except PermissionError:  # only root makes devices
        pass
    for kind, path in list(found.items()):
        (folder / f"link-to-{kind}").symlink_to(path)
        found[f"link to a {kind}"] = folder / f"link-to-{kind}"
    (folder / "loop").symlink_to(folder / "loop")
    return found | {"loop": folder / "loop"}


def kinds(folder: Path) -> dict[str, tuple[int, int]]:
    """Kind and inode of everything below the folder."""
    return {str(path): (path.lstat().st_mode, path.lstat().st_ino) for path in folder.rglob("*")}


@pytest.mark.parametrize("option", OPTIONS)
def test_only_new_and_regular_files_are_written(option: str, log: str, tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    for kind, path in hostile(tmp_path / "odd").items():
        before = kinds(tmp_path)
        other = () if option == "--out" else ("--out", str(tmp_path / "fine.profile"))
        with pytest.raises(CommandError, match=r"is a folder|is a device|Too many levels") as error:
            run("profile", log, option, str(path), *other)
        assert "\n" not in str(error.value), kind
        assert kinds(tmp_path) == before, kind


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("how", ["itself", "hard link", "symbolic link", "in a folder", "the spec"])
def test_what_is_read_is_not_written(option: str, how: str, log: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    run("profile", log, "--out", str(tmp_path / "x.profile"), "--write-spec", str(spec))
    target = tmp_path / "target"
    if how == "hard link":
        os.link(log, target)
    elif how == "symbolic link":
        target.symlink_to(log)
    else:
        target = spec if how == "the spec" else Path(log)
    before = Path(log).read_bytes(), spec.read_bytes(), target.stat().st_ino
    other = () if option == "--out" else ("--out", str(tmp_path / "fine.profile"))
    named = str(Path(log).parent) if how == "in a folder" else log
    with pytest.raises(CommandError, match="it is read in this run"):
        run("profile", named, "--spec", str(spec), option, str(target), *other)
    assert (Path(log).read_bytes(), spec.read_bytes(), target.stat().st_ino) == before


def test_two_outputs_need_two_files(log: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "new")
    for first, second in (("new", "new"), ("new", "link"), ("./new", "in/../new")):
        with pytest.raises(CommandError, match="names the same file"):
            run("profile", log, "--out", f"{tmp_path}/{first}", "--write-spec", f"{tmp_path}/{second}")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "--out needs the name of a file"),
        ("\0", "--out needs the name of a file"),
        ("x" * 256, "File name too long"),
        ("x/" * 3_000 + "x", "File name too long"),
        ("absent/x.profile", "there is no folder"),
        ("absent/", "there is no folder"),
        (".", "is a folder"),
        ("in/log.parquet/x", "Not a directory"),
        ("s3://bucket/x.profile", "only files of this machine"),
    ],
)
def test_names_that_cannot_be_written(name: str, message: str, log: str, tmp_path: Path) -> None:
    before = kinds(tmp_path)
    with pytest.raises(CommandError, match=message) as error:
        run("profile", log, "--out", name if not name or "://" in name or name == "\0" else f"{tmp_path}/{name}")
    assert "\n" not in str(error.value)
    assert kinds(tmp_path) == before


@pytest.mark.parametrize("length", [245, 255])
def test_names_as_long_as_the_system_allows_are_written(length: int, log: str, tmp_path: Path) -> None:
    name = "x" * (length - 8) + ".profile"
    run("profile", log, "--out", str(tmp_path / name))
    assert load_profile(str(tmp_path / name), Limits()).rows == 200
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", name]


def limited(arguments: list[str], size: int, **environment: str) -> subprocess.CompletedProcess[str]:
    """manage.py with a limit on the size of files: writing more fails as a full disk does."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )


@pytest.mark.parametrize("old", [None, b"what was there"])
@pytest.mark.parametrize("option", OPTIONS)
def test_a_disk_that_is_full_leaves_what_was_there(option: str, old: bytes | None, log: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    if old is not None:
        target.write_bytes(old)
    other = [] if option == "--out" else ["--out", str(tmp_path / "fine.profile")]
    # Not compiled: the compiler would write its cache first.
    done = limited(["profile", log, option, str(target), *other], 100, NUMBA_DISABLE_JIT="1")
    assert done.returncode == 1
    assert "target: cannot be written: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert (target.read_bytes() if target.exists() else None) == old
    assert not list(tmp_path.glob(".barista-*"))


def test_a_full_disk_for_the_compiler_costs_no_profile(tmp_path: Path) -> None:
    one, kept, target = tmp_path / "one.parquet", tmp_path / "kept", tmp_path / "x.profile"
    pq.write_table(pa.table({"x": [1.5, 2.5, 3.5]}), one)
    done = limited(["profile", str(one), "--out", str(target)], 30_000, NUMBA_CACHE_DIR=str(kept))
    assert done.returncode == 0, done.stderr
    assert load_profile(str(target), Limits()).rows == 3
    assert not [path for path in kept.rglob("*") if path.is_file() and path.stat().st_size > 30_000]


def test_a_full_disk_for_temporary_files_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("a,b\n" + "1.5,2.5\n" * 9_500_000)  # more than is held in memory
    done = limited(["profile", str(tmp_path / "log.csv"), "--out", str(tmp_path / "x.profile")], 4_000)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("CommandError: ")
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


def test_an_unwritable_folder_and_a_protected_file_are_told(tmp_path: Path) -> None:
    """As another user when the suite runs as root, who may write anywhere."""
    shut, open_ = tmp_path / "shut", tmp_path / "open"
    for folder, mode in ((tmp_path, 0o755), (shut, 0o555), (open_, 0o777)):
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)
    for parent in tmp_path.parents[:3]:
        if os.geteuid() == 0 and parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o755)
    (open_ / "protected").touch()
    (open_ / "protected").chmod(0o444)
    script = (
        "import os, sys\nfrom observability.store.writing import check_targets\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "for name in sys.argv[1:]:\n"
        "    try: check_targets([('--out', name)], [])\n"
        "    except ValueError as error: print(error)\n"
    )
    command = [sys.executable, "-c", script, str(shut / "x"), str(open_ / "protected"), str(open_ / "fine")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = done.stdout.splitlines()
    assert len(said) == 2, done.stderr
    assert f"the folder {shut} cannot be written to" in said[0]
    assert "protected: is write-protected" in said[1]


def test_a_new_file_has_the_usual_rights_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    target = tmp_path / "target"
    mask = os.umask(0o027)
    try:
        write(str(target), b"one")
    finally:
        os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o640
    target.chmod(0o604)
    (tmp_path / "link").symlink_to(target)
    write(str(tmp_path / "link"), b"two")
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"two", 0o604)
    assert (tmp_path / "link").is_symlink()


def test_what_a_killed_writer_left_is_removed_and_a_living_one_is_not(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom observability.store import writing\n"
        "with writing._partial(Path(sys.argv[1])) as (descriptor, partial):\n"
        "    print(partial, flush=True)\n    time.sleep(60)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        names = [Path(writer.stdout.readline().strip()) for writer in writers if writer.stdout]
        writers[0].send_signal(signal.SIGKILL)
        writers[0].wait()
        assert all(name.exists() for name in names)
        check_targets([("--out", str(tmp_path / "x"))], [])
        assert [name.exists() for name in names] == [False, True]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            if writer.stdout:
                writer.stdout.close()


def open_paths(pid: int) -> list[str]:
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(link))
        except OSError:
            continue
    return found


def until(condition: Callable[[], object]) -> bool:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("isolate", [[], ["--isolate"]])
def test_a_run_that_is_killed_while_it_stages_leaves_nothing(isolate: list[str], tmp_path: Path) -> None:
    """A real kill -9 in the middle of a text log: no staged rows, no output, no child that goes on."""
    (tmp_path / "tmp").mkdir()
    log, out = tmp_path / "log.csv", tmp_path / "x.profile"
    log.write_text("a,b\n" + "1.5,words\n" * 12_000_000)  # more than is held in memory
    spec = '{"format": 1, "features": [{"name": "a", "kind": "numeric"}, {"name": "b", "kind": "category"}]}'
    (tmp_path / "spec.json").write_text(spec)
    command = ["profile", str(log), "--out", str(out), "--spec", str(tmp_path / "spec.json"), *isolate]
    running = subprocess.Popen(
        [sys.executable, "-W", "ignore", "manage.py", *command],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def readers() -> list[int]:
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if str(log) in open_paths(int(entry.name)):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    try:
        assert until(readers), "the log was never opened"
        time.sleep(0.3)
        assert running.poll() is None
    finally:
        running.kill()
        running.wait()
    assert until(lambda: not readers()), "a child reads on"
    assert list((tmp_path / "tmp").rglob("*stage*")) == []
    assert not out.exists()
    assert not list(tmp_path.glob(".barista-*"))


def test_specs_are_read_from_regular_files_of_a_bounded_size(log: str, tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    out = ("--out", str(tmp_path / "x.profile"))
    for path in hostile(tmp_path / "odd").values():
        with pytest.raises(CommandError, match=r"not a regular file|Too many levels"):
            run("profile", log, "--spec", str(path), *out)
        with pytest.raises(CommandError, match=r"not a regular file|Too many levels"):
            run("compare", log, log, "--spec", str(path))
    (tmp_path / "large.json").touch()
    os.truncate(tmp_path / "large.json", 1 << 40)  # a hole: no disk is used
    with pytest.raises(CommandError, match=r"large.json: 1,099,511,627,776 bytes are more than the limit"):
        run("profile", log, "--spec", str(tmp_path / "large.json"), *out)
    with pytest.raises(CommandError, match="name of the file to read is empty"):
        run("profile", log, "--spec", "", *out)
    (tmp_path / "bad.json").write_text("[]")
    with pytest.raises(CommandError, match=r"bad\.json: a spec is an object"):
        run("profile", log, "--spec", str(tmp_path / "bad.json"), *out)
    with pytest.raises(SourceError, match="2 bytes are more than the limit of 1"):
        read_small(str(tmp_path / "bad.json"), 1)
