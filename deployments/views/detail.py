"""One deployment: is it all right, if not why, and what to do next; then its pods, configuration and history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from baristaweb.lib import registry
from baristaweb.lib.clock import now
from baristaweb.lib.looks import Tone
from baristaweb.lib.numbers import whole
from deployments import rendering
from deployments.access import current_user, get_deployment, may
from deployments.domain.apiserver.objects import text
from deployments.domain.changes.diff import label, spec_diff, unified_lines
from deployments.domain.changes.warnings import version_mismatch
from deployments.domain.hints import kubectl
from deployments.domain.hints.sample_call import sample_call
from deployments.domain.manifests.metadata import ANNOTATION_REVISION
from deployments.domain.roles import Permission
from deployments.domain.spec.fields.field import SECTIONS
from deployments.domain.spec.fields.table import field_for
from deployments.domain.spec.spec import effective_image, effective_resources
from deployments.domain.spec.unclean import unclean_values
from deployments.domain.spec.wording import values
from deployments.domain.status.pods import HASH_LABEL, PodRow, pod_rows
from deployments.domain.status.rollout import StepMark
from deployments.domain.status.states import ClusterView, NextAction, Summary
from deployments.models import Deployment, Revision
from deployments.queries import detail as queries
from deployments.queries import sleep as sleep_queries
from deployments.queries.promotion import next_environment
from deployments.queries.shown import heard_at, summary_of
from deployments.views import overview, usage
from deployments.views.confirm import at
from deployments.views.usage import Use
from deployments.views.yaml_text import to_yaml

EVENTS_SHOWN = 8
REVISIONS_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What the person may do here; the page offers nothing else."""

    edit: bool
    apply: bool
    restart: bool
    pause: bool
    retire: bool
    restore: bool
    resolve: bool
    retry: bool
    keep_awake: bool
    sleep: bool


@dataclass(frozen=True, kw_only=True)
class Button:
    """The one thing to do next. `is_post`: a form that sends `fields`, without a page in between."""

    words: str
    icon: str
    url: str
    is_post: bool = False
    fields: tuple[tuple[str, str], ...] = ()


def rights_in(request: HttpRequest, deployment: Deployment) -> Rights:
    user = current_user(request)

    def has(permission: Permission) -> bool:
        return may(user, permission, team_id=deployment.team.pk, environment=deployment.environment)

    return Rights(
        edit=has(Permission.REVISION_PROPOSE) and not deployment.is_retired,
        apply=has(Permission.REVISION_APPLY),
        restart=has(Permission.DEPLOYMENT_RESTART) and not deployment.is_retired and not deployment.is_paused,
        pause=has(Permission.DEPLOYMENT_PAUSE) and not deployment.is_retired,
        retire=has(Permission.DEPLOYMENT_RETIRE) and not deployment.is_retired,
        restore=has(Permission.DEPLOYMENT_RESTORE) and deployment.is_retired,
        resolve=has(Permission.CONFLICT_RESOLVE) and not deployment.is_retired,
        retry=has(Permission.DEPLOYMENT_RETRY) and not deployment.is_retired,
        keep_awake=has(Permission.AWAKE_KEEP) and not deployment.is_retired,
        sleep=has(Permission.SLEEP_EDIT) and not deployment.is_retired,
    )


def shell_of(request: HttpRequest, deployment: Deployment, tab: str) -> dict[str, Any]:
    """The context of the head that all tabs share."""
    moment = now()
    summary = summary_of(deployment, at=moment)
    rights = rights_in(request, deployment)
    heard = heard_at(deployment)
    worst = queries.worst_pod_of(deployment, summary.worst_pod)
    return {
        "deployment": deployment,
        "parts": [part for part in registry.parts(tab) if part.is_shown(request, deployment)],
        "summary": summary,
        "rights": rights,
        "keep_awakes": sleep_queries.keep_awakes_of([deployment.pk], at=moment).get(deployment.pk, []),
        "tab": tab,
        "tabs": [(item, item.count(deployment)) for item in registry.tabs() if item.is_shown(request, deployment)],
        "next_button": _next_button(deployment, summary, rights, worst),
        "rollback_to": _rollback_to(deployment, summary, rights),
        "is_settled": summary.state.settled,
        "heard_at": heard,
        "is_stale": heard is not None and moment - heard > timedelta(seconds=settings.BARISTA.observation_stale_s),
        "verdict_tone": _verdict_tone(summary),
        "worst": worst,
        "promote_to": next_environment(deployment) if rights.edit else None,
        "kubectl": kubectl.describe(**at(deployment)),
    }


