"""Random nights of one deployment: crashes between write and store, other writers, keep-awakes, edits, slow starts."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deployments.domain.sleep.plan import waves
from deployments.domain.sleep.plan.cases import Autoscaler, Case, Do, Hold, Live, Plan, Record, SleepState, Spec
from deployments.domain.sleep.plan.steps import next_step
from deployments.domain.sleep.schedule.coming import awake_again
from deployments.domain.sleep.schedule.decisions import Decision, decide
from deployments.domain.sleep.schedule.layers import Ask, Grant, Inputs, Layer, Level
from deployments.domain.sleep.schedule.windows import Schedule, Span, Window

START = datetime(2026, 3, 26, 12, tzinfo=UTC)  # the clocks change on the 29th
MINUTE = timedelta(minutes=1)
NIGHTS = tuple(
    Window.parse(f"{one} 20:00 -> {other} 07:30")
    for one, other in zip(("Mon", "Tue", "Wed", "Thu", "Fri"), ("Tue", "Wed", "Thu", "Fri", "Mon"), strict=True)
)
SLOWEST = 9


class Nights:
    """A cluster of one deployment, and a shell that does what the plan says, sometimes dying before it stores it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        scaler = Autoscaler(minimum=self.chance.choice([1, 2]), maximum=6) if self.chance.random() < 0.5 else None
        self.spec = Spec(replicas=self.chance.choice([1, 3, 10]), autoscaler=scaler)
        target = self.chance.choice([0, 0, 1])
        weekly = Schedule(key="s", version=1, name="N", zone="Europe/Berlin", windows=NIGHTS, target=target)
        self.inputs = Inputs(layers=(Layer(level=Level.TEAM, name="T", weekly=weekly),))
        self.record: Record | None = None
        self.conflict: Hold | None = None
        self.replicas, self.minimum = self.spec.replicas, scaler.minimum if scaler else None
        self.writer, self.is_automation = "barista-scaler", False
        self.ready_at = START
        self.writes: list[tuple[datetime, Do]] = []
        self.is_off_by_hand = False

    def live(self, at: datetime) -> Live | None:
        if self.chance.random() < 0.1:
            return None
        is_ready = at >= self.ready_at
        return Live(
            seen_at=at,
            replicas=self.replicas,
            pods=self.replicas,
            ready=self.replicas if is_ready else 0,
            minimum=self.minimum,
            writer=self.writer,
            is_automation=self.is_automation,
        )

    def scale(self, replicas: int, at: datetime, writer: str, *, automation: bool = False) -> None:
        if replicas > self.replicas:
            self.ready_at = at + self.chance.randrange(SLOWEST) * MINUTE
        self.replicas, self.writer, self.is_automation = replicas, writer, automation

    def happen(self, at: datetime) -> None:
        dice = self.chance.random()
        if dice < 0.002:
            self.scale(self.chance.choice([0, 1, 2, 12]), at, "kubectl")
            # Left at 0 by a person in the day, it stays at 0 through the nights.
            self.is_off_by_hand = self.replicas == 0
        elif dice < 0.003:
            span = Span(at, at + self.chance.randrange(5, 400) * MINUTE)
            grant = Grant(key=str(at), ask=Ask.KEEP_AWAKE, span=span, owner="ana", reason="demo")
            self.inputs = replace(self.inputs, keep_awake=(grant,))
        elif dice < 0.0035:
            self.inputs = replace(self.inputs, keep_awake=())
        elif dice < 0.004:
            self.spec = replace(self.spec, is_paused=not self.spec.is_paused)
        elif dice < 0.0045 and self.record is not None:
            self.spec = replace(self.spec, replicas=self.chance.choice([1, 2, 5]))

    def step(self, at: datetime) -> tuple[Plan, Decision]:
        sleeping = self.record.open_sleep if self.record else None
        decision = decide(self.inputs, at=at, sleeping=sleeping)
        due_at = awake_again(self.inputs, at=at, sleeping=sleeping) if decision.asleep else None
        due = waves.due(due_at, waves.lead([60.0 * SLOWEST] * 5))
        case = Case(
            spec=self.spec, decision=decision, due=due, record=self.record, live=self.live(at), conflict=self.conflict
        )
        plan = next_step(case, at=at)
        if plan.do in (Do.WRITE_SLEEP, Do.WRITE_WAKE):
            self.writes.append((at, plan.do))
            assert self.record is not None, "written before the record was stored"
            if plan.effective.count is not None:
                self.scale(plan.effective.count, at, "barista-scaler")
            if plan.effective.minimum is not None:
                self.minimum = plan.effective.minimum
        if self.chance.random() > 0.1:
            self.check_saved(plan)
            self.record, self.conflict = plan.record, plan.conflict
        return plan, decision

    def check_saved(self, plan: Plan) -> None:
        if self.record is not None and plan.record is not None:
            assert plan.record.saved_replicas == self.record.saved_replicas

    def settle(self, at: datetime) -> Plan:
        """As often as a relay would in a minute; it comes to rest."""
        for _ in range(60):
            plan, decision = self.step(at)
            self.check(plan, decision, at)
            if plan.do is Do.NOTHING and plan.live is not None:
                return plan
        raise AssertionError(f"does not come to rest: {plan}")

    def check(self, plan: Plan, decision: Decision, at: datetime) -> None:
        if not decision.asleep:
            assert plan.do not in (Do.OPEN_RECORD, Do.WRITE_SLEEP), "put to sleep against the decision"
        if self.spec.is_paused:
            assert plan.do is not Do.OPEN_RECORD
        assert plan.words


@pytest.mark.parametrize("seed", range(12))
def test_no_wake_is_missed_and_nothing_sleeps_against_the_decision(seed: int) -> None:
    night = Nights(seed)
    awake_for = 0
    slept = 0
    for minute in range(0, 5 * 1440, 5):
        at = START + minute * MINUTE
        night.happen(at)
        plan = night.settle(at)
        awake_for = 0 if decide(night.inputs, at=at).asleep else awake_for + 5
        slept += plan.state is SleepState.ASLEEP
        night.is_off_by_hand &= night.replicas == 0
        if awake_for > 2 * SLOWEST:
            assert night.record is None, plan.words
            assert night.is_off_by_hand or night.replicas > 0, plan.words
            if night.spec.autoscaler is not None:
                assert night.is_off_by_hand or night.minimum == night.spec.autoscaler.minimum
    assert slept > 0 or night.spec.is_paused


def test_a_machine_that_scales_back_is_fought_three_times_and_then_named() -> None:
    night = Nights(1)
    night.spec, night.chance = Spec(replicas=3), random.Random(0)
    at = START + 12 * 60 * MINUTE
    for minute in range(30):
        plan = night.settle(at + minute * MINUTE)
        if night.replicas == 0:
            night.scale(3, at + minute * MINUTE, "argocd-controller", automation=True)
    assert plan.state is SleepState.CONFLICT
    assert "argocd-controller" in plan.words
    assert len([one for one in night.writes if one[1] is Do.WRITE_SLEEP]) == 4
