"""What the review of a proposal says: what will happen, what changes, what to know before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from baristaweb.lib.clock import now
from deployments import rendering
from deployments.domain.catalogue import Environment, HardwareProfile, Runtime
from deployments.domain.changes.diff import FieldChange, blast_radius, label, spec_diff, unified_lines
from deployments.domain.changes.effective import Side, filled
from deployments.domain.changes.warnings import UNSEEN, ReviewWarning, review_warnings
from deployments.domain.cost.budgets import Effect
from deployments.domain.cost.change import CostChange
from deployments.domain.spec.fields.table import field_for
from deployments.domain.spec.parts import RollingUpdate
from deployments.domain.spec.spec import Spec, effective_resources
from deployments.domain.text.quantities import human_memory
from deployments.models import Proposal, Revision
from deployments.queries import budgets, costs
from deployments.queries.awake import of_place
from deployments.queries.form_notes import memory_used
from deployments.queries.promotion import SourceState, promoted_in
from deployments.queries.replicas import scaled_back
from deployments.queries.verdict import ClusterVerdict


@dataclass(frozen=True, kw_only=True)
class Warn:
    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """`restarts` None: nobody knows yet."""

    change: FieldChange
    restarts: bool | None


class Review:
    """A proposal beside what is deployed now. Needs the proposal with its deployment, current revision and places."""

    def __init__(self, proposal: Proposal, *, allowlist: Sequence[str]) -> None:
        self.proposal = proposal
        self.allowlist = allowlist
        self.deployment = proposal.deployment
        self.current = self.deployment.current if self.deployment else None
        self.spec = Spec.from_json(proposal.spec)
        self.runtime = Runtime.from_json(proposal.runtime)
        self.profile = HardwareProfile.from_json(proposal.profile) if proposal.profile else None
        self.environment = Environment(proposal.namespace.environment)
        self.verdict = ClusterVerdict.of(proposal)

    @cached_property
    def before(self) -> Revision | None:
        """What it is compared with: the current revision, or once it is applied, the one that it replaced."""
        if self.deployment is None or self.proposal.applied_at is None:
            return self.current
        return self.deployment.revisions.filter(number=self.proposal.based_on).first()

    @property
    def is_create(self) -> bool:
        return self.before is None

    @property
    def is_prod(self) -> bool:
        return self.environment is Environment.PROD

    @property
    def is_stale(self) -> bool:
        """Another revision was saved since the proposal was begun."""
        return self.current is not None and self.current.number != self.proposal.based_on

    @property
    def next_number(self) -> int:
        return (self.before.number if self.before else 0) + 1

    @cached_property
    def changes(self) -> tuple[FieldChange, ...]:
        return spec_diff(self.before.to_spec() if self.before else None, self.spec)

    @cached_property
    def by_hand(self) -> tuple[FieldChange, ...]:
        """What applying does to a number of pods that somebody else set in the cluster."""
        if self.deployment is None or not self.proposal.is_open:
            return ()
        return scaled_back(self.deployment, at=now(), after=self.spec)

    @property
    def catalogue_changed(self) -> bool:
        """The platform team has changed the runtime or profile since the current revision."""
        if self.before is None:
            return False
        pairs = ((self.before.runtime, self.proposal.runtime), (self.before.profile, self.proposal.profile))
        return any(old and new and old["slug"] == new["slug"] and old != new for old, new in pairs)

    @cached_property
    def cost(self) -> CostChange | None:
        """What it does to the price; once applied, as it was kept then, or None where it was not."""
        if self.proposal.applied_at is not None:
            return costs.kept_with(getattr(self.proposal, "revision", None))
        return costs.change_of(self.proposal, before=self.before, at=now())

    @cached_property
    def promoted(self) -> SourceState | None:
        """How what is promoted does where it comes from; None when nothing is promoted, or it is applied."""
        return promoted_in(self.proposal.promotes, at=now()) if self.proposal.is_open else None

    @cached_property
    def budgets(self) -> tuple[Effect, ...]:
        """What it does to the budgets over it; once applied, as it was found then."""
        if self.proposal.applied_at is not None:
            return budgets.kept_with(getattr(self.proposal, "revision", None))
        place = self.deployment or of_place(self.proposal.namespace, model=self.proposal.model)
        return budgets.effects(
            place,
            spec=self.proposal.spec,
            profile=self.proposal.profile,
            moves=self.cost is None or self.cost.is_moving,
            at=now(),
            is_return=self.proposal.kind == Proposal.Kind.ROLLBACK,
        )

    @property
    def needs_budget_reason(self) -> bool:
        return self.proposal.is_open and any(effect.needs_reason for effect in self.budgets)

    @property
    def is_empty(self) -> bool:
        return not self.is_create and not self.changes and not self.catalogue_changed

    @cached_property
    def rows(self) -> tuple[ChangeRow, ...]:
        new = Side(self.spec, self.runtime, self.profile)
        rows = [
            ChangeRow(change=change, restarts=self._restarts(change))
            for change in filled(self.changes, side_of(self.before), new)
        ]
        return (*rows, *(ChangeRow(change=change, restarts=False) for change in self.by_hand))

    def _restarts(self, change: FieldChange) -> bool | None:
        hint = field_for(change.path).restarts
        if self.is_create:
            return None
        # The cluster's answer is about the whole change; a field that can restart is blamed only if something does.
        return hint and self.verdict.restarts is not False

    @property
    def pods(self) -> int:
        """Pods serving now, as last seen; before anything was seen, as many as the current revision asks for."""
        if self.deployment is None or self.current is None:
            return 0
        seen = self.deployment.observation
        return max(seen.ready, seen.desired) if seen.observed_at else self.current.to_spec().min_replicas

    @property
    def say(self) -> str:
        """The first line: what applying does."""
        if self.is_create:
            low, high = self.spec.min_replicas, self.spec.max_replicas
            pods = f"{low} to {high} pods" if low != high else "1 pod" if low == 1 else f"{low} pods"
            size = effective_resources(self.spec, self.profile)
            memory = human_memory(size.memory_request)
            each = memory if high == 1 else f"{memory} each"
            return f"Starts {pods} of {each} in {self.proposal.namespace.name}. Nothing that runs now is touched."
        sentence = blast_radius(
            self.changes,
            restarts=self.verdict.restarts,
            pods=self.pods,
            environment_label=self.environment.label,
            new=self.spec,
            is_asleep=self.deployment is not None and self.deployment.open_sleep is not None,
        )
        if not self.verdict.is_waiting:
            sentence = sentence.replace("the cluster is being asked", "the cluster has not confirmed it")
        if self.by_hand and self.pods == 0:
            # It does not sleep: the apply starts what somebody stopped.
            after = self.by_hand[0].after
            sentence = f"Starts {after} {'pod' if after == '1' else 'pods'} in {self.environment.label.lower()}."
        for change in self.by_hand:
            sentence += f" The cluster runs {change.before}; applying puts it to {change.after}."
        if self.proposal.returns_to:
            sentence = f"Returns to revision {self.proposal.returns_to}. {sentence}"
        return sentence

    @property
    def why(self) -> str:
        place = f"Touches {self.proposal.name} in {self.proposal.namespace.name} only."
        if self.current is None:
            return place
        if self.verdict.said.held:
            holders = " and ".join(sorted({held.manager for held in self.verdict.said.held}))
            return f"{place} Nothing of it reaches the cluster while {holders} holds a field of it: see below."
        if self.deployment is not None and self.deployment.is_paused:
            return f"{place} It is paused: what you apply is saved and reaches the cluster when it is resumed."
        return f"{place} You can return to revision {self.current.number} at any moment."

    @cached_property
    def warnings(self) -> tuple[Warn, ...]:
        """What to know before; none of it stops anybody."""
        warns = [Warn(title=_title(item.path), text=item.message) for item in self._found if self._is_news(item)]
        strategy = self.spec.strategy
        if isinstance(strategy, RollingUpdate) and strategy.max_unavailable not in (0, "0%"):
            text = "During the rollout fewer pods serve than you ask for."
            warns.append(Warn(title=_title("strategy.max_unavailable"), text=text))
        if self._needs_extra_gpus:
            text = (
                "The rollout runs one pod more than you ask for, which needs GPUs of its own: where none is free, it "
                "waits for ever. Max surge 0 and max unavailable 1 replace the pods in place."
            )
            warns.append(Warn(title=_title("strategy.max_surge"), text=text))
        if self.catalogue_changed:
            text = "This revision takes the runtime and hardware profile as the platform team now defines them."
            warns.append(Warn(title="The catalogue has changed", text=text))
        return tuple(warns)

    @property
    def has_unclean(self) -> bool:
        """Whether a value holds what nobody sees, so that the form can be opened with it cleaned."""
        return any(item.code == UNSEEN for item in self._found)

    @property
    def _needs_extra_gpus(self) -> bool:
        """Whether pods with GPUs are replaced, and none may be missing meanwhile."""
        strategy = self.spec.strategy
        is_gradual = isinstance(strategy, RollingUpdate) and strategy.max_unavailable in (0, "0%")
        has_gpus = effective_resources(self.spec, self.profile).gpu_count
        return bool(is_gradual and has_gpus and self.pods and self.verdict.restarts)

    @cached_property
    def _found(self) -> Sequence[ReviewWarning]:
        return self._warnings_in(self.environment)

    def _warnings_in(self, environment: Environment) -> Sequence[ReviewWarning]:
        return review_warnings(
            self.spec,
            environment=environment,
            runtime=self.runtime,
            profile=self.profile,
            allowlist=self.allowlist,
            memory_used=self._memory_used,
            quota=self.verdict.said.quota,
        )

    @cached_property
    def _memory_used(self) -> int | None:
        return memory_used(self.deployment) if self.deployment else None

    @cached_property
    def before_prod(self) -> Sequence[Warn]:
        """What prod would be warned of, and this environment is not: how people work here, not how they serve."""
        told = {(warn.title, warn.text) for warn in self.warnings}
        found = self._warnings_in(Environment.PROD) if not self.is_prod else ()
        warns = [Warn(title=_title(item.path), text=item.message) for item in found if item.code != "prod"]
        return [warn for warn in warns if (warn.title, warn.text) not in told]

    def _is_news(self, warning: ReviewWarning) -> bool:
        """The page says prod by itself; outside of it a tag is how people work."""
        return warning.code != "prod" and (self.is_prod or warning.code != "tag")

    @cached_property
    def manifest_lines(self) -> Sequence[str]:
        """The difference as `diff -u` prints it: live against dry run when the cluster has answered, else our own."""
        if self.verdict.is_answered and not self.verdict.is_refused:
            return self.verdict.said.manifest_lines
        before = rendering.before_proposal(self.proposal)
        old = {item["kind"]: item for item in before.objects()} if before else {}
        new = {item["kind"]: item for item in rendering.of_proposal(self.proposal).objects()}
        lines: list[str] = []
        for kind in (*new, *(kind for kind in old if kind not in new)):
            changed = unified_lines(old.get(kind), new.get(kind, {}))
            lines += [f"# {kind} {self.proposal.name}", *changed] if changed else []
        return lines


def side_of(revision: Revision | None) -> Side | None:
    """As it is compared for people: with the catalogue of its day."""
    return Side(revision.to_spec(), revision.to_runtime(), revision.to_profile()) if revision is not None else None


def _title(path: str) -> str:
    return label(path) if path else "Note"
