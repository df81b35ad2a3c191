"""What a source's row says, as the reading child takes it."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

from observability.domain.fold.windows import Keys, Window
from observability.domain.sources.places import Root, refusal
from observability.domain.sources.template import Template, parse
from observability.engines.base import Options
from observability.engines.counting import Order
from observability.engines.masked import Secrecy
from observability.models import LogSource, SourceSpec, StoreRoot
from observability.store.access import Access, StoreError
from observability.store.files import Limits


def access_of(root: StoreRoot, format: str = "") -> Access:
    """How objects below the root are opened. Raises StoreError when it is switched off, or its key is elsewhere."""
    if not root.is_active:
        raise StoreError(f"{root.name} is switched off by the platform team")
    key = root.credential
    if key is None:
        return Access(root=root.uri, format=format)
    return Access(
        root=root.uri, kind=key.kind, key_file=_key_file(key.file), endpoint=key.endpoint, region=key.region,
        format=format,
    )  # fmt: skip


def _key_file(name: str) -> str:
    """Below BARISTA_STORE_KEYS, all links followed: nobody names another file of the worker through the admin."""
    if not name:
        return ""
    folder = settings.BARISTA.store_keys.resolve()
    found = (folder / name).resolve()
    if not found.is_relative_to(folder):
        raise StoreError("the key's file lies outside of BARISTA_STORE_KEYS")
    if not found.is_file():
        raise StoreError("the key's file is not on this worker")
    return str(found)


def access_for(source: LogSource) -> Access:
    """Raises StoreError, also when the roots of today do not admit the source any more."""
    if reason := refusal(template_of(source), source.team.slug, roots()):
        raise StoreError(reason)
    return access_of(source.root, source.format)


def template_of(source: LogSource) -> Template:
    return parse(source.location)


def roots() -> list[Root]:
    rows = StoreRoot.objects.filter(is_active=True).select_related("team")
    return [Root(row.uri, row.name, frozenset({row.team.slug} if row.team else ())) for row in rows]


def order_of(spec: SourceSpec) -> Order:
    """How objects are counted by one spec version."""
    secrecy = Secrecy(id_key(spec.source_id), frozenset(spec.sensitive))
    known = frozenset(name for name in (spec.columns.get("prediction_id"), *spec.columns.get("left_out", ())) if name)
    return Order(spec_id=spec.pk, spec=spec.to_spec().dumps(), keys=keys_of(spec), secrecy=secrecy, known=known)


def keys_of(spec: SourceSpec) -> Keys:
    """The columns that make the window and version of a row."""
    time = spec.columns.get("time", {})
    zone = "" if spec.zone == "UTC" else spec.zone
    version = str(spec.columns.get("model_version", ""))
    return Keys(
        Window(spec.window), str(time.get("column", "")), version, str(time.get("unit", "")), zone, spec.time_zone
    )


def id_key(source_id: int | None) -> str:
    """The secret in front of ids before they are hashed: each source has its own, derived from BARISTA_ID_KEY."""
    secret = settings.BARISTA.id_key or settings.SECRET_KEY
    return hmac.new(secret.encode(), f"ids of source {source_id}".encode(), hashlib.sha256).hexdigest()[:32]


def options_for(source: LogSource) -> Options:
    cap = min(source.max_object_bytes, settings.BARISTA.max_object_bytes)
    return Options(limits=Limits(file_bytes=cap, rows=settings.BARISTA.max_object_rows), threads=0)
