"""The form of a spec as the page draws it: sections of rows, each with its mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployments.domain.changes.diff import FieldChange
from deployments.domain.spec.field import SECTIONS, Field
from deployments.domain.spec.fields import FIELDS, field_for
from deployments.domain.text.naming import suggest_name
from deployments.domain.text.quantities import rounding
from deployments.forms.choices import size_in_words
from deployments.forms.spec import inputs, texts
from deployments.forms.spec.inputs import Part

if TYPE_CHECKING:
    from deployments.forms.spec.form import SpecForm

SECTION_HELP = {
    "Model": "What is served.",
    "Environment variables": "Given to the model's container. Passwords and keys do not belong here.",
    "Resources": "Reserved for each pod, whether it is used or not. This is what is paid for.",
    "Scaling": "How many pods serve. An edit never wakes a sleeping model.",
    "Rollout": "How running pods are replaced by new ones.",
    "Network": "How the model is reached.",
}
MORE_WORDS = {
    "Model": "Description, contact, runbook, labels",
    "Environment variables": "Variables from Secrets and ConfigMaps",
    "Resources": "Where pods run: GPU type, nodes, priority, spread",
    "Scaling": "Memory target, pace, disruption budget",
    "Rollout": "Probes, deadlines, ending",
    "Network": "gRPC, path, certificate, class",
}
UNITS = {
    "replicas.count": "pods",
    "replicas.min": "pods",
    "replicas.max": "pods",
    "replicas.cpu_percent": "% of the request",
    "resources.gpu_count": "GPUs",
}
MODES = (("fixed", "A fixed number of pods"), ("autoscale", "A range that follows the load (autoscaler)"))
STRATEGIES = (
    ("RollingUpdate", "Gradually: new pods first, then the old ones end"),
    ("Recreate", "All old pods end first: an interruption, but never two versions at once"),
)
NUMBERS = frozenset(UNITS) | {"service", "strategy.max_surge", "strategy.max_unavailable"}


@dataclass(frozen=True, kw_only=True)
class Problem:
    anchor: str
    label: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One text as the page draws it. `when` is a class by which CSS hides what does not count."""

    field: Field
    name: str
    value: str
    kind: str
    error: str
    choices: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    placeholder: str = ""
    origin: str = ""
    note: str = ""
    rounded: str = ""
    when: str = ""
    undo: str = ""
    is_changed: bool = False
    before: str = ""

    @property
    def id(self) -> str:
        return f"id_{self.name}"

    @property
    def unset(self) -> str:
        """What an empty value means here."""
        return {"profile": "numbers of its own", "image_override": "the runtime's"}.get(self.field.path, "not set")

    @property
    def is_noted(self) -> bool:
        return bool(self.error) or self.is_changed


@dataclass(frozen=True, kw_only=True)
class Section:
    """`more` are rows that few people need; they are folded unless one of them says something."""

    name: str
    slug: str
    help: str
    rows: tuple[Row, ...]
    more: tuple[Row, ...]
    more_words: str
    is_more_open: bool
    is_env: bool
    changed: int
    wrong: int


def sections_of(form: SpecForm) -> tuple[Section, ...]:
    changed = _by_place(form.changes)
    rows = [_row(form, field, changed.get(field.path)) for field in FIELDS if field.path != "env"]
    others = [_part_row(form, part, changed.get(part.path)) for part in inputs.PARTS]
    made = []
    for name in SECTIONS:
        mine = tuple(row for row in rows if row.field.section == name)
        folded = tuple(row for row in others if row.field.section == name)
        is_env = name == field_for("env").section
        wrong_env = [row for row in form.env if row.error] if is_env else []
        made.append(
            Section(
                name=name,
                slug=suggest_name(name),
                help=SECTION_HELP[name],
                rows=mine,
                more=folded,
                more_words=MORE_WORDS[name],
                is_more_open=any(row.is_noted for row in folded),
                is_env=is_env,
                changed=sum(change.section == name for change in form.changes),
                wrong=sum(bool(row.error) for row in (*mine, *folded)) + len(wrong_env),
            )
        )
    return tuple(made)


