"""What a migration of any app says to guard its tables by the audit log."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import migrations

_ATTACH = "SELECT public.deployments_attach_must_audit(%s, %s, %s, %s::pg_catalog.text[])"


def must_audit(
    table: str, *, object_type: str, id_column: str = "id", ignored: Sequence[str] = ()
) -> migrations.RunSQL:
    """Changes of `table` commit only with an audit event of the same transaction for the same object.

    `object_type` is the event's (the model's name in lower case, as `audit.record` writes it); `id_column` holds its
    object_id; a change of `ignored` columns alone is nobody's intent. The migration depends on
    ("deployments", "0010_audit_qualified") and on the table.
    """
    attach = (_ATTACH, [f'public."{table}"', object_type, id_column, list(ignored)])
    return migrations.RunSQL([attach], [f'DROP TRIGGER IF EXISTS must_audit ON public."{table}"'])
