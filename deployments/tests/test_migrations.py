"""The release before keeps serving on the migrated database: it writes rows without the columns it does not know."""

from django.db import migrations
from django.db.migrations.loader import MigrationLoader

RELEASED = "0009"  # the newest migration of the release before


def test_new_columns_of_old_tables_need_no_value() -> None:
    loader = MigrationLoader(None)
    missing = [
        f"{name}: {operation.model_name}.{operation.name}"
        for (app, name), migration in loader.disk_migrations.items()
        if app == "deployments" and name[:4] > RELEASED
        for operation in migration.operations
        if isinstance(operation, migrations.AddField)
        and not (operation.field.null or operation.field.has_db_default() or operation.field.many_to_many)
    ]
    assert not missing, "\n".join(missing)