def _by_place(changes: tuple[FieldChange, ...]) -> Mapping[str, FieldChange]:
    """Changes by the text that shows them; several of one list become one."""
    found: dict[str, FieldChange] = {}
    for change in changes:
        place = inputs.place_of(change.path)
        if place == change.path or place not in found:
            found[place] = change
        else:
            first = found[place]
            before = ", ".join(text for text in (first.before, change.before) if text)
            found[place] = FieldChange(first.path, first.label, first.section, before, first.after)
    return found


def _row(form: SpecForm, field: Field, change: FieldChange | None) -> Row:
    path = field.path
    error = form.error_at(path)
    is_wrong_change = bool(error) and form.baseline is not None and form.texts[path] != form.start[path]
    runtime_image = form.runtime.image if path == "image_override" and form.runtime else ""
    return Row(
        field=field,
        name=texts.path_name(path),
        value=form.texts[path],
        kind=_kind(path),
        error=error,
        choices=_choices(form, path),
        unit=UNITS.get(path, ""),
        placeholder=runtime_image,
        origin=f"from {form.runtime.name}" if runtime_image and not form.texts[path] and form.runtime else "",
        note=_note(form, path),
        rounded=rounding(form.texts[path], is_cpu="cpu" in path)
        if path.startswith(("resources.cpu", "resources.memory"))
        else "",
        when=_when(path),
        undo=path,
        is_changed=change is not None or is_wrong_change,
        before=change.before if change else form.start[path] if is_wrong_change else "",
    )


def _part_row(form: SpecForm, part: Part, change: FieldChange | None) -> Row:
    owner, error = field_for(part.owner), form.error_at(part.path)
    runtime = form.runtime
    is_unset = part.kind == "select" and not form.texts[part.path]
    return Row(
        field=Field(
            part.path,
            part.label,
            owner.section,
            owner.kubernetes_name if part.is_first else "",
            part.help,
            restarts=owner.restarts,
        ),
        name=texts.path_name(part.path),
        value=form.texts[part.path],
        kind=part.kind,
        error=error,
        choices=part.choices,
        unit=part.unit,
        origin=f"from {runtime.name}" if runtime and is_unset and part.owner in inputs.PROBES else "",
        note=_part_note(form, part),
        when=_when(part.path),
        undo=part.owner,
        is_changed=part.is_first and change is not None,
        before=change.before if part.is_first and change else "",
    )


def _part_note(form: SpecForm, part: Part) -> str:
    if part.owner in ("labels", "annotations"):
        prefixes = ", ".join(form.choices.metadata_prefixes)
        return f"Allowed prefixes: {prefixes}." if prefixes else "No prefix is allowed yet: ask the platform team."
    return form.notes.get(part.path, "")


def _when(path: str) -> str:
    needs = texts.condition(path)
    if needs is None:
        return ""
    values = "-".join(value.strip("-").lower() for value in needs[1])
    return f"when-{needs[0].replace('.', '-')}-{values}"


def _kind(path: str) -> str:
    if path in ("runtime", "profile"):
        return "select"
    if path in ("replicas.mode", "strategy.type"):
        return "radios"
    return "number" if path in NUMBERS else "quantity" if path.startswith("resources.") else "text"


def _choices(form: SpecForm, path: str) -> tuple[tuple[str, str], ...]:
    if path == "runtime":
        offered = tuple((slug, runtime.name) for slug, runtime in form.choices.runtimes.items())
        return (("", "Choose a runtime"), *offered) if form.baseline is None else offered
    if path == "profile":
        sizes = [(slug, f"{item.name}: {size_in_words(item)}") for slug, item in form.choices.profiles.items()]
        first = [("", "Choose a size")] if form.baseline is None else []
        return (*first, *sizes, (texts.OWN_SIZE, "Numbers of your own"))
    return {"replicas.mode": MODES, "strategy.type": STRATEGIES}.get(path, ())


def _note(form: SpecForm, path: str) -> str:
    if path == "image_override" and not form.texts[path] and form.runtime:
        return f"Now the runtime's: {form.runtime.image}"
    if path == "profile" and form.profile and form.profile.node_selector:
        nodes = ", ".join(f"{name}={value}" for name, value in form.profile.node_selector.items())
        return f"Runs on nodes with {nodes}. {form.notes.get(path, '')}".strip()
    return form.notes.get(path, "")
