"""Google Cloud Storage through the same code as local files, against a server on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from observability.engines.base import Options
from observability.engines.local import profile_sources
from observability.store.files import SourceError, expand, open_source
from observability.tests.logs import DAY, profile, spec_of, table, write
from observability.tests.stores import started


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The folder that is served as the bucket `logs`, with the environment pointing at its server."""
    folder = tmp_path / "bucket"
    folder.mkdir()
    with started() as serve:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", serve("gcs_server", cwd=folder))
        yield folder


def test_gs_gives_the_same_bytes(bucket: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "log.parquet", table(5_000), 1_000)
    for name in ("day=1/a.parquet", "day=2/b.parquet"):
        (bucket / name).parent.mkdir()
        shutil.copy(path, bucket / name)
    spec = spec_of(path)
    local = profile(path, spec, Options(keys=DAY))
    remote = profile_sources([open_source("gs://logs/day=1/a.parquet")], spec, Options(keys=DAY))
    assert remote.body == local.body
    assert remote.note["sources"][0]["uri"] == "gs://logs/day=1/a.parquet"
    assert [source.uri for source in expand("gs://logs/day=2")] == ["gs://logs/day=2/b.parquet"]
    with pytest.raises(SourceError, match="no such object"):
        open_source("gs://logs/absent.parquet")
