"""Test data, made by the product's own actions, so that it is audited like everything else."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from baristaweb.lib.clock import now
from deployments import audit
from deployments.actions import budgets, people, prices, proposals, records, revisions, sleep_layers
from deployments.actions.deployments import change_intent, lock
from deployments.audit import Actor
from deployments.domain import catalogue
from deployments.domain.cost.own_list import COLUMNS, read_csv
from deployments.domain.roles import Role
from deployments.domain.spec.spec import Spec
from deployments.models import (
    Budget,
    Cluster,
    ClusterHealth,
    Deployment,
    DeploymentState,
    HardwareProfile,
    HolidayCalendar,
    MetadataPrefix,
    Namespace,
    Permit,
    PriceTerm,
    PriceVersion,
    Proposal,
    RegistryRule,
    Revision,
    Runtime,
    ServedModel,
    SleepFreeze,
    SleepGrant,
    SleepHolidays,
    SleepRecord,
    SleepSchedule,
    Team,
    User,
)

PASSWORD = "correct horse battery"
BY = Actor.system("tests", via="command")
_numbers = itertools.count(1)


def number() -> int:
    """A number no other call got in this process."""
    return next(_numbers)


def make_user(username: str = "", **fields: Any) -> User:
    return people.create_user(by=BY, username=username or f"user-{number()}", password=PASSWORD, **fields)


def make_team(slug: str = "", *, members: dict[User, Role] | None = None) -> Team:
    slug = slug or f"team-{number()}"
    team = records.save(row=Team(slug=slug, name=slug.capitalize()), by=BY)
    for user, role in (members or {}).items():
        people.set_role(team=team, user=user, role=role, by=BY)
    return team


def make_cluster(slug: str = "", **fields: Any) -> Cluster:
    slug = slug or f"cluster-{number()}"
    cluster = records.save(row=Cluster(slug=slug, name=slug, **fields), by=BY)
    ClusterHealth.objects.get_or_create(cluster=cluster)
    return cluster


def make_price_list(cluster: Cluster, *lines: str, name: str = "Test prices", **fields: Any) -> PriceVersion:
    """Lines as in a CSV file; without any, 0.04 for a vCPU and 0.005 for a GiB."""
    text = "\n".join((",".join(COLUMNS), *(lines or ("cpu,,,0.04", "memory,,,0.005"))))
    read = [line.to_json() for line in read_csv(text, currency="USD")]
    version = PriceVersion(cluster=cluster, name=name, source="typed", currency="USD", lines=read)
    for field, value in {"effective_at": version.made_at, **fields}.items():
        setattr(version, field, value)
    return prices.publish(version=version, by=BY)


def make_price_term(cluster: Cluster, value: str = "10", kind: str = "discount", **fields: Any) -> PriceTerm:
    """Ten percent off everything from now on, or as it is said."""
    given = {"effective_at": now(), **fields}
    return prices.agree(row=PriceTerm(cluster=cluster, kind=kind, value=Decimal(value), **given), by=BY)


def make_budget(**fields: Any) -> Budget:
    """Of what `fields` name: team, model, deployment or environment, and limits."""
    owned = fields.get("model") or fields.get("deployment")
    limits = {name: Decimal(fields[name]) for name in ("soft", "hard") if fields.get(name) is not None}
    row = Budget(**{"team": owned.team if owned else None, **fields, **limits})
    return budgets.save(row=row, by=BY)


def make_namespace(*, team: Team, cluster: Cluster, environment: str = "dev", name: str = "") -> Namespace:
    name = name or f"{team.slug}-{environment}"
    return records.save(row=Namespace(cluster=cluster, name=name, environment=environment, team=team), by=BY)


def make_runtime(slug: str = "tfserving", **fields: Any) -> Runtime:
    existing = Runtime.objects.filter(slug=slug).first()
    if existing is not None:
        return existing
    runtime = catalogue.Runtime(
        slug=slug,
        name=slug.capitalize(),
        **{
            "image": "docker.io/tensorflow/serving:2.16.1",
            "args": ("--model_base_path={artifact_uri}", "--model_name={model_name}"),
            "http_port": 8501,
            "readiness": catalogue.Probe(kind="tcp"),
            **fields,
        },
    )
    return records.save(row=Runtime(slug=slug, name=runtime.name, definition=runtime.to_json()), by=BY)


def make_profile(slug: str = "cpu-small", **fields: Any) -> HardwareProfile:
    existing = HardwareProfile.objects.filter(slug=slug).first()
    if existing is not None:
        return existing
    profile = catalogue.HardwareProfile(
        slug=slug,
        name=slug,
        **{"cpu_request": 500, "memory_request": 1 << 30, "memory_limit": 1 << 30, **fields},
    )
    return records.save(row=HardwareProfile(slug=slug, name=slug, definition=profile.to_json()), by=BY)


def make_model(*, team: Team, slug: str = "", **fields: Any) -> ServedModel:
    slug = slug or f"model-{number()}"
    return records.save(row=ServedModel(slug=slug, name=slug, team=team, **{"type": "search", **fields}), by=BY)


def make_registry_rules(*prefixes: str) -> None:
    for prefix in prefixes or ("docker.io", "registry.k8s.io"):
        if not RegistryRule.objects.filter(prefix=prefix, team=None).exists():
            records.save(row=RegistryRule(prefix=prefix), by=BY)


def make_metadata_prefix(prefix: str = "acme.com/") -> MetadataPrefix:
    return records.save(row=MetadataPrefix(prefix=prefix), by=BY)


PERMITTED = (
    *(("host", host) for host in ("example.org", "example.com")),
    *(("node-label", label) for label in ("pool", "disk")),
    *(("toleration", taint) for taint in ("spot", "nvidia.com/gpu")),
    *(("priority-class", name) for name in ("models-high", "barista-test-low")),
    *(("secret", name) for name in ("store", "feature-store", "db")),
    *(("config-map", name) for name in ("site", "flags")),
    ("tls-secret", "ranker-tls"),
)


def make_permits(*permitted: tuple[str, str], namespace: Namespace | None = None) -> None:
    """Permits of a namespace or of all; without values those that tests of other things need."""
    for kind, value in permitted or PERMITTED:
        if not Permit.objects.filter(kind=kind, value=value, namespace=namespace, deployment=None).exists():
            records.save(row=Permit(kind=kind, value=value, namespace=namespace), by=BY)


def make_spec(**fields: Any) -> Spec:
    return Spec(
        **{
            "artifact_uri": "gs://acme-models/ranker",
            "model_version": "1",
            "runtime": "tfserving",
            "profile": "cpu-small",
            **fields,
        }
    )


def make_proposal(
    *, author: User, namespace: Namespace, spec: Spec | None = None, name: str = "", model: ServedModel | None = None
) -> Proposal:
    """A candidate for a new deployment."""
    make_runtime()
    make_profile()
    make_registry_rules()
    return proposals.make(
        by=author,
        kind=Proposal.Kind.CREATE,
        spec=spec or make_spec(),
        deployment=None,
        model=model or make_model(team=namespace.team),
        namespace=namespace,
        name=name or f"ranker-{number()}",
        based_on=0,
    )


def make_deployment(
    *, author: User, namespace: Namespace, spec: Spec | None = None, name: str = "", model: ServedModel | None = None
) -> Deployment:
    """A deployment with its first revision."""
    proposal = make_proposal(author=author, namespace=namespace, spec=spec, name=name, model=model)
    revision = apply(proposal, by=author)
    return Deployment.objects.related().get(pk=revision.deployment_id)


def edit(deployment: Deployment, *, author: User, spec: Spec, based_on: int | None = None) -> Proposal:
    """A candidate edit of `deployment`, on its current revision unless told otherwise."""
    deployment = Deployment.objects.related().get(pk=deployment.pk)
    return proposals.make(
        by=author,
        kind=Proposal.Kind.EDIT,
        spec=spec,
        deployment=deployment,
        model=deployment.model,
        namespace=deployment.namespace,
        name=deployment.name,
        based_on=based_on if based_on is not None else deployment.current.number if deployment.current else 0,
    )


def apply(proposal: Proposal, *, by: User, note: str = "because the test says so") -> Revision:
    return revisions.apply(proposal=proposal, by=Actor.as_user(by), note=note, reviewed=proposal.spec_hash)


def put_to_sleep(deployment: Deployment, *, is_written: bool = True, **fields: Any) -> SleepRecord:
    """A sleep as the relay begins it; `fields` as it went on. `is_written`: a worker has written it."""
    at = now()
    with transaction.atomic():
        row = lock(deployment)
        values: dict[str, Any] = {
            "target": 0,
            "saved_replicas": 1,
            "spec_replicas": 1,
            "words": "Mon 20:00 -> Tue 07:00 of a schedule",
        }
        given = {
            "opened_at": at,
            "due_at": at + timedelta(hours=8),
            "generation": row.generation + 1,
            **values,
            **fields,
        }
        row.sleep = SleepRecord.objects.create(deployment=row, **given)
        change_intent(row, by=BY, what="sleep", fields=("sleep",))
        audit.record("deployment.slept", row, by=BY)
    if is_written:
        DeploymentState.objects.filter(deployment=row).update(observed_generation=row.generation)
    return row.sleep


def make_sleep_layers(team: Team, cluster: Cluster) -> None:
    """One row of everything that decides over sleep."""
    until = now() + timedelta(days=1)
    records.save(row=SleepSchedule(team=team, zone="UTC"), by=BY)
    sleep_layers.save_calendar(row=HolidayCalendar(key="office", name="Office", days="2026-12-24"), by=BY)
    sleep_layers.save_holidays(row=SleepHolidays(team=team, calendars="office", zone="UTC"), by=BY)
    sleep_layers.grant(row=SleepGrant(ask="exemption", team=team, until=until), by=BY, note="A demonstration.")
    sleep_layers.freeze(row=SleepFreeze(cluster=cluster, until=until), by=BY, note="An upgrade.")
