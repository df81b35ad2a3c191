"""The rules that are in force for a source."""

from __future__ import annotations

from observability.domain.results.rules import Rules, RulesError
from observability.domain.specs.spec import canonical_json
from observability.models import LogSource, SourceRules


def rules_of(source: LogSource) -> Rules:
    """Those of the source, or the defaults where it has none that this release can use."""
    row = SourceRules.objects.filter(pk=source.pk).first()
    try:
        return Rules.loads(canonical_json(row.rules)) if row is not None else Rules()
    except RulesError:
        return Rules()
