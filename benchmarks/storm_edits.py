"""Edit deployments of a running demo, 2 a second, and note when each edit was accepted (see storm.py)."""

from __future__ import annotations

import json
import random
import sys
import time
from dataclasses import replace

import django

django.setup()

from django.db import Error as DatabaseProblem  # noqa: E402  models need the settings first

from deployments.actions import proposals, revisions  # noqa: E402
from deployments.actions.errors import Refused  # noqa: E402
from deployments.audit import Actor  # noqa: E402
from deployments.models import Deployment, DeploymentState, Proposal, User  # noqa: E402

PACE_S = 0.5
NUMBER = 12
GIVE_UP_S = 120.0

Open = dict[tuple[int, int], float]


def main(lasts_s: float) -> None:
    """Print the wall-clock times [saved, applied] of each edit that a cluster accepted, and how many were lost."""
    author = User.objects.get(username="platform")
    rows = list(Deployment.objects.live().filter(paused_at=None, state__phase="applied").values_list("pk", flat=True))
    chance = random.Random(7)
    chosen = rows[:NUMBER]
    if not chosen:
        sys.exit("The demo has no applied deployment yet.")
    waiting: Open = {}
    applied: list[tuple[float, float]] = []
    ends = time.time() + lasts_s
    while time.time() < ends or (waiting and time.time() < ends + GIVE_UP_S):
        if time.time() < ends:
            _edit(chance.choice(chosen), author, waiting)
        until = time.time() + PACE_S
        while time.time() < until:
            _note(waiting, applied)
            time.sleep(0.05)
    print(json.dumps({"applied": applied, "lost": len(waiting)}))


def _edit(pk: int, author: User, waiting: Open) -> None:
    row = Deployment.objects.related().get(pk=pk)
    if row.current is None:
        return
    spec = replace(row.current.to_spec(), env=(("STORM", str(time.time_ns())),))
    try:
        proposal = proposals.make(
            by=author,
            kind=Proposal.Kind.EDIT,
            spec=spec,
            deployment=row,
            model=row.model,
            namespace=row.namespace,
            name=row.name,
            based_on=row.current.number,
        )
        revisions.apply(proposal=proposal, by=Actor.as_user(author), note="storm", reviewed=proposal.spec_hash)
    except (Refused, DatabaseProblem):
        return
    generation = Deployment.objects.values_list("generation", flat=True).get(pk=pk)
    waiting[pk, generation] = time.time()


def _note(waiting: Open, applied: list[tuple[float, float]]) -> None:
    found = DeploymentState.objects.filter(pk__in={pk for pk, _ in waiting})
    seen = dict(found.values_list("pk", "observed_generation"))
    for key in [key for key in waiting if seen.get(key[0], 0) >= key[1]]:
        applied.append((waiting.pop(key), time.time()))


if __name__ == "__main__":
    main(float(sys.argv[1]))
