"""How one cluster is reached by name: its address as the Container API told it last, and whose tokens open it."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import Final

from deployments.domain.gke.cluster import Address, EndpointKind, Found, NoAddress, address
from deployments.domain.gke.place import Place
from deployments.domain.gke.refusals import Problem
from deployments.kube.api import Unreachable
from deployments.kube.gke import container_api
from deployments.kube.gke.kept import Kept, Made
from deployments.kube.gke.tokens import Tokens, tokens_of

LOOK_EVERY_S: Final = 600.0
PAUSE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Reach:
    """Implements kube.client.Bearer for one cluster and account."""

    tokens: Tokens
    found: Kept[Found]

    def address(self, kind: EndpointKind, within_s: float) -> Address:
        """Raises a ClusterError, in words; asks the Container API only when nothing is known or it is old."""
        try:
            return address(self.found.get(within_s), kind)
        except NoAddress as problem:
            self.lost()
            raise Unreachable(problem, reason=Problem.ADDRESS) from None

    def token(self, within_s: float) -> str:
        return self.tokens.token(within_s)

    def refused(self, used: str, within_s: float) -> str:
        return self.tokens.refused(used, within_s)

    def lost(self) -> None:
        """Nobody answers at the address, or with another certificate: both may have changed."""
        self.found.doubt()


_reaches: dict[tuple[int, Place, str], Reach] = {}
_guard = threading.Lock()


def reach_of(place: Place, account: str) -> Reach:
    """One for all threads of a process: the limit of requests to the Container API is the whole project's."""
    key = os.getpid(), place, account
    with _guard:
        if key not in _reaches:
            tokens = tokens_of(account)
            _reaches[key] = Reach(tokens, _kept(place, tokens))
        return _reaches[key]


def _kept(place: Place, tokens: Tokens) -> Kept[Found]:
    def look() -> Made[Found]:
        return Made(container_api.cluster(place, tokens), time.time() + LOOK_EVERY_S)

    # A cluster that is gone has no address; of any other trouble the old one is the best that there is.
    return Kept(f"The address of {place}", look, pause_s=PAUSE_S, is_over=lambda error: error.status == 404)
