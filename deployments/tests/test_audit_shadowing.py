"""Nothing that a session can make stands between the names in the database's rules and what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from baristaweb.checks import role_problems
from deployments.actions import records
from deployments.models import AuditEvent, Team, User
from deployments.tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

OUR_FUNCTIONS = """
    SELECT proname, prosrc, proconfig FROM pg_catalog.pg_proc
    WHERE pronamespace = 'public'::regnamespace AND proowner = (SELECT relowner FROM pg_class
          WHERE oid = 'public.deployments_auditevent'::regclass)
"""
# Not functions, though a parenthesis may follow.
KEYWORDS = frozenset(
    {"AND", "ARRAY", "AS", "CASE", "COALESCE", "ELSIF", "EXISTS", "FROM", "IF", "IN", "LOOP", "NOT", "OR", "SELECT"}
    | {"THEN", "VALUES", "WHEN", "WHERE"}
)
TYPES = ("text", "jsonb", "int8", "xid", "regclass", "timestamptz", "bool")


@dataclass(frozen=True)
class Named:
    """What the bodies of our functions name."""

    relations: frozenset[str]
    functions: frozenset[str]
    operators: frozenset[str]


def bodies() -> Iterator[tuple[str, str, list[str]]]:
    """Name, body without comments and quoted text, and settings of each function of ours."""
    with connection.cursor() as cursor:
        cursor.execute(OUR_FUNCTIONS)
        for name, source, config in cursor.fetchall():
            yield name, re.sub(r"--[^\n]*|'(?:[^']|'')*'", " ", source), config or []


def named() -> Named:
    sources = [source for _, source, _ in bodies()]
    text = "\n".join(sources)
    return Named(
        relations=frozenset(re.findall(r"public\.(deployments_\w+)", text))
        | {"deployments_auditevent", "deployments_audit_head", "deployments_user", "deployments_team"},
        functions=frozenset(re.findall(r"(?:pg_catalog\.)?(\w+)\(", text)) - KEYWORDS - {"OPERATOR"},
        operators=frozenset(re.findall(r"OPERATOR\(pg_catalog\.([^)]+)\)", text)) | {"=", "-", "->>", "||", "<>"},
    )


def test_every_name_in_the_rules_is_qualified() -> None:
    found = list(bodies())
    assert {name for name, _, _ in found} >= {
        "deployments_audit_hash", "deployments_audit_chain", "deployments_must_audit",
        "deployments_revision_immutable", "deployments_audit_append_only",
    }  # fmt: skip
    for name, source, config in found:
        assert "search_path=pg_catalog, pg_temp" in config, name
        calls = re.findall(r"(?<![\w.])([A-Za-z_]\w*)\s*\(", source)
        assert {call for call in calls if call.upper() not in KEYWORDS | {"OPERATOR"}} == set(), name
        without = re.sub(r"OPERATOR\(pg_catalog\.[^)]+\)|:=|::|%ROWTYPE|ERRCODE =|SET seq =|, row_hash =", " ", source)
        assert re.findall(r"[-+*/<>=~!@#%^&|`?]+", without.replace("*", "", without.count("SELECT *"))) == [], name
        assert set(re.findall(r"(?:FROM|JOIN|UPDATE|INTO)\s+([\w.]+)", without)) <= {
            "head", "public.deployments_audit_head", "public.deployments_auditevent", "public.deployments_closedmonth",
        }, name  # fmt: skip
        assert all(cast.startswith("pg_catalog") for cast in re.findall(r"::\s*(\w+)", source)), name


def sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.fixture
def owner() -> Iterator[Any]:
    """A cursor of the owner's."""
    at = connections["owner"].settings_dict
    made = psycopg2.connect(
        host=at["HOST"], port=at["PORT"], user=at["USER"], password=at["PASSWORD"], dbname=at["NAME"]
    )
    made.autocommit = True
    with made.cursor() as cursor:
        yield cursor
    made.close()


def app_role() -> str:
    return str(connections["default"].settings_dict["USER"])


def _attempt(statement: str, *parameters: Any) -> bool:
    """Whether the database lets the app role do this."""
    try:
        with transaction.atomic():
            sql(statement, *parameters)
    except DatabaseError:
        return False
    return True


