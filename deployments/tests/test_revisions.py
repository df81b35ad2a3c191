"""Saving revisions: one transaction, one event, no silent overwrite."""

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from deployments.actions import proposals, records, revisions
from deployments.actions.errors import Refused, Stale, Wrong
from deployments.audit import Actor
from deployments.domain.spec.spec import Spec
from deployments.forms.choices import Choices
from deployments.models import AuditEvent, Deployment, HardwareProfile, Proposal, Revision, Runtime
from deployments.tests import factories
from deployments.tests.fixtures import People, Places


def test_create_edit_and_unchanged(people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")
    assert (deployment.slug, deployment.current.number, deployment.generation) == ("demo.search-dev.ranker", 1, 1)

    proposal = factories.edit(deployment, author=people.editor, spec=factories.make_spec(model_version="2"))
    revision = factories.apply(proposal, by=people.editor)
    event = AuditEvent.objects.first()
    assert revision.number == 2
    assert event.kind == "revision.saved"
    assert event.changes == [{"path": "model_version", "label": "Model version", "before": "1", "after": "2"}]
    assert event.actor_name == "editor"

    same = factories.edit(deployment, author=people.editor, spec=factories.make_spec(model_version="2"))
    assert factories.apply(same, by=people.editor) == revision
    assert AuditEvent.objects.first() == event
    assert Deployment.objects.get(pk=deployment.pk).generation == 2


def test_applying_twice_makes_one_revision(people: People, places: Places) -> None:
    proposal = factories.make_proposal(author=people.editor, namespace=places.dev)
    first = factories.apply(proposal, by=people.editor)
    assert factories.apply(proposal, by=people.editor) == first
    assert Revision.objects.filter(deployment=first.deployment).count() == 1


def test_a_stale_edit_is_refused(people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    mine = factories.edit(deployment, author=people.editor, spec=factories.make_spec(model_version="mine"))
    theirs = factories.edit(deployment, author=people.maintainer, spec=factories.make_spec(model_version="theirs"))
    factories.apply(theirs, by=people.maintainer)
    with pytest.raises(Stale) as problem:
        factories.apply(mine, by=people.editor)
    assert problem.value.current.author_name == "maintainer"
    assert Deployment.objects.related().get(pk=deployment.pk).current.to_spec().model_version == "theirs"


def test_only_what_was_reviewed_is_applied(people: People, places: Places) -> None:
    proposal = factories.make_proposal(author=people.editor, namespace=places.dev)
    with pytest.raises(Refused, match="Review it again"):
        revisions.apply(proposal=proposal, by=Actor.as_user(people.editor), note="", reviewed="0" * 64)


def test_prod_takes_a_reason(people: People, places: Places) -> None:
    proposal = factories.make_proposal(author=people.maintainer, namespace=places.prod)
    with pytest.raises(Refused, match="Say why"):
        factories.apply(proposal, by=people.maintainer, note=" ")


def test_stored_specs_read_back(people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    assert Spec.from_json(deployment.current.spec).digest() == deployment.current.spec_hash


def test_rolling_back_runs_what_that_revision_ran(people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    first = deployment.current
    runtime = Runtime.objects.get(slug="tfserving")
    runtime.definition = runtime.definition | {"image": "docker.io/tensorflow/serving:2.19.1"}
    records.save(row=runtime, by=factories.BY)
    newer = factories.edit(deployment, author=people.editor, spec=factories.make_spec(model_version="2"))
    assert factories.apply(newer, by=people.editor).runtime["image"].endswith(":2.19.1")

    back = proposals.make(
        by=people.editor,
        kind=Proposal.Kind.ROLLBACK,
        spec=first.to_spec(),
        deployment=deployment,
        model=deployment.model,
        namespace=deployment.namespace,
        name=deployment.name,
        based_on=2,
        returns_to=1,
    )
    revision = factories.apply(back, by=people.editor)

    assert (revision.number, revision.returns_to, revision.runtime) == (3, 1, first.runtime)
    assert AuditEvent.objects.first().kind == "revision.rolled_back"


def test_what_left_the_catalogue_is_kept_by_what_runs_it(people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    first = deployment.current
    for row in (Runtime.objects.get(slug="tfserving"), HardwareProfile.objects.get(slug="cpu-small")):
        row.is_active = False
        records.save(row=row, by=factories.BY)
    facts = {"by": people.editor, "model": deployment.model, "namespace": deployment.namespace}

    edited = proposals.make(
        kind=Proposal.Kind.EDIT,
        spec=factories.make_spec(model_version="2"),
        deployment=deployment,
        name=deployment.name,
        based_on=1,
        **facts,
    )
    second = factories.apply(edited, by=people.editor)

    assert (second.runtime, second.profile) == (first.runtime, first.profile)
    kept = Choices.of(places.dev, kept=second)
    assert (list(kept.runtimes), list(kept.profiles)) == (["tfserving"], ["cpu-small"])
    with pytest.raises(Wrong, match="Choose a runtime"):
        proposals.make(
            kind=Proposal.Kind.CREATE, spec=factories.make_spec(), deployment=None, name="new", based_on=0, **facts
        )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "write",
    [
        lambda row: Deployment.objects.update(generation=9),
        lambda row: Deployment.objects.filter(pk=row.pk).delete(),
        lambda row: row.save(),
        lambda row: connection.cursor().execute("UPDATE deployments_deployment SET name = 'x'"),
    ],
)
def test_an_unaudited_write_cannot_commit(write, people: People, places: Places) -> None:  # type: ignore[no-untyped-def]
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    with pytest.raises((IntegrityError, ProgrammingError)), transaction.atomic():
        write(deployment)
    assert Deployment.objects.get(pk=deployment.pk).generation == 1
