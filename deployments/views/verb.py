"""The shape of what is done to a deployment besides editing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import QueryDict

from deployments.audit import Actor
from deployments.domain.roles import Permission
from deployments.models import Deployment
from deployments.views.confirm import Confirm


@dataclass(frozen=True, kw_only=True)
class Verb:
    """`name` ends the URL and its name. `act` gets the deployment, who, and the form that was sent; it raises Refused
    when it cannot be done, Wrong when the form says something it may not. `done` may hold {name}."""

    name: str
    permission: Permission
    words: Callable[[Deployment], Confirm]
    act: Callable[[Deployment, Actor, QueryDict], object]
    done: str
