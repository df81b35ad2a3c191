"""Makes the demo's rows through the product's actions; what is there already is left as it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from django.db import transaction

from deployments import access
from deployments.actions import clusters, people, proposals, records, revisions
from deployments.audit import Actor
from deployments.domain.catalogue import Environment
from deployments.domain.roles import Permission, Role
from deployments.domain.spec.spec import Spec
from deployments.management.seed.catalogue import PERMITS, PROFILES, REGISTRIES, RUNTIMES
from deployments.management.seed.models import MODELS
from deployments.management.seed.people import PEOPLE, TEAMS
from deployments.management.seed.prices import seed as seed_prices
from deployments.management.seed.shapes import DeploymentPlan, Edit
from deployments.models import (
    Cluster,
    Deployment,
    HardwareProfile,
    MetadataPrefix,
    Namespace,
    Permit,
    Proposal,
    RegistryRule,
    Runtime,
    ServedModel,
    Team,
    User,
)

CLUSTER = "demo"
SETUP = "Set up of this installation"
BY_COMMAND = Actor.system("seed_demo", via="command")


def namespaces() -> list[tuple[str, str, str]]:
    """Name, environment and team of each namespace that the demo uses."""
    return [
        (f"{team.short}-{environment}", environment.value, team.slug)
        for team in TEAMS
        if team.short
        for environment in Environment
    ]


def accounts(password: str) -> list[str]:
    """Users, teams and roles. Returns the names of those who can log in with `password` from now on."""
    can_log_in = []
    for person in PEOPLE:
        user = User.objects.filter(username=person.username).first()
        if user is None:
            user = people.create_user(
                by=BY_COMMAND,
                username=person.username,
                password=password if person.can_log_in else None,
                note=SETUP,
                display_name=person.name,
                email=f"{person.username}@acme.example",
                is_platform_admin=person.is_platform_admin,
                is_auditor=person.is_auditor,
            )
        elif person.can_log_in and not user.check_password(password):
            people.set_password(
                user=user, password=password, by=BY_COMMAND, note="The demo was started with another one"
            )
        if person.can_log_in:
            can_log_in.append(person.username)
    by = actor("platform")
    for plan in TEAMS:
        team = Team.objects.filter(slug=plan.slug).first()
        if team is None:
            team = records.save(row=Team(slug=plan.slug, name=plan.name, contact=plan.contact), by=by, note=SETUP)
        for person in PEOPLE:
            role = person.roles.get(plan.slug)
            if role and not team.memberships.filter(user__username=person.username).exists():
                people.set_role(team=team, user=_user(person.username), role=Role(role), by=by, note=SETUP)
    return can_log_in


def catalogue() -> None:
    """Runtimes, hardware profiles, allowed registries and prefixes of labels."""
    by = actor("platform")
    for runtime in RUNTIMES:
        if not Runtime.objects.filter(slug=runtime.slug).exists():
            row = Runtime(slug=runtime.slug, name=runtime.name, definition=runtime.to_json())
            records.save(row=row, by=by, note=SETUP)
    for profile in PROFILES:
        if not HardwareProfile.objects.filter(slug=profile.slug).exists():
            size = HardwareProfile(slug=profile.slug, name=profile.name, definition=profile.to_json())
            records.save(row=size, by=by, note=SETUP)
    for prefix, slug, note in REGISTRIES:
        team = Team.objects.get(slug=slug) if slug else None
        if not RegistryRule.objects.filter(prefix=prefix, team=team).exists():
            records.save(row=RegistryRule(prefix=prefix, team=team, note=note), by=by, note=SETUP)
    if not MetadataPrefix.objects.exists():
        records.save(row=MetadataPrefix(prefix="acme.com/", note="Cost centers and data classes"), by=by, note=SETUP)


def cluster(*, kubeconfig: Path, context: str, name: str) -> Cluster:
    """The one cluster, at the address that this start uses."""
    row = Cluster.objects.filter(slug=CLUSTER).first() or Cluster(slug=CLUSTER, name=name)
    row.access, row.kubeconfig, row.context = Cluster.Access.KUBECONFIG, str(kubeconfig), context
    return clusters.save(row=row, by=actor("platform"), note=SETUP)


def places(demo: Cluster) -> None:
    """Namespaces, what is permitted in them, models, and what the cluster costs."""
    by = actor("platform")
    seed_prices(demo, by=by, note=SETUP)
    for name, environment, team in namespaces():
        if not Namespace.objects.filter(cluster=demo, name=name).exists():
            row = Namespace(cluster=demo, name=name, environment=environment, team=Team.objects.get(slug=team))
            records.save(row=row, by=by, note=SETUP)
    for kind, value, name, note in PERMITS:
        home = Namespace.objects.get(cluster=demo, name=name) if name else None
        if not Permit.objects.filter(kind=kind, value=value, namespace=home).exists():
            records.save(row=Permit(kind=kind, value=value, namespace=home, note=note), by=by, note=SETUP)
    for plan in MODELS:
        if not ServedModel.objects.filter(slug=plan.slug).exists():
            team_row = Team.objects.get(slug=plan.team)
            model = ServedModel(
                slug=plan.slug, name=plan.name, type=plan.type, team=team_row, description=plan.description
            )
            records.save(row=model, by=actor("maintainer"), note=plan.description)


def fleet(demo: Cluster, plans: Iterable[DeploymentPlan]) -> int:
    """Deployments with their history; returns how many were made."""
    return sum(_deployment(demo, plan) for plan in plans)


@transaction.atomic
def _deployment(demo: Cluster, plan: DeploymentPlan) -> bool:
    """One deployment, whole or not at all, so that a start that was cut off can be repeated."""
    if find(demo, plan) is not None:
        return False
    model = ServedModel.objects.select_related("team").get(slug=plan.model)
    home = Namespace.objects.select_related("team", "cluster").get(
        cluster=demo, environment=plan.environment, team=model.team
    )
    _may(plan.by, Permission.DEPLOYMENT_CREATE, home)
    first = proposals.make(
        by=_user(plan.by),
        kind=Proposal.Kind.CREATE,
        spec=plan.spec,
        deployment=None,
        model=model,
        namespace=home,
        name=plan.model,
        based_on=0,
    )
    revisions.apply(proposal=first, by=actor(plan.by), note=plan.why, reviewed=first.spec_hash)
    made = find(demo, plan)
    if made is None:
        raise RuntimeError(f"{plan.model} was saved and is not there")
    for step in plan.edits:
        edit(made, step)
    if plan.waiting is not None:
        proposals.send(proposal=_propose(made, plan.waiting), by=actor(plan.waiting.by), note=plan.waiting.why)
    return True


def find(demo: Cluster, plan: DeploymentPlan) -> Deployment | None:
    """The deployment of a plan, if it was made."""
    return (
        Deployment.objects.related()
        .filter(namespace__cluster=demo, namespace__environment=plan.environment, name=plan.model)
        .first()
    )


def edit(deployment: Deployment, step: Edit) -> None:
    """One more revision, as the person of the step."""
    _may(step.by, Permission.REVISION_APPLY, deployment.namespace)
    proposal = _propose(deployment, step)
    revisions.apply(proposal=proposal, by=actor(step.by), note=step.why, reviewed=proposal.spec_hash)


def _propose(deployment: Deployment, step: Edit) -> Proposal:
    row = Deployment.objects.related().get(pk=deployment.pk)
    current = row.current
    if current is None:
        raise RuntimeError(f"{row.slug} has no revision to edit")
    return proposals.make(
        by=_user(step.by),
        kind=Proposal.Kind.ROLLBACK if step.returns_to else Proposal.Kind.EDIT,
        spec=_old_spec(row, step.returns_to) if step.returns_to else step.on(current.to_spec()),
        deployment=row,
        model=row.model,
        namespace=row.namespace,
        name=row.name,
        based_on=current.number,
        returns_to=step.returns_to,
        note=step.why,
    )


def _old_spec(deployment: Deployment, number: int) -> Spec:
    return deployment.revisions.get(number=number).to_spec()


def _may(username: str, permission: Permission, namespace: Namespace) -> None:
    """The demo's people do only what their roles allow."""
    environment = Environment(namespace.environment)
    if not access.may(_user(username), permission, team_id=namespace.team_id, environment=environment):
        raise RuntimeError(f"{username} may not {permission.label} in {namespace.name}")


def _user(username: str) -> User:
    return User.objects.get(username=username)


def actor(username: str) -> Actor:
    """A seeded user, acting through this command."""
    return Actor.as_user(_user(username))
