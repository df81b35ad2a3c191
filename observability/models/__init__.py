"""Data and constraints of log sources and what was counted of them; no I/O, no save() overrides, no signals."""

from observability.models.intent import Baseline, ChangeEvent, SourceRules
from observability.models.objects import ObjectPart, SourceObject
from observability.models.results import (
    DataHealth,
    FeatureNow,
    FeatureVerdict,
    JudgedWindow,
    ReferenceShelf,
    SourceVerdict,
    WindowShelf,
)
from observability.models.source import LogSource, SourceSpec, SourceState, StoreCredential, StoreRoot
from observability.models.tokens import ChangeToken
from observability.models.window import Blob, StoredWindow
from observability.models.work import Backfill, SampleRequest, SourceFinding

__all__ = [
    "Backfill",
    "Baseline",
    "Blob",
    "ChangeEvent",
    "ChangeToken",
    "DataHealth",
    "FeatureNow",
    "FeatureVerdict",
    "JudgedWindow",
    "LogSource",
    "ObjectPart",
    "ReferenceShelf",
    "SampleRequest",
    "SourceFinding",
    "SourceObject",
    "SourceRules",
    "SourceSpec",
    "SourceState",
    "SourceVerdict",
    "StoreCredential",
    "StoreRoot",
    "StoredWindow",
    "WindowShelf",
]