def _shadows(schema: str, what: Named) -> dict[str, int]:
    """Make something of the same name in `schema` for everything named; how many of each kind could be made."""
    made = dict.fromkeys(("relations", "types", "functions", "operators"), 0)
    for relation in sorted(what.relations):
        made["relations"] += _attempt(f"CREATE TABLE {schema}.{relation} (LIKE public.{relation})") or _attempt(
            f"CREATE VIEW {schema}.{relation} AS SELECT 1 AS seq"
        )
        _attempt(f"GRANT ALL ON {schema}.{relation} TO PUBLIC")
    for name in TYPES:
        made["types"] += _attempt(f"CREATE DOMAIN {schema}.{name} AS pg_catalog.int4")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, pg_get_function_identity_arguments(oid), format_type(prorettype, NULL) FROM pg_proc "
            "WHERE pronamespace IN ('pg_catalog'::regnamespace, 'public'::regnamespace) AND proname = ANY(%s) "
            "AND prokind = 'f' AND prorettype <> 'trigger'::regtype",
            [list(what.functions)],
        )
        functions = cursor.fetchall()
        cursor.execute(
            "SELECT oprname, format_type(oprleft, NULL), format_type(oprright, NULL), format_type(oprresult, NULL) "
            "FROM pg_operator WHERE oprname = ANY(%s) AND oprleft <> 0 AND oprnamespace = 'pg_catalog'::regnamespace "
            "AND oprright IN ('text'::regtype, 'int8'::regtype, 'jsonb'::regtype, 'name'::regtype, 'int4'::regtype, "
            "'oid'::regtype, 'text[]'::regtype)",
            [list(what.operators)],
        )
        operators = cursor.fetchall()
    for name, arguments, result in functions:
        plain = re.sub(r"VARIADIC \"any\"|\"any\"", "anyarray", arguments)
        body = "true" if result == "boolean" else "NULL"
        made["functions"] += _attempt(
            f'CREATE FUNCTION {schema}."{name}"({plain}) RETURNS {result} LANGUAGE sql AS $$ SELECT {body}::{result} $$'
        )
    for number, (name, left, right, result) in enumerate(operators):
        body = "true" if result == "boolean" else "NULL"
        made["functions"] += _attempt(
            f"CREATE FUNCTION {schema}.op_{number}({left}, {right}) RETURNS {result} LANGUAGE sql "
            f"AS $$ SELECT {body}::{result} $$"
        )
        made["operators"] += _attempt(
            f"CREATE OPERATOR {schema}.{name} (FUNCTION = {schema}.op_{number}, LEFTARG = {left}, RIGHTARG = {right})"
        )
    return made


def schemas() -> list[str]:
    """Every schema the app role can name things in, and the one of temporary objects."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE has_schema_privilege(oid, 'USAGE') ORDER BY nspname")
        return [row[0] for row in cursor.fetchall() if not row[0].startswith(("pg_temp_", "pg_toast_temp"))] + [
            "pg_temp"
        ]


def test_the_app_role_makes_nothing_anywhere() -> None:
    reachable = schemas()
    assert {"public", "pg_catalog", "information_schema", "pg_temp"} <= set(reachable)
    what = named()
    assert what.functions >= {"sha256", "to_jsonb", "encode", "pg_current_xact_id"}
    for schema in reachable:
        assert set(_shadows(schema, what).values()) == {0}, schema
    assert not _attempt("CREATE SCHEMA evil")


@pytest.mark.parametrize("schema", ["pg_temp", "public", "evil"])
def test_shadows_change_nothing_where_they_can_be_made(owner: Any, schema: str) -> None:
    """As after a restore, which does not carry the rights of a database: the rules must hold without them."""
    team = factories.make_team("one")
    owner.execute(f'GRANT TEMPORARY, CREATE ON DATABASE "{connections["owner"].settings_dict["NAME"]}" TO {app_role()}')
    owner.execute(f"GRANT CREATE ON SCHEMA public TO {app_role()}")
    if schema == "evil":
        sql("CREATE SCHEMA evil")
    made = _shadows(schema, named())
    assert made["functions"] > 30
    assert schema == "public" or made["relations"] >= 4
    path = "pg_catalog, public" if schema == "pg_temp" else f"{schema}, pg_temp, pg_catalog, public"
    sql(f"SET search_path = {path}")
    try:
        for forge in FORGERIES.values():
            with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic():
                forge(team)
    finally:
        connection.close()
    assert Team.objects.get(pk=team.pk).contact == ""
    head = AuditEvent.objects.order_by("-seq")[0]
    with connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {path}")
        cursor.execute(
            "INSERT INTO public.deployments_auditevent "
            "(id, seq, txid, prev_hash, row_hash, kind, was_allowed, actor_name, "
            "via, request_id, object_type, object_id, object_name, team_name, environment, cluster_name, note, changes,"
            "facts) VALUES (1, 0, 0, '', '', 'x.y', true, '', 'web', '', 'x', '1', '', '', '', '', '', '[]', '{}') "
            "RETURNING seq, prev_hash"
        )
        assert cursor.fetchone() == (head.seq + 1, head.row_hash)
    connection.close()
    team.contact = "#new"
    records.save(row=team, by=factories.BY)
    call_command("verify_audit")


def _event_of_ones_own(team: Team) -> None:
    """The attack that was found: what is asked for stands in a table of the session's own."""
    sql("UPDATE public.deployments_team SET contact = '#new' WHERE id OPERATOR(pg_catalog.=) %s", team.pk)
    _attempt(
        "INSERT INTO deployments_auditevent (txid, object_type, object_id, was_allowed) "
        "SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8, 'team', %s, true "
        "WHERE 'deployments_auditevent'::pg_catalog.regclass OPERATOR(pg_catalog.<>) "
        "'public.deployments_auditevent'::pg_catalog.regclass",
        str(team.pk),
    )


