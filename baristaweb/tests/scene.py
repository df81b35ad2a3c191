"""One of everything that a URL can name, for the tests that go over all URLs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from baristaweb.lib.clock import now
from deployments.actions import clouds, deployments, logs, proposals, records, saved_views, sleep_layers
from deployments.audit import Actor
from deployments.models import (
    AuditEvent,
    Budget,
    CloudRequest,
    Deployment,
    HolidayCalendar,
    LogRequest,
    Membership,
    MetadataPrefix,
    Proposal,
    SavedView,
    SleepFreeze,
    SleepGrant,
    SleepHolidays,
    SleepSchedule,
)
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from observability.actions import change_tokens, changes, samples
from observability.evaluation import judge
from observability.models import ChangeEvent, ChangeToken, LogSource, SampleRequest, SourceObject
from observability.tests import stored
from observability.tests.sources import make_credential, make_root

IDENTITIES = ("anonymous", "stranger", "viewer", "editor", "maintainer", "auditor", "platform")
ADMIN_PAGES = ("changelist", "add", "change", "delete", "history")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Rows of the team `search`. The stranger is a maintainer of another team."""

    people: People
    dev: Deployment
    prod: Deployment
    retired: Deployment
    draft: Proposal  # of the editor for prod, not sent
    sent: Proposal  # of the editor for prod, waiting for a maintainer
    lines: LogRequest  # the viewer's
    member: Membership
    event: AuditEvent
    view: SavedView  # the viewer's
    told: ChangeEvent  # of dev, whose log has a day of judged windows
    budget: Budget  # the team's
    source: LogSource  # of dev
    log_object: SourceObject
    sample: SampleRequest  # the editor's
    asked: CloudRequest  # the platform admin's

    def arguments(self, target: str) -> list[object]:
        """What a URL's pattern is filled with."""
        return {
            "": list[object](),
            "dev": [self.dev.slug],
            "prod": [self.prod.slug],
            "retired": [self.retired.slug],
            "dev 1": [self.dev.slug, 1],
            "prod 1": [self.prod.slug, 1],
            "draft": [self.draft.pk],
            "sent": [self.sent.pk],
            "lines": [self.dev.slug, self.lines.pk],
            "team": [self.people.team.slug],
            "member": [self.people.team.slug, self.member.pk],
            "event": [self.event.seq],
            "view": [self.view.pk],
            "budget": [self.budget.pk],
            "source": [self.dev.slug, self.source.name],
            "object": [self.dev.slug, self.source.name, self.log_object.pk],
            "sample": [self.dev.slug, self.sample.pk],
            "cluster": [self.dev.namespace.cluster.slug],
            "asked": [self.asked.pk],
            "dev 0": [self.dev.slug, 0],
            "told": [self.dev.slug, self.told.pk],
        }[target]

    def url(self, name: str, target: str) -> str:
        return reverse(name, args=self.arguments(target))


@pytest.fixture
def scene(people: People, places: Places) -> Scene:
    records.save(row=MetadataPrefix(prefix="acme.com/"), by=factories.BY)
    factories.make_permits(("secret", "store"))
    factories.make_price_list(places.dev.cluster)
    factories.make_price_term(places.dev.cluster)
    sleeping_layers(people, places)
    dev = factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")
    prod = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    retired = factories.make_deployment(author=people.editor, namespace=places.staging, name="ranker")
    by = Actor.as_user(people.maintainer)
    factories.apply(
        factories.edit(dev, author=people.editor, spec=factories.make_spec(model_version="2")), by=people.editor
    )
    deployments.retire(deployment=retired, by=by, note="done")
    make_root("gs://logs/", credential=make_credential("gs"))
    source = stored.connected(dev, "file:///srv/logs", name="log")
    version_3 = replace(factories.make_spec(), model_version="3")
    draft = factories.edit(prod, author=people.editor, spec=version_3)
    sent = factories.edit(prod, author=people.editor, spec=version_3)
    proposals.send(proposal=sent, by=Actor.as_user(people.editor), note="please")
    stored.fill(source, hours=28, rows=1_000)
    judge.evaluate(source.pk)
    change_tokens.create(row=ChangeToken(name="search CI", team=people.team), by=by, note="a test")
    told = changes.post(
        deployment=dev, kind="campaign", title="Sale", occurred_at=now() - timedelta(hours=5), link="", by=by
    )
    event = AuditEvent.objects.filter(deployment_id=dev.pk).order_by("seq")[0]
    return Scene(
        people=people,
        dev=Deployment.objects.related().get(pk=dev.pk),
        prod=prod,
        retired=retired,
        draft=draft,
        sent=sent,
        lines=logs.request(deployment=dev, by=people.viewer),
        member=Membership.objects.get(user=people.viewer),
        event=event,
        view=saved_views.save(by=people.viewer, name="Mine", query="view=prod"),
        told=told,
        budget=factories.make_budget(team=people.team, soft=1000, hard=2000),
        source=source,
        log_object=SourceObject.objects.create(source=source, uri="file:///srv/logs/a.parquet", size=1, mtime_ns=1),
        sample=samples.ask(
            kind=SampleRequest.Kind.PROPOSE,
            deployment=dev,
            by=people.editor,
            question={"root": source.root_id, "location": source.location},
        ),
        asked=clouds.look(project="acme-models", location="", service_account="", by=people.platform),
    )


