"""What the database itself enforces: the audit chain, `must_audit`, and the rights of the app role."""

from pathlib import Path

from django.conf import settings
from django.db import migrations

SQL = Path(__file__).parent / "sql"


def run(name):
    def forwards(apps, schema_editor):
        app_role = settings.DATABASES["default"]["USER"]
        text = (SQL / name).read_text().replace(":app_role", schema_editor.quote_name(app_role))
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(text)

    return migrations.RunPython(forwards, migrations.RunPython.noop)


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0001_initial"),
        ("sessions", "0001_initial"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]
    operations = [run("audit_chain.sql"), run("must_audit.sql"), run("rights.sql"), run("installation.sql")]
