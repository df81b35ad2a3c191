"""The admin writes through audited actions only, and says what is wrong field by field."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from deployments.actions import records
from deployments.actions.errors import Refused
from deployments.admin.base import AuditedAdmin
from deployments.admin.site import PAGES, BaristaAdminSite
from deployments.domain import catalogue
from deployments.models import (
    AuditEvent,
    Cluster,
    HardwareProfile,
    Membership,
    MetadataPrefix,
    Namespace,
    RegistryRule,
    Runtime,
    Team,
    User,
)
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db


@pytest.fixture
def platform(client_as: Callable[[str], Client]) -> Client:
    return client_as("platform")


def url(model: type[Any], page: str, *args: object) -> str:
    return reverse(f"admin:deployments_{model._meta.model_name}_{page}", args=args)


def newest() -> AuditEvent:
    return AuditEvent.objects.order_by("-seq")[0]


def filled(client: Client, address: str, **changes: object) -> dict[str, object]:
    """The fields of a page's form as a browser would post them, with `changes`."""
    answer = client.get(address)
    assert answer.status_code == 200
    form = BeautifulSoup(answer.content, "html.parser").select_one("#content-main form")
    assert form is not None
    data: dict[str, object] = {}
    for field in form.select("input[name], select[name], textarea[name]"):
        name, kind = str(field["name"]), field.get("type")
        if "__prefix__" in name or kind == "submit" or (kind == "checkbox" and not field.has_attr("checked")):
            continue
        if field.name == "select":
            chosen = field.select_one("option[selected]") or field.select_one("option")
            data[name] = chosen["value"] if chosen else ""
        else:
            data[name] = (
                field.text.removeprefix("\n")
                if field.name == "textarea"
                else field.get("value", "on" if kind == "checkbox" else "")
            )
    return {**data, "_save": "Save", "reason": "because", **changes}


def errors(answer: Any) -> dict[str, str]:
    """Message by field of a form that came back."""
    assert answer.status_code == 200, "the form was accepted"
    form = answer.context["adminform"].form
    return {name: " ".join(messages) for name, messages in form.errors.items()}


def own_pages() -> list[tuple[type[Model], ModelAdmin[Any]]]:
    """Those of this app."""
    return [(model, page) for model, page in admin.site._registry.items() if model._meta.app_label == "deployments"]


def test_every_page_is_audited() -> None:
    assert isinstance(admin.site._wrapped, BaristaAdminSite)  # type: ignore[attr-defined]
    assert {type(page) for _, page in own_pages()} == {page for _, page in PAGES}
    for model, page in admin.site._registry.items():
        assert isinstance(page, AuditedAdmin), model
        assert page.actions is None, f"{model.__name__} allows writing in bulk"
        assert not page.list_editable, f"{model.__name__} allows writing in a list"
        for own, inherited in (("save_model", AuditedAdmin), ("delete_model", AuditedAdmin)):
            assert getattr(type(page), own) is getattr(inherited, own), f"{model.__name__} saves in its own way"


def test_nothing_is_deleted_in_bulk() -> None:
    page = admin.site._registry[Team]
    with pytest.raises(Refused):
        page.delete_queryset(None, Team.objects.all())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["maintainer", "auditor", "stranger"])
def test_only_platform_admins_get_in(client_as: Callable[[str], Client], name: str) -> None:
    client = client_as(name)
    address = reverse("admin:index")
    answer = client.get(address)
    assert answer.status_code == 302
    assert client.get(address, follow=True).status_code == 403


