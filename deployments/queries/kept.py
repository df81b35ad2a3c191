"""How long each kind of row is kept: what the sweep deletes by, and what the clusters page says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

ROWS = "SELECT relname, greatest(reltuples, 0)::bigint FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r'"


@dataclass(frozen=True)
class Kept:
    """`for_` in words; `setting` is empty where the length follows from something else."""

    what: str
    table: str
    for_: str
    setting: str
    rows: int = 0


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _rules() -> tuple[Kept, ...]:
    limits = settings.BARISTA
    hours = limits.keep_log_answers_h
    return (
        Kept("Audit events", "deployments_auditevent", "for ever", ""),
        Kept("Revisions", "deployments_revision", "for ever", ""),
        Kept(
            "Proposals that made no revision, and verdicts of the others",
            "deployments_proposal",
            _days(limits.keep_proposals_d),
            "BARISTA_KEEP_PROPOSALS_D",
        ),
        Kept("Drafts", "deployments_draft", _days(limits.keep_drafts_d), "BARISTA_KEEP_DRAFTS_D"),
        Kept("Events of clusters", "deployments_clusterevent", _days(limits.keep_events_d), "BARISTA_KEEP_EVENTS_D"),
        Kept("Samples of use", "deployments_usagesample", _days(limits.keep_samples_d), "BARISTA_KEEP_SAMPLES_D"),
        Kept(
            "Log lines that were asked for, checks of connections and lists of clusters",
            "deployments_logrequest",
            "1 hour" if hours == 1 else f"{hours} hours",
            "BARISTA_KEEP_LOG_ANSWERS_H",
        ),
        Kept(
            "Why something slept or not",
            "deployments_sleepdecision",
            _days(limits.keep_sleep_d),
            "BARISTA_KEEP_SLEEP_D",
        ),
        Kept("Sleeps, and entries of the savings ledger", "deployments_sleepentry", "for ever", ""),
        Kept("Sessions", "django_session", "until they end, at most 12 hours", ""),
        Kept("Failed logins", "deployments_loginattempt", "15 minutes", ""),
    )


def kept() -> list[Kept]:
    """Every rule with about how many rows there are, as PostgreSQL estimates without counting."""
    rules = _rules()
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [[rule.table for rule in rules]])
        rows: Mapping[str, int] = dict(cursor.fetchall())
    return [Kept(rule.what, rule.table, rule.for_, rule.setting, rows.get(rule.table, 0)) for rule in rules]
