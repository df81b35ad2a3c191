"""The form of a spec as the page draws it: sections of rows, each with its mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deployments.domain.changes.diff import FieldChange
from deployments.domain.spec.fields.field import SECTIONS, Choices, Field, Input, InputKind, Shape
from deployments.domain.spec.fields.resources import OWN_SIZE
from deployments.domain.spec.fields.table import FIELDS, field_for, place_of
from deployments.domain.text.naming import suggest_name
from deployments.domain.text.quantities import rounding
from deployments.domain.text.unseen import Unclean
from deployments.forms.choices import size_in_words
from deployments.forms.spec import texts
from deployments.forms.spec.form import SpecForm

SECTION_HELP = {
    "Model": "What is served.",
    "Environment variables": "Given to the model's container. Passwords and keys do not belong here.",
    "Resources": "Reserved for each pod, whether it is used or not. This is what is paid for.",
    "Scaling": "How many pods serve. An edit never wakes a sleeping model.",
    "Rollout": "How running pods are replaced by new ones.",
    "Network": "How the model is reached.",
}
FOLDED_WORDS = {
    "Model": "Description, contact, runbook, labels",
    "Environment variables": "Variables from Secrets and ConfigMaps",
    "Resources": "Ephemeral storage; where pods run: GPU type, nodes, priority, spread",
    "Scaling": "Memory target, pace, disruption budget",
    "Rollout": "Probes, deadlines, ending",
    "Network": "gRPC, path, certificate, class",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One input as the page draws it. `when` is a class by which CSS hides what does not count."""

    field: Field
    input: Input
    value: str
    error: str
    choices: Choices
    placeholder: str = ""
    origin: str = ""
    note: str = ""
    rounded: str = ""
    is_changed: bool = False
    before: str = ""

    @property
    def name(self) -> str:
        return texts.path_name(self.input.path)

    @property
    def id(self) -> str:
        return f"id_{self.name}"

    @property
    def shape(self) -> str:
        return self.input.shape.value

    @property
    def kubernetes_name(self) -> str:
        return self.field.kubernetes_name if self.input == self.field.inputs[0] else ""

    @property
    def when(self) -> str:
        return _when(self.input)

    @property
    def unclean(self) -> Unclean | None:
        """What the text holds that nobody sees: a value may, and where it is refused cleaning may be all it needs."""
        if self.input.shape is Shape.AREA:
            return Unclean.of_prose(self.value)
        return Unclean.of(self.value) if self.error or self.field.kind is InputKind.PAIRS else None

    @property
    def is_noted(self) -> bool:
        return bool(self.error) or self.is_changed or self.unclean is not None


@dataclass(frozen=True, kw_only=True)
class Section:
    """`folded` are rows that few people need; they are folded unless one of them says something."""

    name: str
    slug: str
    help: str
    rows: tuple[Row, ...]
    folded: tuple[Row, ...]
    folded_words: str
    is_open: bool
    is_env: bool
    changed: int
    wrong: int


def sections_of(form: SpecForm) -> tuple[Section, ...]:
    changed = _by_place(form.changes)
    rows = [_row(form, field, item, changed.get(item.path)) for field in FIELDS for item in field.inputs]
    made = []
    for name in SECTIONS:
        mine = [row for row in rows if row.field.section == name]
        folded = tuple(row for row in mine if row.field.is_folded)
        is_env = name == field_for("env").section
        wrong_env = [row for row in form.env if row.error] if is_env else []
        made.append(
            Section(
                name=name,
                slug=suggest_name(name),
                help=SECTION_HELP[name],
                rows=tuple(row for row in mine if not row.field.is_folded),
                folded=folded,
                folded_words=FOLDED_WORDS[name],
                is_open=any(row.is_noted for row in folded),
                is_env=is_env,
                changed=sum(change.section == name for change in form.changes),
                wrong=sum(bool(row.error) for row in mine) + len(wrong_env),
            )
        )
    return tuple(made)


def _by_place(changes: tuple[FieldChange, ...]) -> Mapping[str, FieldChange]:
    """Changes by the input that shows them; several of one list become one."""
    found: dict[str, FieldChange] = {}
    for change in changes:
        place = place_of(change.path)
        if place == change.path or place not in found:
            found[place] = change
        else:
            first = found[place]
            before = ", ".join(text for text in (first.before, change.before) if text)
            found[place] = FieldChange(first.path, first.label, first.section, before, first.after)
    return found


def _row(form: SpecForm, field: Field, item: Input, change: FieldChange | None) -> Row:
    path, error = item.path, form.error_at(item.path)
    # What is folded opens with its mistake; a usual field also shows the way back from one.
    is_wrong = bool(error) and not field.is_folded and form.baseline is not None
    is_wrong_change = is_wrong and form.texts[path] != form.start[path]
    is_quantity = field.kind in (InputKind.CPU, InputKind.MEMORY)
    return Row(
        field=field,
        input=item,
        value=form.texts[path],
        error=error,
        choices=_choices(form, item),
        placeholder=form.runtime.image if path == "image_override" and form.runtime else "",
        origin=_origin(form, field, item),
        note=_note(form, path),
        rounded=rounding(form.texts[path], is_cpu=field.kind is InputKind.CPU) if is_quantity else "",
        is_changed=change is not None or is_wrong_change,
        before=change.before if change else form.start[path] if is_wrong_change else "",
    )


def _origin(form: SpecForm, field: Field, item: Input) -> str:
    """Where the value comes from while nothing is typed or chosen."""
    is_inherited = item.path == "image_override" or (field.kind is InputKind.PROBE and item == field.inputs[0])
    return f"from {form.runtime.name}" if form.runtime and is_inherited and not form.texts[item.path] else ""


def _when(item: Input) -> str:
    if item.when is None:
        return ""
    values = "-".join(value.strip("-").lower() for value in item.when[1])
    return f"when-{item.when[0].replace('.', '-')}-{values}"


def _choices(form: SpecForm, item: Input) -> Choices:
    if item.path == "runtime":
        offered = tuple((slug, runtime.name) for slug, runtime in form.choices.runtimes.items())
        return (("", "Choose a runtime"), *offered) if form.baseline is None else offered
    if item.path == "profile":
        sizes = [(slug, f"{size.name}: {size_in_words(size)}") for slug, size in form.choices.profiles.items()]
        first = [("", "Choose a size")] if form.baseline is None else []
        return (*first, *sizes, (OWN_SIZE, "Custom size"))
    return item.choices


def _note(form: SpecForm, path: str) -> str:
    if path in ("labels", "annotations"):
        prefixes = ", ".join(form.choices.metadata_prefixes)
        return f"Allowed prefixes: {prefixes}." if prefixes else "No prefix is allowed yet: ask the platform team."
    if path == "image_override" and not form.texts[path] and form.runtime:
        return f"Now the runtime's: {form.runtime.image}"
    if path == "profile" and form.profile and form.profile.node_selector:
        nodes = ", ".join(f"{name}={value}" for name, value in form.profile.node_selector.items())
        return f"Runs on nodes with {nodes}. {form.notes.get(path, '')}".strip()
    return form.notes.get(path, "")
