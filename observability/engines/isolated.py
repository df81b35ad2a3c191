"""Profiling a source of unknown quality: in a child process with limits, the profile comes back as bytes."""

from __future__ import annotations

from observability.domain.profile import Profile
from observability.domain.spec import Spec
from observability.store.files import Source, open_source
from observability.store.sandbox import ChildLimits, run_limited

from .base import Options
from .local import profile_sources


def profile_isolated(source: Source, spec: Spec, options: Options, limits: ChildLimits | None = None) -> Profile:
    """Like the local engine, but a hostile file can only end its own process. Raises SourceError with the reason."""
    chosen = limits or ChildLimits.for_bytes(source.size)
    return Profile.loads(run_limited(_profile_bytes, source.uri, spec.dumps(), options, limits=chosen))


def _profile_bytes(uri: str, spec: bytes, options: Options) -> bytes:
    source = open_source(uri, options.limits)
    return profile_sources([source], Spec.loads(spec), options).dumps()
