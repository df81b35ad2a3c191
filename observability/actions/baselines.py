"""What windows are compared with, and by which rules: all windows are judged again after a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from baristaweb.lib.clock import now
from deployments import audit
from deployments.actions.deployments import need_reason
from deployments.actions.errors import Wrong
from deployments.audit import Actor
from observability import dispatch
from observability.domain.profile.encoding import FormatError
from observability.domain.profile.profile import Profile
from observability.domain.results.baselines import How
from observability.domain.results.rules import Rules, RulesError
from observability.domain.specs.spec import canonical_json
from observability.models import Baseline, LogSource, SourceRules, SourceVerdict


@transaction.atomic
def choose(*, row: Baseline, by: Actor, note: str) -> Baseline:
    """A new row; the newest decides. Raises Wrong, Refused."""
    need_reason(row.source.deployment.environment, note)
    LogSource.objects.select_for_update(of=("self",)).get(pk=row.source_id)
    if row.how == How.PROFILE.value:
        _check(row)
    else:
        row.profile = None
    row.pk, row.made_at, row.made_by, row.reason = None, now(), by.label, note[:300]
    row.save(force_insert=True)
    _judge_again(row.source_id)
    facts = {"how": row.how, "since": _text(row.since), "until": _text(row.until), "days": row.days}
    audit.record("baseline.created", row, by=by, note=note, facts=facts | {"version": row.model_version})
    return row


def _check(row: Baseline) -> None:
    try:
        profile = Profile.loads(bytes(row.profile or b""))
    except FormatError as problem:
        raise Wrong({"profile": f"{problem}."}) from problem
    spec = row.source.spec.to_spec() if row.source.spec is not None else None
    fits = [feature for feature in spec or () if _fits(profile, feature.name, feature.digest)]
    if not fits:
        raise Wrong({"profile": "No feature of it was counted by the spec of this source: profile the file with it."})


def _fits(profile: Profile, name: str, digest: bytes) -> bool:
    known = profile.spec.by_name.get(name)
    return known is not None and known.digest == digest


@transaction.atomic
def set_rules(*, source: LogSource, rules: Mapping[str, Any], based_on: int, by: Actor, note: str) -> SourceRules:
    """Raises Wrong (also when somebody else changed them since `based_on`), Refused."""
    need_reason(source.deployment.environment, note)
    try:
        Rules.loads(canonical_json(dict(rules)))
    except RulesError as problem:
        raise Wrong({"rules": f"{problem}."}) from problem
    LogSource.objects.select_for_update(of=("self",)).get(pk=source.pk)
    row = SourceRules.objects.filter(pk=source.pk).first() or SourceRules(source=source, version=0)
    if row.version != based_on:
        raise Wrong({"rules": "Somebody else changed the rules meanwhile: look at them first."})
    before = dict(row.rules)
    if row.version and before == dict(rules):
        return row
    row.rules, row.version, row.changed_at, row.changed_by = dict(rules), row.version + 1, now(), by.label
    row.source = source
    row.save()
    _judge_again(source.pk)
    changes = [
        {"path": f"rules.{key}", "label": key, "before": _plain(before.get(key)), "after": _plain(rules.get(key))}
        for key in sorted({*before, *rules})
        if before.get(key) != rules.get(key)
    ]
    audit.record("sourcerules.changed", row, by=by, note=note, changes=changes)
    return row


def _judge_again(source_id: int) -> None:
    SourceVerdict.objects.filter(pk=source_id).update(seen_at=None, claimed_until=None)
    dispatch.evaluate_soon(source_id)


def _text(moment: Any) -> str:
    return moment.isoformat() if moment is not None else ""


def _plain(value: Any) -> str:
    return "" if value is None else canonical_json(value).decode()
