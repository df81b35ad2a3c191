"""Data and constraints of log sources and what was counted of them; no I/O, no save() overrides, no signals."""

from observability.models.objects import ObjectPart, SourceObject
from observability.models.source import LogSource, SourceSpec, SourceState, StoreCredential, StoreRoot
from observability.models.window import Blob, StoredWindow
from observability.models.work import Backfill, SampleRequest, SourceFinding

__all__ = [
    "Backfill",
    "Blob",
    "LogSource",
    "ObjectPart",
    "SampleRequest",
    "SourceFinding",
    "SourceObject",
    "SourceSpec",
    "SourceState",
    "StoreCredential",
    "StoreRoot",
    "StoredWindow",
]
