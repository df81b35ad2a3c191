"""The cluster's verdict on a proposal: whether it has answered, and what it said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from deployments.domain.changes.dry_run import DryRun
from deployments.domain.status.refusals import advice
from deployments.models import Proposal
from deployments.models.requests import Answer


@dataclass(frozen=True, kw_only=True)
class ClusterVerdict:
    """`said` holds nothing before the answer; `restarts` None: the cluster has not said."""

    is_waiting: bool
    is_answered: bool
    at: datetime | None
    said: DryRun

    @property
    def is_refused(self) -> bool:
        return self.said.is_refused

    @property
    def is_platforms(self) -> bool:
        """Whether no edit of the deployment helps against any refusal."""
        return self.is_refused and all(advice(said).is_platforms for said in self.said.refusals)

    @property
    def restarts(self) -> bool | None:
        return self.said.restarts if self.is_answered else None

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        answer = Answer(proposal.answer)
        return cls(
            is_waiting=answer is Answer.WAITING,
            is_answered=answer is Answer.DONE,
            at=proposal.answered_at,
            said=DryRun.from_json(proposal.verdict),
        )
