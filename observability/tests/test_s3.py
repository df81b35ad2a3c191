"""S3 through the same code as local files, against moto's server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs as pafs
import pytest
from moto.server import ThreadedMotoServer

from observability.engines.base import Options
from observability.engines.local import profile_sources
from observability.store.files import SourceError, expand, open_source
from observability.tests.logs import DAY, profile, spec_of, table, write


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[pafs.S3FileSystem]:
    """An empty bucket `logs`, with the environment pointing at it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    store = pafs.S3FileSystem(
        endpoint_override=f"{host}:{port}", scheme="http", region="us-east-1", allow_bucket_creation=True
    )
    store.create_dir("logs")
    yield store
    server.stop()


def test_s3_gives_the_same_bytes(bucket: pafs.S3FileSystem, tmp_path: Path) -> None:
    path = write(tmp_path / "log.parquet", table(5_000), 1_000)
    for name in ("day=1/a.parquet", "day=2/b.parquet"):
        with bucket.open_output_stream(f"logs/{name}") as file:
            file.write(Path(path).read_bytes())
    with bucket.open_output_stream("logs/day=2/c.jsonl") as file:
        file.write(b'{"score": 0.5}\n')
    spec = spec_of(path)
    local = profile(path, spec, Options(keys=DAY))
    remote = profile_sources([open_source("s3://logs/day=1/a.parquet")], spec, Options(keys=DAY))
    assert remote.body == local.body
    assert remote.note["sources"][0]["uri"] == "s3://logs/day=1/a.parquet"
    found = expand("s3://logs/day=2")
    assert [source.uri for source in found] == ["s3://logs/day=2/b.parquet", "s3://logs/day=2/c.jsonl"]
    with pytest.raises(SourceError, match="no such object"):
        open_source("s3://logs/absent.parquet")
    with pytest.raises(SourceError, match="unknown option 'anonymous'"):
        open_source("s3://logs/a.parquet?anonymous=1")
