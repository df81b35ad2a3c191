"""Log sources for tests, made by the product's own actions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deployments.actions import records
from deployments.models import Deployment
from deployments.tests.factories import BY, number
from observability.actions import sources
from observability.domain.specs.spec import FeatureSpec, Kind, Spec
from observability.models import LogSource, SourceSpec, StoreCredential, StoreRoot

SPEC = Spec(
    (
        FeatureSpec(name="score", kind=Kind.NUMERIC, unit_exponent=-10),
        FeatureSpec(name="country", kind=Kind.CATEGORY, vocabulary=("de", "fr", "nl")),
    )
)
COLUMNS = {
    "time": {"column": "at", "unit": "", "zone": "UTC"},
    "prediction_id": "",
    "model_version": "version",
    "segment": "",
    "predictions": [],
    "scores": ["score"],
    "features": ["country"],
}


def make_root(uri: str, **fields: Any) -> StoreRoot:
    """A root of every team, unless told otherwise."""
    slug = f"root-{number()}"
    return records.save(row=StoreRoot(slug=slug, name=slug, uri=uri.rstrip("/") + "/", **fields), by=BY)


def make_credential(kind: str = "s3", **fields: Any) -> StoreCredential:
    slug = f"key-{number()}"
    return records.save(row=StoreCredential(slug=slug, name=slug, kind=kind, **{"file": slug, **fields}), by=BY)


def make_spec_row(spec: Spec = SPEC, **fields: Any) -> SourceSpec:
    """Unsaved."""
    return SourceSpec(spec=spec.to_json(), **{"columns": COLUMNS, "window": "hour", "zone": "UTC", **fields})


def make_source(
    deployment: Deployment,
    folder: Path | str,
    *,
    root: StoreRoot | None = None,
    spec: SourceSpec | None = None,
    **fields: Any,
) -> LogSource:
    """A source of all Parquet files below the folder."""
    uri = folder if isinstance(folder, str) else f"file://{folder}"
    root = root or StoreRoot.objects.filter(uri=uri.rstrip("/") + "/").first() or make_root(uri)
    given = {"location": f"{uri.rstrip('/')}/*.parquet", "name": f"log-{number()}", **fields}
    row = LogSource(deployment=deployment, root=root, **given)
    return sources.connect(source=row, spec=spec or make_spec_row(), by=BY, note="because the test says so")