FORGERIES: dict[str, Callable[[Team], object]] = {
    "an event in a table of one's own": _event_of_ones_own,
    "no event at all": lambda team: sql(
        "UPDATE public.deployments_team SET contact = '#new' WHERE id OPERATOR(pg_catalog.=) %s", team.pk
    ),
    "another revision": lambda team: sql("UPDATE public.deployments_team SET id = -1"),
}


def test_a_check_says_that_the_role_may_create(owner: Any) -> None:
    assert role_problems("default") == []
    owner.execute(f"GRANT CREATE ON SCHEMA public TO {app_role()}")
    assert [problem.id for problem in role_problems("default")] == ["barista.E010"]
    owner.execute(f"REVOKE CREATE ON SCHEMA public FROM {app_role()}")
    owner.execute(f'GRANT TEMPORARY ON DATABASE "{connections["owner"].settings_dict["NAME"]}" TO {app_role()}')
    assert [problem.id for problem in role_problems("default")] == ["barista.E010"]


def test_the_rules_of_the_chain_cannot_be_attached_to_other_tables(owner: Any) -> None:
    """Else an insert into a table of the session's own would move the head of the log."""
    factories.make_team("one")
    name = connections["owner"].settings_dict["NAME"]
    owner.execute(f'GRANT TEMPORARY ON DATABASE "{name}" TO {app_role()}')
    sql("CREATE TEMP TABLE mine (LIKE public.deployments_auditevent)")
    for function in ("deployments_audit_chain", "deployments_must_audit", "deployments_audit_append_only"):
        with pytest.raises(DatabaseError, match="permission denied"):
            sql(f"CREATE TRIGGER own BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION public.{function}()")
    owner.execute("CREATE TABLE public.another (LIKE public.deployments_auditevent)")
    owner.execute(
        "CREATE TRIGGER chain BEFORE INSERT ON public.another FOR EACH ROW "
        "EXECUTE FUNCTION public.deployments_audit_chain()"
    )
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="belongs to the audit log"):
        owner.execute("INSERT INTO public.another (seq) VALUES (1)")
    connection.close()
    call_command("verify_audit")


def test_becoming_auditor_by_a_temporary_table_is_refused(owner: Any) -> None:
    """Step by step as it was done."""
    user = factories.make_user("mallory")
    owner.execute(f'GRANT TEMPORARY ON DATABASE "{connections["owner"].settings_dict["NAME"]}" TO {app_role()}')
    sql("CREATE TEMP TABLE deployments_auditevent (txid bigint, object_type text, object_id text)")
    sql("GRANT SELECT ON deployments_auditevent TO PUBLIC")
    with pytest.raises(IntegrityError, match="has no audit event"), transaction.atomic():  # noqa: PT012 - one commit
        sql("INSERT INTO deployments_auditevent VALUES (pg_current_xact_id()::text::bigint, 'user', %s)", str(user.pk))
        sql("UPDATE public.deployments_user SET is_auditor = true WHERE id = %s", user.pk)
    connection.close()
    assert not User.objects.get(pk=user.pk).is_auditor
