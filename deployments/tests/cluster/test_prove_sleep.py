"""The proof of sleep: simulated days on the real control plane, all right; and wrong as soon as something is broken.

`python -m benchmarks.prove sleep` runs it for longer: PROVE_DAYS, PROVE_DEPLOYMENTS, PROVE_SEED and SABOTAGE say how.
With SABOTAGE=every each thing is broken in turn, and has to be noticed.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from baristaweb.lib.clock import now
from deployments.actions import sleep_ledger, sleep_records
from deployments.domain.sleep.plan import steps
from deployments.domain.sleep.plan.cases import Do
from deployments.models import Cluster, Namespace, SleepDecision, User
from deployments.queries import sleep as queries
from deployments.tests import factories
from deployments.tests.cluster.conftest import Eyes
from deployments.tests.cluster.sleep_world import World
from embedded.kubernetes import grant
from embedded.kubernetes.api import Api, ApiError

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]

DAYS = int(os.environ.get("PROVE_DAYS", "2"))
DEPLOYMENTS = int(os.environ.get("PROVE_DEPLOYMENTS", "6"))
BROKEN = os.environ.get("SABOTAGE", "")
Patch = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture
def world(admin_api: Api, eyes: Eyes, live_cluster: Cluster, place: Namespace, author: User) -> Iterator[World]:
    """Development beside production, each a namespace of its own."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    grant.grant(admin_api, name)
    prod = factories.make_namespace(team=place.team, cluster=live_cluster, environment="prod", name=name)
    seed = int(os.environ.get("PROVE_SEED", "0")) or 7  # a suite that differs from run to run proves nothing twice
    print(f"\nseed {seed}, {DAYS} days, {DEPLOYMENTS} deployments")
    views = {eyes.namespace: eyes, name: Eyes(admin_api, eyes.gateway, name)}
    yield World(eyes=views, places=[place, prod], author=author, seed=seed, count_of=DEPLOYMENTS)
    with suppress(ApiError):
        grant.revoke(admin_api, name)


def start() -> datetime:
    """A Monday noon that comes."""
    day = now().replace(hour=12, minute=0, second=0, microsecond=0)
    return day + timedelta(days=7 - day.weekday())


def _miss_wakes(patch: pytest.MonkeyPatch) -> None:
    do = sleep_records.do

    def lazy(row: Any, plan: Any, *more: Any) -> None:
        if plan.do is not Do.START_WAKE:
            do(row, plan, *more)

    patch.setattr(sleep_records, "do", lazy)


def _lose_decisions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SleepDecision.objects, "create", lambda **fields: None)


def _let_production_sleep(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(queries, "_production", lambda *args, **options: None)


def _ignore_keep_awakes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(queries, "keep_awakes_of", lambda *args, **options: {})


def _count_until_ready(patch: pytest.MonkeyPatch) -> None:
    end = sleep_ledger.end

    def late(row: Any, record: Any, *, at: datetime) -> None:
        end(row, record, at=at + timedelta(seconds=60))

    patch.setattr(sleep_ledger, "end", late)


def _wake_to_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(steps, "waking_to", lambda spec, record, live=None: steps.Replicas(0))


SABOTAGE: dict[str, Patch] = {
    "miss-wakes": _miss_wakes,
    "lose-decisions": _lose_decisions,
    "let-production-sleep": _let_production_sleep,
    "ignore-keep-awakes": _ignore_keep_awakes,
    "count-until-ready": _count_until_ready,
    "wake-to-nothing": _wake_to_nothing,
}


def test_every_instant_is_explained_and_every_second_counted_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if BROKEN:
        SABOTAGE[BROKEN](monkeypatch)
    began = time.monotonic()
    wrong = world.run(start=start(), days=DAYS)
    print(f"{dict(world.done)} in {time.monotonic() - began:.0f} s")
    assert not wrong, "\n".join(wrong[:20])
    assert world.done[Do.START_WAKE.value] > 0


if BROKEN == "every":

    @pytest.mark.parametrize("name", SABOTAGE)
    def test_what_is_broken_on_purpose_is_noticed(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        SABOTAGE[name](monkeypatch)
        began = time.monotonic()
        wrong = world.run(start=start(), days=DAYS)
        print(f"{name}: noticed after {time.monotonic() - began:.0f} s: {wrong[:1]}")
        assert wrong
