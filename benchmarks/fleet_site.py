"""The fleet page of a site with many deployments, timed: `python -m benchmarks.fleet_site COUNT TIMES` (see fleet.py).

One deployment is made by the product's own actions and copied as the owner of the database. Standard input has the
objects of a real one as JSON; standard output gets the seconds of each request by what was asked for.
"""

from __future__ import annotations

import copy
import json
import sys
from functools import partial
from typing import Any

import django
from django.db import connections
from django.test import Client

from benchmarks.apply import timed

django.setup()

from deployments.models import Deployment, DeploymentState, Observation, Revision, User  # noqa: E402  settings first
from deployments.tests import factories  # noqa: E402

PATHS = {
    "first page, worst first": "/fleet/",
    "page 50": "/fleet/?page=50",
    "search for a name": "/fleet/?q=ranker-77",
    "production, by last change": "/fleet/?view=prod&sort=changed",
    "by use of CPU": "/fleet/?sort=cpu",
}
GUARDED = ("deployment", "revision")  # tables that refuse what no audit event tells of


def main(count: int, times: int) -> None:
    client = Client(headers={"host": "localhost"})
    client.force_login(fill(count, json.load(sys.stdin)))

    def get(path: str) -> None:
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code}")

    print(json.dumps({name: timed(partial(get, path), times) for name, path in PATHS.items()}))


def fill(count: int, view: dict[str, Any]) -> User:
    """So many deployments; returns somebody who sees all of them."""
    admin = factories.make_user("platform", is_platform_admin=True)
    team, cluster = factories.make_team(), factories.make_cluster()
    places = [factories.make_namespace(team=team, cluster=cluster, environment=name) for name in ("dev", "prod")]
    first = factories.make_deployment(author=admin, namespace=places[0], name="ranker-first")
    revision = Revision.objects.get(deployment=first)
    states = ("running", "running", "running", "asleep", "rolling-out", "crash-looping")
    rows, revisions, machine, seen = [], [], [], []
    for number in range(1, count):
        row, one = copy.copy(first), copy.copy(revision)
        row.pk, one.pk = first.pk + number, revision.pk + number
        row.namespace, row.name = places[number % 2], f"ranker-{number}"
        row.slug, row.current_id = f"{row.namespace.name}.{row.name}", None
        one.deployment_id, one.proposal_id = row.pk, None
        state = states[number % len(states)]
        rows.append(row)
        revisions.append(one)
        machine.append(DeploymentState(deployment_id=row.pk, phase="applied", observed_generation=row.generation))
        seen.append(Observation(deployment_id=row.pk, observed_at=row.changed_at, state=state, view=view, desired=2))
    copy_as_owner(
        {Deployment: rows, Revision: revisions, DeploymentState: machine, Observation: seen}, revision.pk - first.pk
    )
    return admin


def copy_as_owner(tables: dict[Any, list[Any]], ahead: int) -> None:
    """Insert as the owner, past the audit. The keys of revisions are `ahead` of those of their deployments."""
    with connections["owner"].cursor() as cursor:
        for name in GUARDED:
            cursor.execute(f"ALTER TABLE deployments_{name} DISABLE TRIGGER USER")
        for table, rows in tables.items():
            table._default_manager.using("owner").bulk_create(rows, batch_size=500)
        cursor.execute("UPDATE deployments_deployment SET current_id = id + %s WHERE current_id IS NULL", [ahead])
        cursor.execute("ANALYZE")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
