"""The Container API by plain authorised REST: one cluster, and those of a project. Nothing is written."""

from __future__ import annotations

import time
from typing import Any, Final

import orjson
import requests
from django.conf import settings

from deployments.domain.gke.cluster import Found, MalformedAnswer, listed, parse
from deployments.domain.gke.place import Place
from deployments.domain.gke.refusals import Problem, problem_of
from deployments.kube.api import ClusterError, Throttled, Unauthorized, Unreachable
from deployments.kube.gke.endpoints import checked
from deployments.kube.gke.tokens import Tokens
from deployments.kube.refusals import retry_after_s

TIMEOUT: Final = (2.0, 5.0)
WHOLE_S: Final = 10.0
LIMIT: Final = 32 * 1024 * 1024
TOKEN_S: Final = 6.0


def cluster(place: Place, tokens: Tokens) -> Found:
    """Raises a ClusterError whose `reason` is a Problem."""
    found = _get(place.path, tokens)
    try:
        return parse(found)
    except MalformedAnswer as problem:
        raise Unreachable(problem, reason=Problem.MALFORMED) from None


def clusters(project: str, location: str, tokens: Tokens) -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """The clusters of a project in a location (empty: in all), and zones that did not answer."""
    found = _get(f"projects/{project}/locations/{location or '-'}/clusters", tokens)
    try:
        return listed(found)
    except MalformedAnswer as problem:
        raise Unreachable(problem, reason=Problem.MALFORMED) from None


class _Bearer(requests.auth.AuthBase):
    """Set as `auth`, the header is ours: requests would else take one from a .netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _get(path: str, tokens: Tokens) -> dict[str, Any]:
    token = tokens.token(TOKEN_S)
    status, data, wait = _ask(path, token)
    if status == 401:
        status, data, wait = _ask(path, tokens.refused(token, TOKEN_S))
    try:
        answer = orjson.loads(data)
    except orjson.JSONDecodeError:
        answer = None
    if status == 200 and isinstance(answer, dict):
        return answer
    raise _error(status, answer if isinstance(answer, dict) else {}, wait)


def _ask(path: str, token: str) -> tuple[int, bytes, str | None]:
    """Status, body and Retry-After of an answer, within limits of time and size; nothing is followed elsewhere."""
    ends = time.monotonic() + WHOLE_S
    try:
        with requests.get(
            f"{checked(settings.BARISTA.gke_endpoint)}/v1/{path}",
            auth=_Bearer(token),
            headers={"Accept": "application/json"},
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,
        ) as response:
            parts, size = [], 0
            for part in response.iter_content(65536):
                parts.append(part)
                size += len(part)
                if size > LIMIT or time.monotonic() > ends:
                    raise Unreachable("The Container API's answer is too long or too slow.", reason=Problem.AWAY)
            return response.status_code, b"".join(parts), response.headers.get("Retry-After")
    except requests.RequestException:
        raise Unreachable("The Container API does not answer.", reason=Problem.AWAY) from None


def _error(status: int, answer: dict[str, Any], wait: str | None) -> ClusterError:
    if status < 400:
        return Unreachable("The Container API's answer is not JSON, or sends elsewhere.", reason=Problem.MALFORMED)
    problem, said = problem_of(status, answer)
    tail = f": {said}" if said else f" (HTTP {status})."
    if problem is Problem.BUSY:
        return Throttled(
            f"The Container API asks for fewer requests{tail}", status=429, retry_after_s=retry_after_s(wait)
        )
    if problem in (Problem.IDENTITY, Problem.RIGHT, Problem.API_OFF, Problem.PROJECT) and status != 404:
        return Unauthorized(f"The Container API refuses{tail}", status=status, reason=problem)
    if problem in (Problem.CLUSTER, Problem.PROJECT):
        # Not an error of credentials: it may be made anew, and is asked for again and again, ever more rarely.
        return Unreachable(f"Google has no such cluster{tail}", status=404, reason=problem)
    return Unreachable(f"The Container API has an error of its own{tail}", status=status, reason=problem)
