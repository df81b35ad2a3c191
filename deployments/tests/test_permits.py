"""Permits from the rows to the refusal: per namespace, kept for a while, then no longer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import deployments as actions
from deployments.actions import permits
from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.domain.spec.parts import EnvRef
from deployments.models import AuditEvent, Deployment, Namespace, Permit
from deployments.reconcile import job
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
SECRET = {"env_refs": (EnvRef("TOKEN", "secret", "store", "token"),)}
HOST = "ranker.models.example.com"


def refused(people: People, namespace: Namespace, **fields: Any) -> dict[str, str]:
    with pytest.raises(Wrong) as caught:
        factories.make_proposal(author=people.maintainer, namespace=namespace, spec=factories.make_spec(**fields))
    return caught.value.errors


@pytest.fixture
def keeper(people: People, places: Places) -> Deployment:
    """A deployment that reads a Secret, by a permit that is gone."""
    factories.make_permits(("secret", "store"))
    spec = factories.make_spec(**SECRET)
    deployment = factories.make_deployment(author=people.maintainer, namespace=places.dev, spec=spec)
    permits.delete(row=Permit.objects.get(deployment=None), by=factories.BY, note="not needed")
    return deployment


def edit(keeper: Deployment, people: People, **fields: Any) -> None:
    spec = factories.make_spec(**{**SECRET, "model_version": "2", **fields})
    factories.apply(factories.edit(keeper, author=people.maintainer, spec=spec), by=people.maintainer)


def test_a_permit_is_of_its_namespace(people: People, places: Places) -> None:
    factories.make_permits(("secret", "store"), namespace=places.dev)
    spec = factories.make_spec(**SECRET)
    factories.make_proposal(author=people.maintainer, namespace=places.dev, spec=spec)
    assert "Ask the platform team" in refused(people, places.staging, **SECRET)["env_refs.TOKEN"]


def test_the_host_of_another_team_is_refused(people: People, places: Places) -> None:
    factories.make_permits(("host", "models.example.com"))
    others = factories.make_namespace(
        team=factories.make_team("shopping"), cluster=places.dev.cluster, environment="prod"
    )
    author = factories.make_user(is_platform_admin=True)
    factories.make_deployment(author=author, namespace=others, spec=factories.make_spec(ingress_host=HOST))
    for path in ("/", "/v1/models"):
        told = refused(people, places.dev, ingress_host=HOST, ingress_path=path)["ingress_host"]
        assert "belong to the team Shopping" in told


def test_two_deployments_at_one_host_and_path_are_refused(people: People, places: Places) -> None:
    factories.make_permits(("host", "models.example.com"))
    spec = factories.make_spec(ingress_host=HOST, ingress_path="/v1")
    first = factories.make_deployment(author=people.maintainer, namespace=places.dev, spec=spec)
    told = refused(people, places.dev, ingress_host=HOST, ingress_path="/v1")["ingress_host"]
    assert f"{first.name} in {places.dev.name} answers at" in told
    elsewhere = factories.make_spec(ingress_host=HOST, ingress_path="/v2")
    assert factories.make_proposal(author=people.maintainer, namespace=places.dev, spec=elsewhere)


def test_whoever_saves_second_is_refused_though_both_were_proposed(people: People, places: Places) -> None:
    factories.make_permits(("host", "models.example.com"))
    spec = factories.make_spec(ingress_host=HOST)
    both = [factories.make_proposal(author=people.maintainer, namespace=places.dev, spec=spec) for _ in range(2)]
    factories.apply(both[0], by=people.maintainer)
    with pytest.raises(Wrong):
        factories.apply(both[1], by=people.maintainer)


def test_a_retired_deployment_does_not_come_back_to_a_host_that_is_taken(people: People, places: Places) -> None:
    factories.make_permits(("host", "models.example.com"))
    spec, by = factories.make_spec(ingress_host=HOST), Actor.as_user(people.maintainer)
    first = factories.make_deployment(author=people.maintainer, namespace=places.dev, spec=spec)
    actions.retire(deployment=first, by=by, note="gone")
    factories.make_deployment(author=people.maintainer, namespace=places.dev, spec=spec)
    with pytest.raises(Refused, match="already"):
        actions.restore(deployment=first, by=by, note="back")


def test_what_runs_keeps_what_a_deleted_permit_covered(people: People, places: Places, keeper: Deployment) -> None:
    kept = Permit.objects.get(deployment=keeper)
    assert (kept.kind, kept.value) == ("secret", "store")
    assert kept.expires_at is not None
    assert kept.expires_at > now() + timedelta(days=80)
    assert AuditEvent.objects.filter(kind="permit.created", object_id=str(kept.pk)).exists()
    edit(keeper, people)
    assert "env_refs.TOKEN" in refused(people, places.dev, **SECRET)


def test_once_it_ended_the_next_edit_has_to_change_it(people: People, keeper: Deployment) -> None:
    ended = Permit.objects.get(deployment=keeper)
    ended.expires_at = now()
    factories.records.save(row=ended, by=factories.BY)
    with pytest.raises(Wrong):
        edit(keeper, people)
    edit(keeper, people, env_refs=())


def test_what_was_saved_in_time_goes_on_running(people: People, keeper: Deployment) -> None:
    ended = Permit.objects.get(deployment=keeper)
    ended.expires_at = now()
    factories.records.save(row=ended, by=factories.BY)
    work = job.load(keeper.pk)
    assert work is not None
    assert work.sealed(work.rendered().deployment)


def test_what_runs_already_is_kept_by_the_migration(people: People, places: Places, keeper: Deployment) -> None:
    for row in Permit.objects.all():
        factories.records.delete(row=row, by=factories.BY)
    migration = import_module("deployments.migrations.0021_keep_what_runs")
    with transaction.atomic():
        try:
            migration.keep(apps, SimpleNamespace(connection=connection))
            found = list(Permit.objects.values_list("kind", "value", "deployment_id"))
        finally:
            transaction.set_rollback(True)  # as the owner it would need no event; as the app role it does
    assert found == [("secret", "store", keeper.pk)]


def test_the_migration_reads_what_the_product_restricts() -> None:
    from_product = import_module("deployments.domain.spec.checks.permits").restricted_values
    full = import_module("deployments.tests.domain.spec.test_schema").FULL
    from_migration = set(import_module("deployments.migrations.0021_keep_what_runs").values(full.to_json()))
    assert from_migration == {(kind.value, value) for kind, value in from_product(full)}


@pytest.mark.django_db(transaction=True)
def test_no_permit_without_an_audit_event(places: Places) -> None:
    with pytest.raises(DatabaseError, match="has no audit event"), transaction.atomic():
        Permit.objects.create(kind="secret", value="store")


def test_the_admin_permits_lists_and_deletes(client_as: ClientAs, people: People, places: Places) -> None:
    platform = client_as("platform")
    add = reverse("admin:deployments_permit_add")
    data = {"kind": "toleration", "value": "CriticalAddonsOnly", "namespace": places.dev.pk, "reason": "asked"}
    answer = platform.post(add, data)
    assert "system or broken nodes" in answer.content.decode()
    assert platform.post(add, data | {"value": "spot:NoSchedule"}).status_code == 302
    made = Permit.objects.get()
    assert (made.value, made.namespace) == ("spot:NoSchedule", places.dev)
    assert "spot:NoSchedule" in platform.get(reverse("admin:deployments_permit_changelist")).content.decode()
    page = platform.get(reverse("admin:deployments_permit_change", args=[made.pk])).content.decode()
    assert 'name="value"' not in page
    gone = platform.post(
        reverse("admin:deployments_permit_delete", args=[made.pk]), {"post": "yes", "reason": "no longer"}
    )
    assert gone.status_code == 302
    assert not Permit.objects.exists()


def test_what_a_deployment_keeps_is_listed_with_its_end(client_as: ClientAs, keeper: Deployment) -> None:
    page = client_as("platform").get(reverse("admin:deployments_permit_changelist") + "?deployment__isempty=0")
    text = page.content.decode()
    assert keeper.slug in text
    assert "store" in text


def test_the_platform_is_told_on_the_clusters_page_and_nobody_else(client_as: ClientAs, keeper: Deployment) -> None:
    page = client_as("platform").get(reverse("clusters")).content.decode()
    assert "1 value that a running deployment uses is not permitted" in " ".join(page.split())
    assert "not permitted" not in client_as("maintainer").get(reverse("clusters")).content.decode()