def sleeping_layers(people: People, places: Places) -> None:
    """One row of everything that layers say of sleep, of a team that nobody looks at here."""
    team, until = people.other_team, now() + timedelta(days=1)
    records.save(row=SleepSchedule(team=team, zone="UTC"), by=factories.BY)
    calendar = HolidayCalendar(key="office", name="Office", days="2026-12-24 Closed")
    sleep_layers.save_calendar(row=calendar, by=factories.BY)
    sleep_layers.save_holidays(row=SleepHolidays(team=team, calendars="office"), by=factories.BY)
    sleep_layers.grant(row=SleepGrant(ask="exemption", team=team, until=until), by=factories.BY, note="a test")
    sleep_layers.freeze(row=SleepFreeze(cluster=places.dev.cluster, until=until), by=factories.BY, note="a test")


def url_names() -> set[str]:
    """Names of all URL patterns but the admin's; a pattern without a name fails."""
    return set(_names(get_resolver().url_patterns))


def _names(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from _names(pattern.url_patterns)
        else:
            assert pattern.name, f"{pattern.pattern} has no name"
            yield pattern.name


def admin_urls() -> Iterator[str]:
    """Every page of the admin that a row exists for, and the pages of the admin itself."""
    for name in ("index", "password_change", "password_change_done", "jsi18n"):
        yield reverse(f"admin:{name}")
    yield reverse("admin:app_list", args=["deployments"])
    for model in admin.site._registry:
        row = model._default_manager.order_by("pk").first()
        assert row is not None, f"the scene has no {model.__name__}"
        for page in ADMIN_PAGES:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
            yield reverse(name, args=[] if page in {"changelist", "add"} else [row.pk])


def missing(url: str, scene: Scene) -> str:
    """The same address of something that does not exist, as long as the real one."""
    changed = url
    for real in (scene.dev, scene.prod, scene.retired):
        changed = changed.replace(real.slug, real.slug[:-1] + "x")
    for row in (scene.draft, scene.sent, scene.lines, scene.sample, scene.asked):
        changed = changed.replace(str(row.pk), str(uuid.UUID(int=row.pk.int ^ 1)))
    changed = changed.replace("/sources/log/", "/sources/lox/")
    changed = changed.replace(f"/objects/{scene.log_object.pk}/", f"/objects/{scene.log_object.pk + 100_000}/")
    changed = changed.replace(f"/teams/{scene.people.team.slug}/", "/teams/searcx/")
    changed = changed.replace(f"/changes/{scene.told.pk}/", f"/changes/{scene.told.pk + 100_000}/")
    changed = changed.replace("/clusters/demo/", "/clusters/demx/")
    changed = changed.replace(f"/costs/budgets/{scene.budget.pk}/", f"/costs/budgets/{scene.budget.pk + 100_000}/")
    changed = changed.replace(f"/fleet/views/{scene.view.pk}/", f"/fleet/views/{scene.view.pk + 100_000}/")
    return changed.replace(f"/audit/{scene.event.seq}/", f"/audit/{scene.event.seq + 100_000}/")
