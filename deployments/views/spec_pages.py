"""What the pages with the form of a spec share: its buttons, its context, its fragments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from deployments import rendering
from deployments.domain.catalogue import Placement
from deployments.domain.spec.fields.field import Shape
from deployments.domain.spec.fields.table import INPUTS
from deployments.domain.spec.reader import SpecInvalid
from deployments.domain.spec.spec import Spec
from deployments.domain.spec.unclean import cleaned
from deployments.domain.text import unseen
from deployments.forms.spec import environment, texts
from deployments.forms.spec.environment import EnvRow
from deployments.forms.spec.form import Show, SpecForm
from deployments.forms.spec.layout import sections_of
from deployments.models import Deployment
from deployments.views.yaml_text import to_yaml

STEP, UNDO, REMOVE, MORE, DISCARD, CLEAN = "step", "undo", "remove", "more", "discard", "clean"


def is_step(request: HttpRequest) -> bool:
    """htmx asks what to say beside the fields; nothing is submitted."""
    return bool(request.htmx) and request.POST.get(STEP) == "1"  # type: ignore[attr-defined]


def is_rework(request: HttpRequest) -> bool:
    """A button changed the form itself: undo, remove a row, more rows, clean a value."""
    return any(name in request.POST for name in (UNDO, REMOVE, MORE, CLEAN))


def is_discard(request: HttpRequest) -> bool:
    """The author gives up what was typed."""
    return request.method == "POST" and DISCARD in request.POST


def opened(request: HttpRequest, spec: Spec) -> Spec:
    """The spec whose texts fill the form: with ?clean= without what nobody sees in its values."""
    return cleaned(spec) if request.GET.get(CLEAN) else spec


def shown_of(request: HttpRequest) -> Show:
    return Show.TOUCHED if is_step(request) or is_rework(request) else Show.ALL


def reworked(data: QueryDict, start: SpecForm) -> QueryDict:
    """What was posted, after the button that was pressed. `start` holds the texts to return to."""
    changed = data.copy()
    rows = list(environment.read(data))
    path = data.get(UNDO, "")
    if path.startswith("env."):
        rows = _undo_variable(rows, path.removeprefix("env."), dict(start.baseline.env) if start.baseline else {})
    elif path:
        # A field of several parts returns as a whole.
        for key in start.start:
            if key == path or key.startswith(f"{path}."):
                changed[texts.path_name(key)] = start.start[key]
    gone = data.get(REMOVE, "")
    rows = [row for row in rows if row.key != gone]
    unclean = data.get(CLEAN, "")
    rows = [_cleaned(row) if row.key == unclean else row for row in rows]
    if texts.path_name(unclean) in changed:
        is_prose = unclean in INPUTS and INPUTS[unclean].shape is Shape.AREA
        clean = unseen.cleaned_prose if is_prose else unseen.cleaned_lines
        changed[texts.path_name(unclean)] = clean(data.get(texts.path_name(unclean), ""))
    rows = list(environment.with_blanks(rows, more=MORE in data))
    changed.setlist(environment.NAME, [row.name for row in rows])
    changed.setlist(environment.VALUE, [row.value for row in rows])
    return changed


def _cleaned(row: EnvRow) -> EnvRow:
    return replace(row, name=unseen.cleaned(row.name), value=unseen.cleaned(row.value))


def _undo_variable(rows: Sequence[EnvRow], name: str, baseline: dict[str, str]) -> list[EnvRow]:
    kept = [row for row in rows if row.name != name]
    if name not in baseline:
        return kept
    place = next((index for index, row in enumerate(rows) if row.name == name), None)
    if place is None:
        # Removed before: it returns after the last row that holds something.
        place = max((index + 1 for index, row in enumerate(kept) if not row.is_blank), default=0)
    kept.insert(place, EnvRow(number=place + 1, name=name, value=baseline[name]))
    return kept


def manifests_of(
    form: SpecForm, place: Placement | None, *, revision: int, deployment: Deployment | None
) -> list[tuple[str, str]]:
    """Kind and text of each object that the form stands for; empty while that cannot be told."""
    if form.candidate is None or form.runtime is None or place is None:
        return []
    try:
        objects = rendering.of_spec(
            form.candidate,
            runtime=form.runtime,
            profile=form.profile if form.candidate.profile else None,
            place=place,
            revision=revision,
            deployment=deployment,
        ).objects()
    except SpecInvalid:
        return []
    return [(item["kind"], to_yaml(item)) for item in objects]


def respond(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """The whole page, the form alone after a button, or only what stands beside the fields while typing."""
    place = context.get("place_form")
    context["sections"] = sections_of(context["form"])
    context["most_bytes"] = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    context["problems_count"] = len(context["form"].problems) + (len(place.problems) if place else 0)
    if is_step(request):
        answer = render(request, "deployments/_spec_step.html", context | {"is_patch": True})
    elif request.htmx:  # type: ignore[attr-defined]
        answer = render(request, "deployments/_spec_form.html", context, status=status)
    else:
        answer = render(request, template, context, status=status)
    patch_vary_headers(answer, ["HX-Request"])
    return answer
