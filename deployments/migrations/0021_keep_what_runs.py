"""Running deployments keep for 90 days what they use already, so that the new permits block no unrelated edit."""

from datetime import timedelta

from django.db import migrations
from django.utils import timezone

KEPT = timedelta(days=90)
NOTE = "In use when permits came. Permit it for the namespace, or let it end."


def values(spec):
    """Pairs of kind and value that need a permit from now on, written as deployments.domain.permits does."""
    for key, value in (spec.get("node_selector") or {}).items():
        yield "node-label", f"{key}={value}"
    for item in spec.get("tolerations") or ():
        value = "" if item.get("operator") == "Exists" else f"={item.get('value', '')}"
        effect = f":{item['effect']}" if item.get("effect") else ""
        yield "toleration", f"{item['key']}{value}{effect}"
    if spec.get("priority_class"):
        yield "priority-class", spec["priority_class"]
    for item in spec.get("env_refs") or ():
        yield ("secret" if item["kind"] == "secret" else "config-map"), item["source"]
    if spec.get("ingress_tls_secret"):
        yield "tls-secret", spec["ingress_tls_secret"]
    if spec.get("ingress_host"):
        yield "host", f"{spec['ingress_host']}{spec.get('ingress_path') or '/'}"


def keep(apps, schema_editor):
    Deployment, Permit = apps.get_model("deployments", "Deployment"), apps.get_model("deployments", "Permit")
    database = schema_editor.connection.alias
    rows = Deployment.objects.using(database).filter(retired_at=None).exclude(current=None).select_related("current")
    until = timezone.now() + KEPT
    for row in rows.iterator():
        Permit.objects.using(database).bulk_create(
            Permit(kind=kind, value=value[:600], deployment=row, expires_at=until, note=NOTE)
            for kind, value in sorted(set(values(row.current.spec)))
        )


class Migration(migrations.Migration):
    dependencies = [("deployments", "0020_permits")]
    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