def overview_of(deployment: Deployment, summary: Summary) -> dict[str, Any]:
    """The context of the overview's live part."""
    view = queries.view_of(deployment)
    events = queries.events_of(deployment)
    pods = pod_rows(view)
    rollout = queries.rollout_of(deployment, summary, at=now())
    return {
        "pods": _with_figures(pods, view),
        "use": usage.of_view(view, deployment.current),
        "pods_ready": sum(pod.ready for pod in pods),
        "events": events[:EVENTS_SHOWN],
        "more_events": events[EVENTS_SHOWN:],
        "events_total": sum(group.times for group in events),
        "rollout": rollout,
        "track": _track(rollout) if rollout else [],
        "facts": _facts(deployment),
        **overview.boxes_of(deployment, view, pods),
    }


@require_safe
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Overview."""
    deployment = get_deployment(request, slug, Permission.DEPLOYMENT_VIEW)
    context = shell_of(request, deployment, "overview")
    return render(request, "deployments/detail.html", context | overview_of(deployment, context["summary"]))


@require_safe
def status(request: HttpRequest, slug: str) -> HttpResponse:
    """The live part of a tab; it polls itself until the state is settled."""
    deployment = get_deployment(request, slug, Permission.DEPLOYMENT_VIEW)
    context = shell_of(request, deployment, request.GET.get("tab", "overview"))
    if context["tab"] == "overview":
        context |= overview_of(deployment, context["summary"])
    return render(request, "deployments/status.html", context | {"is_patch": True})


@require_safe
def configuration(request: HttpRequest, slug: str) -> HttpResponse:
    """The current revision's values by section, and the objects that they become."""
    deployment = get_deployment(request, slug, Permission.DEPLOYMENT_VIEW)
    context = shell_of(request, deployment, "configuration")
    current = deployment.current
    if current is not None:
        rendered = rendering.of_revision(deployment, current, generation=deployment.generation)
        context |= {
            "sections": _sections(current),
            "unclean_values": unclean_values(current.to_spec()),
            "runtime": current.to_runtime(),
            "profile": current.to_profile(),
            "manifests": [(item["kind"], to_yaml(item)) for item in rendered.objects()],
        }
    return render(request, "deployments/configuration.html", context)


@require_safe
def revisions(request: HttpRequest, slug: str) -> HttpResponse:
    """All revisions, and the difference of any two (?a=&b=)."""
    deployment = get_deployment(request, slug, Permission.DEPLOYMENT_VIEW)
    context = shell_of(request, deployment, "revisions")
    page = Paginator(queries.revisions_of(deployment), REVISIONS_PAGE).get_page(request.GET.get("page"))
    rollouts = queries.rollouts_by_revision(deployment, [item.number for item in page.object_list])
    context |= {
        "page": page,
        "page_numbers": page.paginator.get_elided_page_range(page.number),
        "rows": [(item, rollouts.get(item.number)) for item in page.object_list],
        "comparison": _comparison(deployment, request.GET.get("a", ""), request.GET.get("b", "")),
        "revision_parts": [part for part in registry.parts("revision") if part.is_shown(request, deployment)],
    }
    return render(request, "deployments/revisions.html", context)


def _comparison(deployment: Deployment, first: str, second: str) -> dict[str, Any] | None:
    if not first and not second:
        return None
    # 0 is never a revision, so that what is not a number finds nothing.
    wanted = (whole(first, 0), whole(second, 0))
    found = {item.number: item for item in deployment.revisions.filter(number__in=wanted)}
    if not set(wanted) <= found.keys():
        raise Http404
    old, new = sorted((found[number] for number in wanted), key=lambda item: item.number)
    lines: list[str] = []
    before = {item["kind"]: item for item in rendering.of_revision(deployment, old).objects()}
    after = {item["kind"]: item for item in rendering.of_revision(deployment, new).objects()}
    for kind in sorted(before.keys() | after.keys()):
        changed = unified_lines(before.get(kind), after.get(kind, {}))
        lines += [f"{kind}", *changed] if changed else []
    return {
        "old": old,
        "new": new,
        "changes": spec_diff(old.to_spec(), new.to_spec()),
        "lines": lines,
        "runtime_changed": old.runtime != new.runtime,
        "profile_changed": old.profile != new.profile,
    }


def _verdict_tone(summary: Summary) -> str:
    tone = summary.state.tone
    return {"ok": "ok", "bad": "bad", "warn": "warn", "stall": "warn"}.get(tone.value, "plan")


