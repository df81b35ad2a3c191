"""Changing or deleting what deployments use: who uses it, what their next edit takes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from deployments.actions import records
from deployments.actions.errors import Refused
from deployments.models import (
    Cluster,
    Deployment,
    HardwareProfile,
    HolidayCalendar,
    MetadataPrefix,
    Permit,
    RegistryRule,
    Runtime,
    SleepFreeze,
    SleepGrant,
    SleepHolidays,
    SleepSchedule,
)
from deployments.queries.uses import uses_of
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.test_admin import errors, filled, newest, own_pages, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def platform(client_as: Callable[[str], Client]) -> Client:
    return client_as("platform")


@pytest.fixture
def pair(people: People, places: Places) -> tuple[Deployment, Deployment]:
    dev = factories.make_deployment(author=people.maintainer, namespace=places.dev, name="a-dev")
    prod = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="z-prod")
    return dev, prod


def panel(client: Client, row: Any, page: str = "change") -> str:
    answer = client.get(url(type(row), page, row.pk))
    found = BeautifulSoup(answer.content, "html.parser").select_one(".uses")
    assert found is not None
    return " ".join(found.text.split())


@pytest.mark.parametrize("page", ["change", "delete"])
def test_pages_show_who_uses_it_prod_first(platform: Client, pair: tuple[Deployment, Deployment], page: str) -> None:
    for row in (Runtime.objects.get(), HardwareProfile.objects.get()):
        said = panel(platform, row, page)
        assert "2 deployments use it, 1 of them in prod" in said
        assert said.index("z-prod") < said.index("a-dev")
    for other in (pair[0].namespace, pair[0].namespace.cluster):
        assert "in prod" in panel(platform, other)


@pytest.mark.parametrize("model", [Runtime, HardwareProfile])
def test_what_is_used_is_not_deleted(platform: Client, pair: tuple[Deployment, Deployment], model: type[Any]) -> None:
    row = model.objects.get()
    answer = platform.post(url(model, "delete", row.pk), {"post": "yes", "reason": "old"}, follow=True)
    assert "is not deleted: 2 deployments use it" in answer.content.decode()
    with pytest.raises(Refused, match="switch it off"):
        records.delete(row=row, by=factories.BY)
    assert model.objects.filter(pk=row.pk).exists()


def test_what_nobody_uses_is_deleted_with_a_reason(platform: Client) -> None:
    row = factories.make_runtime()
    address = url(Runtime, "delete", row.pk)
    assert "Say why" in platform.post(address, {"post": "yes", "reason": " "}, follow=True).content.decode()
    assert Runtime.objects.filter(pk=row.pk).exists()
    assert platform.post(address, {"post": "yes", "reason": "replaced"}).status_code == 302
    assert newest().note == "replaced"


def test_a_save_without_a_reason_is_refused(platform: Client) -> None:
    row = factories.make_runtime()
    address = url(Runtime, "change", row.pk)
    assert set(errors(platform.post(address, filled(platform, address, name="Other", reason=" ")))) == {"reason"}


def test_a_changed_runtime_says_what_its_deployments_take_next(
    platform: Client, pair: tuple[Deployment, Deployment]
) -> None:
    row = Runtime.objects.get()
    address = url(Runtime, "change", row.pk)
    before = uses_of(row)
    assert before is not None
    assert not any(use.differs for use in before.rows)
    data = filled(platform, address, image="docker.io/tensorflow/serving:9.9.9", reason="security")
    saved = platform.post(address, data, follow=True)
    assert "Their next revision takes this: z-prod in search-prod, a-dev in search-dev" in saved.content.decode()
    assert "image: taken with its next revision" in panel(platform, row)


def test_a_rule_that_an_image_needs_is_not_deleted(platform: Client, pair: tuple[Deployment, Deployment]) -> None:
    rules = list(RegistryRule.objects.all())
    needed = [rule for rule in rules if (uses := uses_of(rule)) is not None and uses.count]
    assert needed
    with pytest.raises(Refused, match="2 deployments need it"):
        records.delete(row=needed[0], by=factories.BY)
    copy = records.save(row=RegistryRule(prefix=needed[0].prefix, team=pair[0].team), by=factories.BY)
    records.delete(row=copy, by=factories.BY)


def test_a_rule_for_a_whole_registry_warns(platform: Client) -> None:
    address = url(RegistryRule, "add")
    wide = platform.post(address, filled(platform, address, prefix="ghcr.io"), follow=True)
    assert "allows every image of ghcr.io" in wide.content.decode()
    narrow = platform.post(address, filled(platform, address, prefix="ghcr.io/acme"), follow=True)
    assert "allows every image" not in narrow.content.decode()


def test_switching_off_a_cluster_in_use_asks_for_its_name(
    platform: Client, pair: tuple[Deployment, Deployment]
) -> None:
    cluster = pair[0].namespace.cluster
    Cluster.objects.filter(pk=cluster.pk).update(access=Cluster.Access.IN_CLUSTER, kubeconfig="")
    address = url(Cluster, "change", cluster.pk)
    data = filled(platform, address)
    del data["is_active"]
    assert "2 deployments run in it" in errors(platform.post(address, data))["typed_name"]
    assert platform.post(address, {**data, "typed_name": cluster.name}).status_code == 302
    assert not Cluster.objects.get(pk=cluster.pk).is_active


# What nobody runs by: people are switched off, and the log of events is of all.
NOT_USED = {"User", "AuditEvent"}


def of_each(people: People, pair: tuple[Deployment, Deployment]) -> dict[str, Any]:
    """A row of each model of the admin on which the deployments depend, or that speaks of them."""
    dev = pair[0]
    cluster, team = dev.namespace.cluster, dev.team
    factories.make_metadata_prefix("acme.com/")
    labelled = factories.make_spec(labels=(("acme.com/a", "x"),))
    factories.apply(factories.edit(dev, author=people.maintainer, spec=labelled), by=people.maintainer)
    factories.make_sleep_layers(team, cluster)
    factories.make_permits()
    made = {
        "PriceVersion": factories.make_price_list(cluster),
        "PriceTerm": factories.make_price_term(cluster),
        "Budget": factories.make_budget(team=team, currency="USD", soft="10"),
        "Cluster": cluster,
        "Namespace": dev.namespace,
        "Team": team,
        "ServedModel": dev.model,
        "Permit": Permit.objects.all()[0],
        "RegistryRule": next(rule for rule in RegistryRule.objects.all() if (found := uses_of(rule)) and found.count),
    }
    alone = (Runtime, HardwareProfile, MetadataPrefix, HolidayCalendar)
    return made | {
        model.__name__: model.objects.get() for model in (*alone, SleepHolidays, SleepSchedule, SleepGrant, SleepFreeze)
    }


def test_every_page_says_who_it_concerns_and_deletes_nothing_that_is_needed(
    platform: Client, people: People, pair: tuple[Deployment, Deployment]
) -> None:
    rows = of_each(people, pair)
    pages: dict[str, Any] = {model.__name__: page for model, page in own_pages()}
    assert pages.keys() - NOT_USED == rows.keys()
    for name, row in rows.items():
        page = pages[name]
        uses = page.uses(row)
        assert uses is not None, name
        assert uses.count, name
        address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_delete", args=[row.pk])
        view = platform.get(address.replace("/delete/", "/change/"))
        assert uses.words in " ".join(BeautifulSoup(view.content, "html.parser").text.split()), name
        if not page.has_delete_permission(view.wsgi_request):
            continue
        answer = platform.post(address, {"post": "yes", "reason": "old"}, follow=True)
        assert type(row).objects.filter(pk=row.pk).exists(), name
        said = " ".join(BeautifulSoup(answer.content, "html.parser").text.split())
        assert ("is not deleted" in said or "cannot be deleted" in said) is not uses.is_rule, name
        if uses.is_rule:
            assert f"Type \u201c{row}\u201d to delete it all the same." in said, name


def test_a_rule_is_deleted_by_its_name(platform: Client, pair: tuple[Deployment, Deployment]) -> None:
    factories.make_sleep_layers(pair[0].team, pair[0].namespace.cluster)
    row = SleepSchedule.objects.get()
    address = url(SleepSchedule, "delete", row.pk)
    said = " ".join(BeautifulSoup(platform.get(address).content, "html.parser").text.split())
    assert "because 2 deployments are under it, 1 of them in prod" in said
    answer = platform.post(address, {"post": "yes", "reason": "no nights", "typed_name": str(row)})
    assert answer.status_code == 302
    assert not SleepSchedule.objects.filter(pk=row.pk).exists()
    assert newest().note == "no nights"