def test_login_is_the_sites_own(client_as: Callable[[str], Client]) -> None:
    answer = client_as("anonymous").get(reverse("admin:login") + "?next=/admin/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == reverse("login") + "?next=/admin/"


def test_every_list_add_and_change_page_opens(platform: Client, places: Places, people: People) -> None:
    factories.make_deployment(author=people.maintainer, namespace=places.dev)
    factories.make_metadata_prefix()
    factories.make_permits()
    factories.make_price_list(places.dev.cluster)
    factories.make_price_term(places.dev.cluster)
    factories.make_budget(team=people.team, hard=5)
    factories.make_sleep_layers(people.team, places.dev.cluster)
    for model, page in own_pages():
        assert platform.get(url(model, "changelist")).status_code == 200
        assert platform.get(url(model, "changelist") + "?q=a").status_code == 200
        row = model._default_manager.first()
        assert row is not None, f"there is no {model.__name__} to open"
        for name in ("change", "history"):
            assert platform.get(url(model, name, row.pk)).status_code == 200, (model, name)
        can_add = page.has_add_permission(platform.get("/admin/").wsgi_request)
        assert platform.get(url(model, "add")).status_code == (200 if can_add else 403)


def test_a_write_carries_its_reason_and_leaves_no_entry_of_djangos(platform: Client, people: People) -> None:
    address = url(Team, "change", people.other_team.pk)
    answer = platform.post(address, filled(platform, address, contact="#ads", reason="they moved"))
    assert answer.status_code == 302
    event = newest()
    assert (event.kind, event.via, event.note) == ("team.changed", "admin", "they moved")
    assert event.actor_id == people.platform.pk
    assert event.changes == [{"path": "contact", "label": "Contact", "before": "", "after": "#ads"}]
    assert not LogEntry.objects.exists()


def test_an_unchanged_form_records_nothing(platform: Client, people: People) -> None:
    before = newest().seq
    for row in (people.team, people.editor, factories.make_runtime(), factories.make_profile()):
        before = newest().seq
        address = url(type(row), "change", row.pk)
        assert platform.post(address, filled(platform, address, reason="none")).status_code == 302
        assert newest().seq == before, f"saving an unchanged {row} was recorded as a change"


def test_members_are_set_through_the_action(platform: Client, people: People) -> None:
    address = url(Team, "change", people.team.pk)
    data = filled(platform, address, reason="joined")
    number = int(str(data["memberships-INITIAL_FORMS"]))
    row = f"memberships-{number}"
    data |= {f"{row}-user": people.stranger.pk, f"{row}-role": "viewer", "memberships-TOTAL_FORMS": number + 1}
    assert platform.post(address, data).status_code == 302
    assert Membership.objects.get(team=people.team, user=people.stranger).role == "viewer"
    assert (newest().kind, newest().note, newest().team_id) == ("member.changed", "joined", people.team.pk)


def test_a_team_keeps_a_maintainer(platform: Client, people: People) -> None:
    address = url(Team, "change", people.team.pk)
    data = filled(platform, address)
    index = next(key.split("-")[1] for key, value in data.items() if key.endswith("-role") and value == "maintainer")
    for change in ({f"memberships-{index}-role": "viewer"}, {f"memberships-{index}-DELETE": "on"}):
        answer = platform.post(address, {**data, **change})
        assert b"would have no maintainer" in answer.content
    assert Membership.objects.get(team=people.team, user=people.maintainer).role == "maintainer"


def test_a_switched_off_user_is_out_at_once(
    platform: Client, client_as: Callable[[str], Client], people: People
) -> None:
    editor = client_as("editor")
    assert Session.objects.count() == 2
    address = url(User, "change", people.editor.pk)
    data = filled(platform, address, reason="left")
    del data["is_active"]
    assert platform.post(address, data).status_code == 302
    assert Session.objects.count() == 1
    assert "login" in editor.get(reverse("admin:index")).headers["Location"]


def test_an_admin_cannot_lock_themselves_out(platform: Client, people: People) -> None:
    address = url(User, "change", people.platform.pk)
    data = filled(platform, address)
    del data["is_platform_admin"]
    assert "lock yourself out" in errors(platform.post(address, data))["is_platform_admin"]


def test_passwords_are_checked_hashed_and_never_recorded(platform: Client) -> None:
    address = url(User, "add")
    data = filled(platform, address, username="new.person", is_active="on", new_password="short")
    assert "too short" in errors(platform.post(address, data))["new_password"]
    secret = "a canary in a coal mine"
    assert platform.post(address, {**data, "new_password": secret, "reason": "joins"}).status_code == 302
    user = User.objects.get(username="new.person")
    assert user.check_password(secret)
    event = newest()
    assert (event.kind, event.note) == ("user.created", "joins")
    page = platform.get(url(User, "change", user.pk)).content.decode()
    assert secret not in page + str(event.changes) + str(event.facts)
    assert user.password not in page


def test_deleting_needs_the_button_and_keeps_others_rows(platform: Client, places: Places, people: People) -> None:
    rule = records.save(row=RegistryRule(prefix="ghcr.io/acme"), by=factories.BY)
    address = url(RegistryRule, "delete", rule.pk)
    assert platform.get(address).status_code == 200
    assert RegistryRule.objects.filter(pk=rule.pk).exists()
    assert platform.post(address, {"post": "yes", "reason": "moved"}).status_code == 302
    assert (newest().kind, newest().note) == ("registryrule.deleted", "moved")
    for row in (people.team, places.dev.cluster):
        answer = platform.post(url(type(row), "delete", row.pk), {"post": "yes"})
        assert b"cannot be deleted" in answer.content
        assert type(row)._default_manager.filter(pk=row.pk).exists()
    assert platform.post(url(User, "delete", people.viewer.pk), {"post": "yes"}).status_code == 403


def test_the_audit_log_is_read_only(platform: Client) -> None:
    event = newest()
    address = url(AuditEvent, "change", event.pk)
    assert platform.get(address).status_code == 200
    assert platform.post(address, {"note": "x"}).status_code == 403
    assert platform.post(url(AuditEvent, "delete", event.pk), {"post": "yes"}).status_code == 403
    assert platform.get(url(AuditEvent, "add")).status_code == 403


def test_a_runtime_is_made_of_typed_fields(platform: Client) -> None:
    address = url(Runtime, "add")
    data = filled(
        platform,
        address,
        slug="torchserve",
        name="TorchServe",
        image="docker.io/pytorch/torchserve:0.12.0-cpu",
        command="torchserve\r\n--foreground",
        args="--models={model_name}.mar\r\n--note=a b ",
        env="MODEL={artifact_uri}\r\nLEVEL=a=b",
        grpc_port="7070",
        needs_shm="on",
        shm_size="512Mi",
        readiness_kind="http",
        readiness_path="/ping",
        startup_kind="grpc",
    )
    factories.make_registry_rules()
    assert platform.post(address, data).status_code == 302
    made = Runtime.objects.get(slug="torchserve").to_domain()
    assert made.command == ("torchserve", "--foreground")
    assert made.args == ("--models={model_name}.mar", "--note=a b")
    assert made.env == (("MODEL", "{artifact_uri}"), ("LEVEL", "a=b"))
    assert made.shm_size == 512 * 1024**2
    assert made.readiness == catalogue.Probe(kind="http", path="/ping")
    assert made.startup == catalogue.Probe(kind="grpc", port_name="grpc")
    assert made.liveness is None
    assert "definition.image" in {change["path"] for change in newest().changes}


def test_what_changes_the_loader_is_set_with_a_reason(platform: Client) -> None:
    address, loaders = url(Runtime, "add"), "LD_PRELOAD=/usr/lib/libtcmalloc.so.4\r\nPYTHONUNBUFFERED=1"
    data = filled(platform, address, slug="fast", name="Fast", image="docker.io/acme/fast:1", env=loaders)
    assert "LD_PRELOAD and PYTHONUNBUFFERED" in errors(platform.post(address, {**data, "reason": " "}))["reason"]
    assert platform.post(address, {**data, "reason": "tcmalloc frees memory"}).status_code == 302
    change = url(Runtime, "change", Runtime.objects.get(slug="fast").pk)
    kept = filled(platform, change, name="Faster", reason="a better name")
    assert platform.post(change, kept).status_code == 302


WRONG_RUNTIMES = [
    ("image", "https://docker.io/x", "Leave out http"),
    ("env", "PATH=/bin", "cannot be set here"),
    ("env", "no equals", "NAME=value"),
    ("env", "A=1\nA=2", "set twice"),
    ("args", "--x={artifact}", "{artifact} would reach"),
    ("http_port", "70000", "65535"),
    ("run_as_user", "0", "greater than or equal to 1"),
    ("shm_size", "1GB", "Use Gi"),
    ("shm_size", "1Gi", ""),
    ("readiness_kind", "grpc", "needs a gRPC port"),
    ("startup_kind", "http", ""),
    ("pull_secret", "Not A Name", "lower-case"),
    ("slug", "Not A Slug", "lower-case"),
]


@pytest.mark.parametrize(("field", "value", "message"), WRONG_RUNTIMES)
def test_a_wrong_runtime_is_refused_at_its_field(platform: Client, field: str, value: str, message: str) -> None:
    address = url(Runtime, "add")
    data = filled(platform, address, slug="mine", name="Mine", image="ghcr.io/acme/mine:1")
    found = errors(platform.post(address, {**data, field: value}))
    where = {"startup_kind": "startup_path"}.get(field, "needs_shm" if (field, value) == ("shm_size", "1Gi") else field)
    assert set(found) == {where}
    assert message in found[where]
    assert not Runtime.objects.exists()


def test_a_hardware_profile_is_made_of_quantities(platform: Client) -> None:
    address = url(HardwareProfile, "add")
    data = filled(
        platform,
        address,
        slug="gpu",
        name="GPU",
        cpu_request="1.5",
        memory_request="2Gi",
        memory_limit="4096Mi",
        gpu_count="1",
        gpu_type="nvidia-l4",
        node_selector="cloud.google.com/gke-accelerator=nvidia-l4",
        tolerations="nvidia.com/gpu=present:NoSchedule\nspot:NoExecute",
    )
    assert platform.post(address, data).status_code == 302
    row = HardwareProfile.objects.get(slug="gpu")
    assert row.definition["cpu_request"] == "1500m"
    assert row.definition["memory_limit"] == "4Gi"
    size = row.to_domain()
    assert size.node_selector == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert [(item.key, item.operator, item.effect) for item in size.tolerations] == [
        ("nvidia.com/gpu", "Equal", "NoSchedule"),
        ("spot", "Exists", "NoExecute"),
    ]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("cpu_request", "1K", "cores"),
        ("cpu_limit", "1m", "at least the request"),
        ("memory_request", "512m", "Did you mean"),
        ("memory_limit", "1Gi", "at least the request"),
        ("memory_limit", "", "required"),
        ("tolerations", "a:b:c", "not a toleration"),
        ("node_selector", "a b=c", "not a label"),
    ],
)
def test_a_wrong_profile_is_refused_at_its_field(platform: Client, field: str, value: str, message: str) -> None:
    address = url(HardwareProfile, "add")
    right = {"slug": "a", "name": "A", "cpu_request": "2", "memory_request": "2Gi", "memory_limit": "2Gi"}
    found = errors(platform.post(address, {**filled(platform, address, **right), field: value}))
    assert set(found) == {field}
    assert message in found[field]