def _rollback_to(deployment: Deployment, summary: Summary, rights: Rights) -> int | None:
    """The revision that would help, beside another next step, when pods fail and one ran before."""
    if summary.state.tone is not Tone.BAD or not rights.edit or summary.next_action is NextAction.ROLLBACK:
        return None
    return queries.revision_to_return_to(deployment)


def _next_button(deployment: Deployment, summary: Summary, rights: Rights, worst: PodRow | None) -> Button | None:
    """What to press, if the person may press it."""
    action, slug = summary.next_action, deployment.slug
    if action is NextAction.ROLLBACK and rights.edit:
        target = queries.revision_to_return_to(deployment)
        if target is not None:
            return Button(
                words=f"Roll back to {target}",
                icon="arrow-back-up",
                url=reverse("deployment-rollback", args=[slug, target]),
                is_post=True,
            )
        return Button(words="Edit", icon="pencil", url=reverse("deployment-edit", args=[slug]))
    if action is NextAction.EDIT and rights.edit:
        return Button(words="Edit", icon="pencil", url=reverse("deployment-edit", args=[slug]))
    if action is NextAction.OPEN_LOGS:
        has_previous = worst is not None and worst.has_previous
        container = worst.failing_container if worst else ""
        return Button(
            words="Read its last logs" if has_previous else "Read its logs",
            icon="terminal-2",
            url=reverse("deployment-logs", args=[slug]),
            is_post=True,
            fields=(
                ("pod", summary.worst_pod),
                *([("container", container)] if container else []),
                *([("previous", "on")] if has_previous else []),
            ),
        )
    if action is NextAction.RESOLVE_CONFLICT and rights.resolve:
        return Button(words="Resolve", icon="git-compare", url=reverse("deployment-conflict", args=[slug]))
    if action is NextAction.RESOLVE_CONFLICT and not deployment.is_retired:
        words = "See who can resolve it"
        return Button(words=words, icon="git-compare", url=reverse("deployment-conflict", args=[slug]))
    if action is NextAction.TRY_NOW and rights.retry:
        return Button(words="Try now", icon="refresh", url=reverse("deployment-try-now", args=[slug]), is_post=True)
    if action is NextAction.RESUME and rights.pause:
        return Button(words="Resume", icon="player-play", url=reverse("deployment-resume", args=[slug]))
    return None


def _with_figures(pods: Sequence[PodRow], view: ClusterView) -> list[tuple[PodRow, str, tuple[Use | None, Use | None]]]:
    """Each pod with our revision number, which the Deployment controller copies onto the ReplicaSet, and its use."""
    revisions_by_hash = {
        text(item, "metadata", "labels", HASH_LABEL): text(item, "metadata", "annotations", ANNOTATION_REVISION)
        for item in view.replica_sets
    }
    return [
        (
            pod,
            revisions_by_hash.get(pod.revision_hash, ""),
            usage.of_pod(view.usage.get(pod.name), pod.cpu_request, pod.memory_request),
        )
        for pod in pods
    ]


def _track(rollout: queries.RolloutView) -> list[dict[str, Any]]:
    """Steps with the class of the line that leads to the next one."""
    items = []
    for step, after in zip(rollout.steps, [*rollout.steps[1:], None], strict=True):
        line = ""
        if after is not None and step.mark is StepMark.DONE:
            line = "" if after.mark is StepMark.DONE else f"to-{after.mark.value}"
        items.append({"step": step, "line": line, "took_s": after.took_s if after else None, "next": after})
    return items


def _facts(deployment: Deployment) -> dict[str, Any]:
    current = deployment.current
    if current is None:
        return {}
    spec, runtime, profile = current.to_spec(), current.to_runtime(), current.to_profile()
    return {
        "spec": spec,
        "image": effective_image(spec, runtime),
        "resources": effective_resources(spec, profile),
        "runtime": runtime,
        "profile": profile,
        "mismatch": version_mismatch(spec),
        "unclean_values": unclean_values(spec),
        "sample_call": sample_call(
            spec,
            runtime,
            name=deployment.name,
            namespace=deployment.namespace.name,
            model_name=deployment.model.slug,
        ),
    }


def _sections(revision: Revision) -> list[tuple[str, list[dict[str, str]]]]:
    """Set values by section, in the form's order, with the field's Kubernetes name."""
    rows = [(field_for(path), label(path), value) for path, value in values(revision.to_spec()).items()]
    rows.sort(key=lambda row: SECTIONS.index(row[0].section))
    return [
        (section, [{"label": words, "value": value, "field": field.kubernetes_name} for field, words, value in items])
        for section, items in groupby(rows, key=lambda row: row[0].section)
    ]
