"""The importer on a database: `python -m benchmarks.importer_site` (see importer.py); standard input says what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

import pyarrow as pa  # noqa: E402  settings first

from baristaweb.lib.clock import now  # noqa: E402
from benchmarks.landing import landed  # noqa: E402
from benchmarks.measure import ROOT, resident  # noqa: E402
from benchmarks.prove_ingest import a_deployment  # noqa: E402
from observability.domain.fold.windows import Keys, Window  # noqa: E402
from observability.domain.specs.kept import kept_spec  # noqa: E402
from observability.domain.specs.spec import Spec  # noqa: E402
from observability.engines.base import Options  # noqa: E402
from observability.engines.local import profile_sources  # noqa: E402
from observability.engines.proposing import propose_from  # noqa: E402
from observability.ingest import claims, compact, discover, work  # noqa: E402
from observability.models import LogSource, SourceObject, SourceState, StoredWindow, StoreRoot  # noqa: E402
from observability.store.files import Limits, open_source  # noqa: E402
from observability.tests.importing import fresh, put  # noqa: E402
from observability.tests.sources import COLUMNS, make_credential, make_root, make_source, make_spec_row  # noqa: E402


def main(job: dict[str, Any]) -> None:
    deployment, importer = a_deployment(), work.Importer()
    large = Path(job["large"])
    paths = [str(path) for path in sorted(large.iterdir())]
    proposed = propose_from([open_source(paths[0])], Limits()).spec
    spec = kept_spec(Spec(tuple(one for one in proposed if one.name not in ("at", "version"))), ())
    row = make_spec_row(spec, columns=COLUMNS)
    source = make_source(deployment, large, spec=row, lateness_s=0, retention_d=5_000)
    # Both are warm: the first file was read once.
    options = Options(keys=Keys(Window.HOUR, "at", "version"))
    profile_sources([open_source(paths[0])], spec, options)
    began = time.perf_counter()
    made = profile_sources([open_source(path) for path in paths], spec, options)
    profile_s = time.perf_counter() - began
    warm_up = make_source(deployment, large, spec=make_spec_row(spec, columns=COLUMNS), location=f"file://{paths[0]}")
    _import(importer, warm_up)
    worker: list[int] = []
    reader: list[int] = []

    def look() -> None:
        worker.append(resident(os.getpid()) - resident(importer.reader.pid or 0))
        reader.append(resident(importer.reader.pid or 0))

    import_s = _import(importer, source, look)
    counted = sum(StoredWindow.objects.filter(source=source).values_list("rows", flat=True))
    if counted != made.rows:
        raise RuntimeError(f"{counted:,} rows were imported, {made.rows:,} profiled")
    began = time.perf_counter()
    compact.close(source, now())
    windows = list(compact.compactable(source, now() + timedelta(minutes=5)).select_related("spec"))
    for window in windows:
        compact.compact(window)
    compact_s = time.perf_counter() - began
    found = {
        "large": {
            "values": made.rows * len(spec), "rows": made.rows, "profile_s": profile_s, "import_s": import_s,
            "compact_s": compact_s, "windows": len(windows), "sizes": [Path(path).stat().st_size for path in paths],
            "worker": worker, "reader": reader,
        },
        "small": {"import_s": _small(importer, Path(job["small"]), job["files"], deployment)},
    }  # fmt: skip
    found["listings"] = {step: _listing(importer, job["names"], deployment, step) for step in ("an hour", "a day")}
    importer.close()
    found["landed"] = landed(deployment, Path(job["landing"]), job["landed"]) if job["landed"] else []
    print(json.dumps(found))


def _import(importer: work.Importer, source: LogSource, look: Callable[[], None] = lambda: None) -> float:
    began = time.perf_counter()
    source = LogSource.objects.select_related("root__credential", "spec", "deployment__namespace__team").get(
        pk=source.pk
    )
    discover.poll(source, importer.reader, at=now())
    while (row := claims.claim_next(at=now(), sources=[source.pk])) is not None:
        importer.handle(row)
        look()
    if left := SourceObject.objects.filter(source=source).exclude(state=SourceObject.State.FOLDED).first():
        raise RuntimeError(f"{left.uri} is {left.state}: {left.reason}")
    return time.perf_counter() - began


def _small(importer: work.Importer, folder: Path, files: int, deployment: Any) -> float:
    folder.mkdir()
    hour = int(now().timestamp()) // 3_600 - 3
    at = pa.array([hour * 3_600_000_000 + place * 1_000 for place in range(1_000)]).cast(pa.timestamp("us"))
    table = pa.table({"at": at, "version": ["1"] * 1_000, "score": [0.5] * 1_000, "country": ["de"] * 1_000})
    for number in range(files):
        put(folder / f"part-{number:04d}.parquet", table)
    return _import(importer, make_source(deployment, folder, lateness_s=0))


def _listing(importer: work.Importer, names: int, deployment: Any, step: str) -> dict[str, float]:
    os.environ |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "one", "AWS_SECRET_ACCESS_KEY": "two"}
    command = [sys.executable, "-m", "observability.tests.s3_server", str(names), step.split()[1]]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        address = f"http://127.0.0.1:{(server.stdout.readline() if server.stdout else '').strip()}"
        StoreRoot.objects.filter(uri="s3://logs/").update(is_active=False)
        root = make_root("s3://logs", credential=make_credential("s3", endpoint=address, file=""))
        source = make_source(
            deployment, "s3://logs", root=root, retention_d=30, lateness_s=7_200,
            location=f"s3://logs/dt={{yyyy}}-{{mm}}-{{dd}}/{'hh={hh}/' if step == 'an hour' else ''}*.parquet",
        )  # fmt: skip
        source = fresh(source)
        importer.close()  # so that the child has this environment
        discover.poll(source, importer.reader, at=now())
        before, began = _requests(address), time.perf_counter()
        discover.poll(source, importer.reader, at=now())
        found = {"poll_requests": _requests(address) - before, "poll_s": time.perf_counter() - began}
        before, began = _requests(address), time.perf_counter()
        discover.sweep(source, importer.reader, at=now())
        found |= {"sweep_requests": _requests(address) - before, "sweep_s": time.perf_counter() - began}
        server.kill()
    if error := SourceState.objects.get(source=source).error:
        raise RuntimeError(error)
    return found


def _requests(address: str) -> int:
    with urllib.request.urlopen(f"{address}/-/requests", timeout=30) as answer:  # noqa: S310 - our own server's
        return int(answer.read())


if __name__ == "__main__":
    main(json.load(sys.stdin))
