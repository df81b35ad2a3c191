"""Profiling sources of unknown quality: each in a child process with limits, the profile comes back as bytes.

A file that cannot be read ends only its own child: the others of the run go on, and the note names the refused ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from observability.domain.profile.profile import Profile, merge_profiles
from observability.domain.specs.spec import Spec
from observability.engines.base import Options, named
from observability.engines.local import profile_sources
from observability.engines.proposing import Proposal, gather, propose_one
from observability.store.files import Limits, Source, SourceError, open_source
from observability.store.sandbox import ChildLimits, run_limited


def profile_isolated(source: Source, spec: Spec, options: Options, limits: ChildLimits | None = None) -> Profile:
    """Like the local engine, but a hostile file can only end its own process. Raises SourceError with the reason."""
    chosen = limits or ChildLimits.for_bytes(source.size)
    return Profile.loads(run_limited(_profile_bytes, source.uri, spec.dumps(), options, limits=chosen))


def profile_each(sources: Sequence[Source], spec: Spec, options: Options) -> Profile:
    """The profile of all sources that can be read. Raises SourceError when none can."""
    made, refused = [], []
    for source in sources:
        try:
            made.append(profile_isolated(source, spec, options))
        except SourceError as error:
            refused.append({"source": source.shown, "reason": named(source, error)})
    if not made:
        raise SourceError(refused[0]["reason"] if refused else "no source to read")
    merged = merge_profiles(made)
    if refused:
        merged = Profile(merged.spec, merged.states, merged.window, {**merged.note, "refused": refused})
    return merged


def propose_each(sources: Sequence[Source], limits: Limits) -> Proposal:
    """Like `propose_from`, each source in a child; those that cannot be read are passed over while others can."""
    reasons: list[str] = []

    def one_of(source: Source) -> Proposal | None:
        chosen = ChildLimits.for_bytes(min(source.size, 64 << 20))
        try:
            spec, left_out, rows = run_limited(_proposed, source.uri, limits, limits=chosen)
        except SourceError as error:
            reasons.append(named(source, error))
            return None
        return Proposal(Spec.loads(spec), left_out, rows)

    try:
        return gather(sources, one_of)
    except SourceError:
        if len(reasons) < len(sources):
            raise
        raise SourceError(reasons[0]) from None


def _proposed(uri: str, limits: Limits) -> tuple[bytes, dict[str, str], int]:
    found = propose_one(open_source(uri, limits), limits)
    return found.spec.dumps(), found.left_out, found.rows


def _profile_bytes(uri: str, spec: bytes, options: Options) -> bytes:
    source = open_source(uri, options.limits)
    return profile_sources([source], Spec.loads(spec), options).dumps()
