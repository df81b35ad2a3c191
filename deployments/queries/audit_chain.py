"""The chain of the audit log, recomputed: what was altered, went missing or was cut. Reads every entry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

GENESIS = "0" * 64
CHAIN = """
    SELECT seq, at, concat(actor_name, ' (' || nullif(actor_username, '') || ')') AS actor, kind, object_name,
           prev_hash, row_hash,
           row_hash = public.deployments_audit_hash(event) AS is_intact,
           lag(seq) OVER chain AS seq_before,
           lag(row_hash) OVER chain AS hash_before
    FROM public.deployments_auditevent AS event
    WINDOW chain AS (ORDER BY seq, id)
"""
PROBLEMS = f"""
    SELECT seq, at, actor, kind, object_name, is_intact,
           coalesce(seq_before, 0) AS seq_before,
           prev_hash = coalesce(hash_before, '{GENESIS}') AS is_linked
    FROM ({CHAIN}) AS chained
    WHERE NOT is_intact
       OR seq <> coalesce(seq_before, 0) + 1
       OR prev_hash <> coalesce(hash_before, '{GENESIS}')
    ORDER BY seq
"""  # noqa: S608 - built of constants alone


@dataclass(frozen=True)
class Anchor:
    """The sequence number and hash of one event, as noted somewhere that this database's owner cannot write."""

    seq: int
    row_hash: str

    @classmethod
    def parse(cls, text: str) -> Anchor:
        match = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text.strip())
        if match is None:
            raise ValueError("write it as SEQ:HASH, as verify_audit prints it, like 812:9f0c…")
        return cls(int(match.group(1)), match.group(2))

    def __str__(self) -> str:
        return f"{self.seq}:{self.row_hash}"


@dataclass(frozen=True)
class Checked:
    """The newest event that was seen, and a sentence for each problem."""

    newest: Anchor
    findings: tuple[str, ...]


def verify(anchors: Sequence[Anchor] = ()) -> Checked:
    """Recompute the chain; `anchors` were noted outside of this database. Takes as long as there are entries."""
    # One snapshot: events that are appended meanwhile must not look like a head that is ahead of the log.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        # Whatever the session was told: the log is the one in `public`, read by PostgreSQL's own functions.
        cursor.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        newest = _newest(cursor)
        return Checked(newest, (*_broken(cursor), *_cut(cursor, newest), *_anchored(cursor, anchors)))


def _newest(cursor: Any) -> Anchor:
    cursor.execute("SELECT seq, row_hash FROM public.deployments_auditevent ORDER BY seq DESC, id DESC LIMIT 1")
    return Anchor(*(cursor.fetchone() or (0, GENESIS)))


def _broken(cursor: Any) -> Iterator[str]:
    """Events that were altered, and places where some are missing or do not follow from the one before."""
    cursor.execute(PROBLEMS)
    for seq, at, actor, kind, name, is_intact, seq_before, is_linked in cursor.fetchall():
        if not is_intact:
            told = f"{kind} of {name} by {actor}, {at:%Y-%m-%d %H:%M:%S} UTC"
            yield f"Event {seq} ({told}) was altered after it was written."
        if seq > seq_before + 1:
            missing = f"event {seq_before + 1}" if seq == seq_before + 2 else f"events {seq_before + 1} to {seq - 1}"
            yield f"Between {seq_before} and {seq}, {missing} went missing."
        elif seq <= seq_before:
            yield f"Event {seq} is there twice."
        elif not is_linked:
            yield f"Event {seq} does not follow from event {seq_before}: one of the two was replaced."


def _cut(cursor: Any, newest: Anchor) -> Iterator[str]:
    """The head row knows how many there were."""
    cursor.execute("SELECT seq, row_hash FROM public.deployments_audit_head")
    heads = [Anchor(*row) for row in cursor.fetchall()]
    if len(heads) != 1:
        yield f"The head of the log has {len(heads)} rows instead of one."
    for head in heads:
        if head.seq > newest.seq:
            yield f"The log was cut: its head is at {head.seq}, and the newest event is {newest.seq}."
        elif head != newest:
            yield f"The head of the log is {head}, and the newest event is {newest}."


def _anchored(cursor: Any, anchors: Sequence[Anchor]) -> Iterator[str]:
    """What was noted outside must still be there, unchanged."""
    for anchor in anchors:
        cursor.execute("SELECT row_hash FROM public.deployments_auditevent WHERE seq = %s", [anchor.seq])
        hashes = [row[0] for row in cursor.fetchall()]
        if anchor.seq == 0 and anchor.row_hash == GENESIS:
            continue
        if not hashes:
            yield f"Event {anchor.seq} was noted as an anchor and is gone: the log was cut or rewritten."
        elif hashes != [anchor.row_hash]:
            yield f"Event {anchor.seq} differs from its anchor: the log was rewritten up to there or beyond."
