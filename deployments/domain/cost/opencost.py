"""What OpenCost's published formula makes of the same pods and prices, to compare with: not a basis of ours.

OpenCost charges each container the larger of request and usage, for CPU and memory; a GPU as requested. Ours charges
requests alone, for they are what the scheduler sets aside. So OpenCost is above ours by exactly what pods use beyond
their requests, and a node's idle is below ours by the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from deployments.domain.cost.amounts import Amount
from deployments.domain.cost.machines import Machine
from deployments.domain.cost.prices import RateCard, Request, quote_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One hour: `ours`, `theirs`, and what is used beyond the request of each, which is the whole difference."""

    ours: Amount
    theirs: Amount
    cpu_beyond: Decimal
    memory_gib_beyond: Decimal


def allocated(request: Request, used: Request) -> Request:
    """OpenCost's allocation: max(request, usage) for CPU and memory, the request for GPUs."""
    return Request(
        cpu=max(request.cpu, used.cpu), memory_gib=max(request.memory_gib, used.memory_gib), gpus=request.gpus
    )


def compare(request: Request, used: Request, card: RateCard, machine: Machine | None = None) -> Comparison:
    """`used` are averages of the hour."""
    theirs = allocated(request, used)
    return Comparison(
        ours=quote_request(request, card, machine).amount,
        theirs=quote_request(theirs, card, machine).amount,
        cpu_beyond=theirs.cpu - request.cpu,
        memory_gib_beyond=theirs.memory_gib - request.memory_gib,
    )
