"""verify_audit finds what somebody with the owner's rights did to the log."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from deployments.actions import audit_checks
from deployments.audit import Actor
from deployments.models import AuditEvent
from deployments.tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner(events: list[AuditEvent]) -> Iterator[Any]:
    """A cursor of the role that owns the tables, with the guards switched off: what an intruder would do first."""
    at = connections["owner"].settings_dict
    connection = psycopg2.connect(
        host=at["HOST"], port=at["PORT"], user=at["USER"], password=at["PASSWORD"], dbname=at["NAME"]
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE deployments_auditevent DISABLE TRIGGER USER")
        yield cursor
    connection.close()


@pytest.fixture
def events() -> list[AuditEvent]:
    for name in ("one", "two", "three", "four", "five"):
        factories.make_team(name)
    return list(AuditEvent.objects.order_by("seq"))


def verify(*arguments: str) -> tuple[str, list[str]]:
    """The sentence that it ends with, and its findings."""
    out, err = StringIO(), StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=out, stderr=err)
    except CommandError as problem:
        return f"exit code {problem.returncode}: {problem}", err.getvalue().splitlines()
    return out.getvalue(), err.getvalue().splitlines()


def test_an_untouched_log_is_intact_and_gives_its_anchor(events: list[AuditEvent]) -> None:
    sentence, findings = verify()
    assert findings == []
    assert f"{len(events)} events. Anchor: {events[-1].seq}:{events[-1].row_hash}" in sentence
    assert verify("--anchor", f"{events[2].seq}:{events[2].row_hash}")[1] == []


def test_an_empty_log_is_intact() -> None:
    assert "0 events" in verify()[0]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("note", "'nothing'"),
        ("actor_name", "'Somebody else'"),
        ("was_allowed", "false"),
        ("changes", "'[{}]'"),
        ("at", "at - interval '1 day'"),
        ("team_id", "99"),
        ("object_name", "'another'"),
        ("txid", "1"),
    ],
)
def test_an_altered_event_is_found(owner: Any, events: list[AuditEvent], column: str, value: str) -> None:
    owner.execute(f"UPDATE deployments_auditevent SET {column} = {value} WHERE seq = 3")  # noqa: S608 - both are above
    sentence, findings = verify()
    assert len(findings) == 1
    assert findings[0].startswith("Event 3 (team.created of ")
    assert "altered" in findings[0]
    assert sentence.startswith("exit code 1:")


def test_a_removed_event_is_found(owner: Any, events: list[AuditEvent]) -> None:
    owner.execute("DELETE FROM deployments_auditevent WHERE seq = 2")
    assert verify()[1] == ["Between 1 and 3, event 2 went missing."]


def test_a_removed_beginning_is_found(owner: Any, events: list[AuditEvent]) -> None:
    owner.execute("DELETE FROM deployments_auditevent WHERE seq <= 3")
    assert verify()[1] == ["Between 0 and 4, events 1 to 3 went missing."]


def test_a_replaced_event_with_a_fresh_hash_breaks_the_chain(owner: Any, events: list[AuditEvent]) -> None:
    owner.execute("UPDATE deployments_auditevent SET note = 'x' WHERE seq = 3")
    owner.execute("UPDATE deployments_auditevent AS e SET row_hash = deployments_audit_hash(e) WHERE seq = 3")
    assert verify()[1] == ["Event 4 does not follow from event 3: one of the two was replaced."]


def test_a_cut_tail_is_found_by_the_head(owner: Any, events: list[AuditEvent]) -> None:
    owner.execute("DELETE FROM deployments_auditevent WHERE seq > 3")
    assert verify()[1] == [f"The log was cut: its head is at {len(events)}, and the newest event is 3."]


def test_a_cut_tail_with_its_head_moved_is_found_by_an_anchor(owner: Any, events: list[AuditEvent]) -> None:
    owner.execute("DELETE FROM deployments_auditevent WHERE seq > 3")
    owner.execute("UPDATE deployments_audit_head SET seq = 3, row_hash = %s", [events[2].row_hash])
    assert verify()[1] == []  # only somebody outside can know
    assert "is gone" in verify("--anchor", f"{events[-1].seq}:{events[-1].row_hash}")[1][0]


def test_a_rewritten_chain_is_found_by_an_anchor(owner: Any, events: list[AuditEvent]) -> None:
    owner.execute("UPDATE deployments_auditevent SET note = 'x' WHERE seq = 2")
    for seq in range(2, len(events) + 1):
        owner.execute(
            "UPDATE deployments_auditevent AS e SET prev_hash = b.row_hash FROM deployments_auditevent AS b "
            "WHERE e.seq = %s AND b.seq = %s",
            [seq, seq - 1],
        )
        owner.execute(
            "UPDATE deployments_auditevent AS e SET row_hash = deployments_audit_hash(e) WHERE seq = %s", [seq]
        )
    owner.execute("UPDATE deployments_audit_head AS h SET row_hash = e.row_hash FROM deployments_auditevent AS e "
                  "WHERE e.seq = h.seq")  # fmt: skip
    assert verify()[1] == []
    assert "differs from its anchor" in verify("--anchor", f"4:{events[3].row_hash}")[1][0]


def test_an_anchor_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="SEQ:HASH"):
        call_command("verify_audit", "--anchor", "12")


def test_a_worker_keeps_what_it_found(owner: Any, events: list[AuditEvent]) -> None:
    intact = audit_checks.ask(by=Actor.system("relay"))
    audit_checks.answer(intact.pk)
    intact.refresh_from_db()
    newest = AuditEvent.objects.order_by("-seq")[0]
    assert (intact.is_intact, intact.anchor) == (True, f"{newest.seq}:{newest.row_hash}")
    owner.execute("DELETE FROM deployments_auditevent WHERE seq = 2")
    broken = audit_checks.ask(by=Actor.system("relay"))
    audit_checks.answer(broken.pk)
    broken.refresh_from_db()
    assert not broken.is_intact
    assert broken.findings == ["Between 1 and 3, event 2 went missing."]