def test_clusters_and_namespaces(platform: Client, places: Places, people: People, tmp_path: Path) -> None:
    address = url(Cluster, "add")
    wrong = filled(platform, address, slug="eu", name="EU", kubeconfig="relative")
    assert "absolute path" in errors(platform.post(address, wrong))["kubeconfig"]
    file = tmp_path / "eu"
    file.write_text(
        "{current-context: c, contexts: [{name: c, context: {cluster: c}}], clusters: [{name: c, cluster: "
        "{server: s}}]}"
    )
    assert platform.post(address, {**wrong, "kubeconfig": str(file)}).status_code == 302
    made = Cluster.objects.get(slug="eu")
    assert made.health.state == "unknown"
    address = url(Namespace, "add")
    data = filled(platform, address, cluster=made.pk, name="kube-system", environment="dev", team=people.team.pk)
    assert "runs the cluster itself" in errors(platform.post(address, data))["name"]
    assert platform.post(address, {**data, "name": "search-eu"}).status_code == 302
    factories.make_deployment(author=people.maintainer, namespace=places.dev)
    page = platform.get(url(Namespace, "change", places.dev.pk)).content.decode()
    assert not re.search(r'name="(team|environment|name|cluster)"', page)


@pytest.mark.parametrize("prefix", ["https://ghcr.io", "not a prefix", "GHCR.io/x", ""])
def test_a_registry_that_is_none_is_refused(platform: Client, prefix: str) -> None:
    address = url(RegistryRule, "add")
    assert set(errors(platform.post(address, filled(platform, address, prefix=prefix)))) == {"prefix"}


@pytest.mark.parametrize("prefix", ["kubernetes.io/", "x.k8s.io/", "barista.io", "Acme.com/", "a b.com/", "/", ""])
def test_a_prefix_of_labels_that_is_none_is_refused(platform: Client, prefix: str) -> None:
    address = url(MetadataPrefix, "add")
    assert set(errors(platform.post(address, filled(platform, address, prefix=prefix)))) == {"prefix"}


def test_a_prefix_of_labels_ends_in_a_slash(platform: Client) -> None:
    address = url(MetadataPrefix, "add")
    assert platform.post(address, filled(platform, address, prefix="acme.com", reason="cost")).status_code == 302
    assert MetadataPrefix.objects.get().prefix == "acme.com/"
    assert (newest().kind, newest().note) == ("metadataprefix.created", "cost")


def test_a_field_to_follow_without_a_name_is_none(client_as: Callable[[str], Client], people: People) -> None:
    for page in ("change", "delete"):
        url = reverse(f"admin:deployments_team_{page}", args=[people.team.pk])
        assert client_as("platform").get(f"{url}?_to_field=").status_code == 200
