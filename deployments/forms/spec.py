"""The form of a spec: rows in sections, what is wrong with them, and what they change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from django.http import QueryDict

from deployments.domain import diff
from deployments.domain.catalogue import HardwareProfile, Runtime
from deployments.domain.diff import FieldChange
from deployments.domain.fields import FIELDS, SECTIONS, Field, field_for
from deployments.domain.naming import InvalidText, check_storable, suggest_name
from deployments.domain.spec import Spec, SpecInvalid, validate
from deployments.forms import env_rows, texts
from deployments.forms.choices import Choices, size_in_words
from deployments.forms.env_rows import EnvRow, Removed
from deployments.forms.texts import Errors, Texts

SECTION_HELP = {
    "Model": "What is served.",
    "Environment variables": "Given to the model's container. Passwords and keys do not belong here.",
    "Resources": "Reserved for each pod, whether it is used or not. This is what is paid for.",
    "Scaling": "How many pods serve. An edit never wakes a sleeping model.",
    "Rollout": "How running pods are replaced by new ones.",
    "Network": "How the model is reached.",
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
QUANTITIES = frozenset(field.path for field in FIELDS if field.path.startswith("resources."))


class Show(Enum):
    """Which errors are shown: none on a page just opened; those of touched fields while typing; all when sent."""

    NONE = 0
    TOUCHED = 1
    ALL = 2


@dataclass(frozen=True, kw_only=True)
class Problem:
    anchor: str
    label: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One field as the page draws it. `when` is a class by which CSS hides what does not count."""

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
    when: str = ""
    is_changed: bool = False
    before: str = ""

    @property
    def id(self) -> str:
        return f"id_{self.name}"

    @property
    def unset(self) -> str:
        """What an empty value means here."""
        return {"profile": "numbers of its own", "image_override": "the runtime's"}.get(self.field.path, "not set")


@dataclass(frozen=True, kw_only=True)
class Section:
    name: str
    slug: str
    help: str
    rows: tuple[Row, ...]
    is_env: bool
    changed: int
    wrong: int


class SpecForm:
    """`data` is what was posted, or the baseline's own texts for a page that was just opened."""

    def __init__(
        self,
        data: QueryDict,
        *,
        choices: Choices,
        baseline: Spec | None,
        baseline_profile: HardwareProfile | None = None,
        show: Show = Show.ALL,
        trigger: str = "",
    ) -> None:
        self.data = data
        self.choices = choices
        self.baseline = baseline
        self.start = texts.of_spec(baseline, baseline_profile) if baseline else dict(texts.DEFAULTS)
        self.show = show
        self.trigger = trigger
        self.texts = _posted(data)
        self.posted_env = env_rows.read(data)
        self.errors: Errors = {}
        self.env_errors: dict[int, str] = {}
        self.candidate = self._read()

    @property
    def spec(self) -> Spec | None:
        """The spec, None while something is wrong with it."""
        return None if self.errors or self.env_errors else self.candidate

    @property
    def runtime(self) -> Runtime | None:
        return self.choices.runtimes.get(self.texts["runtime"])

    @property
    def profile(self) -> HardwareProfile | None:
        return self.choices.profiles.get(self.texts["profile"])

    def add_errors(self, errors: Mapping[str, str]) -> None:
        """What an action found wrong, by field path."""
        for path, message in errors.items():
            if path.startswith("env."):
                self._env_error(path.removeprefix("env."), message)
            else:
                self.errors.setdefault(path, message)

    def _read(self) -> Spec | None:
        """The spec that was typed, unreadable fields replaced by the baseline's, so that the rest can be shown."""
        given = [(row.name, row.value) for row in self.posted_env if not row.is_blank]
        kept = self.baseline.to_json() if self.baseline else None
        self._check_texts()
        usable = {path: self.start[path] if path in self.errors else text for path, text in self.texts.items()}
        data, wrong = texts.to_json(usable, given, kept=kept)
        self.errors |= wrong
        spec = self._parse(data)
        if spec is None:
            usable |= {path: self.start[path] for path in self.errors if path in self.start}
            data, _ = texts.to_json(usable, given if not self.env_errors else [], kept=kept)
            try:
                spec = Spec.from_json(data)
            except SpecInvalid:
                return None
        self._validate(spec)
        return spec

    def _check_texts(self) -> None:
        for path, text in self.texts.items():
            try:
                check_storable(text)
            except InvalidText as problem:
                self.errors[path] = str(problem)
        offered = {
            "runtime": self.choices.runtimes.keys(),
            "profile": self.choices.profiles.keys() | {texts.OWN_SIZE},
            "replicas.mode": dict(MODES).keys(),
            "strategy.type": dict(STRATEGIES).keys(),
        }
        for path, values in offered.items():
            # An empty choice is told by the spec's own check, in words that fit it.
            if self.texts[path] not in values and not (self.texts[path] == "" and path in ("runtime", "profile")):
                self.errors[path] = "Choose one from the list."

    def _parse(self, data: dict[str, object]) -> Spec | None:
        try:
            return Spec.from_json(data)
        except SpecInvalid as problem:
            numbers = [row.number for row in self.posted_env if not row.is_blank]
            for path, message in problem.errors.items():
                head, _, rest = path.partition(".")
                if head == "env" and rest.split(".")[0].isdigit():
                    self.env_errors[numbers[int(rest.split(".")[0]) - 1]] = message
                else:
                    self.errors.setdefault(path, message)
            return None

    def _validate(self, spec: Spec) -> None:
        found = validate(
            spec,
            environment=self.choices.environment,
            runtime=self.runtime,
            profile=self.profile if spec.profile else None,
            allowlist=self.choices.allowlist,
            max_replicas=self.choices.max_replicas,
        )
        # A number that could not be read stands in for the baseline's: comparing others with it would mislead.
        unread = {path.partition(".")[0] for path in self.errors if "." in path}
        self.add_errors({path: text for path, text in found.items() if path.partition(".")[0] not in unread})

    def _env_error(self, name: str, message: str) -> None:
        rows = [row for row in self.posted_env if row.name == name and not row.is_blank]
        if rows:
            self.env_errors.setdefault(rows[-1].number, message)
        else:
            self.errors.setdefault("env", message)

    @cached_property
    def changes(self) -> tuple[FieldChange, ...]:
        """What the form changes in the baseline; fields that cannot be read are not among them."""
        if self.baseline is None or self.candidate is None:
            return ()
        return diff.spec_diff(self.baseline, self.candidate)

    @property
    def changes_shown(self) -> tuple[tuple[FieldChange, bool], ...]:
        """Each change, and whether it fits."""
        return tuple((change, change.path not in self.shown_errors) for change in self.changes)

    @property
    def is_changed(self) -> bool:
        return bool(self.changes)

    @property
    def shows_all(self) -> bool:
        return self.show is Show.ALL

    @cached_property
    def shown_errors(self) -> Errors:
        if self.show is Show.ALL:
            return self.errors
        if self.show is Show.NONE:
            return {}
        return {
            path: message
            for path, message in self.errors.items()
            if self.texts.get(path) not in ("", None) or path_name(path) == self.trigger
        }

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """Everything shown as wrong, in the form's order, for the list on top."""
        order = {field.path: index for index, field in enumerate(FIELDS)}
        found = [
            Problem(
                anchor=f"id_{path_name(path)}",
                label=field_for(path).label if path in order else path.capitalize(),
                message=message,
            )
            for path, message in sorted(self.shown_errors.items(), key=lambda item: order.get(item[0], -1))
        ]
        for row in self.env:
            if row.error:
                label = f"Variable {row.name}" if row.name else f"Variable in row {row.number}"
                found.append(Problem(anchor=f"id_env_{row.number}", label=label, message=row.error))
        return tuple(found)

    @cached_property
    def env(self) -> tuple[EnvRow, ...]:
        runtime = self.runtime
        return env_rows.compared(
            self.posted_env,
            baseline=dict(self.baseline.env) if self.baseline else None,
            defaults=dict(runtime.env) if runtime else {},
            errors={} if self.show is Show.NONE else self.env_errors,
        )

    @property
    def env_removed(self) -> tuple[Removed, ...]:
        return env_rows.removed(self.posted_env, dict(self.baseline.env)) if self.baseline else ()

    @property
    def env_defaults(self) -> tuple[tuple[str, str], ...]:
        """Variables that the runtime sets and no row replaces."""
        typed = {row.name for row in self.posted_env}
        return tuple(item for item in self.runtime.env if item[0] not in typed) if self.runtime else ()

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        changed = {change.path: change for change in self.changes}
        rows = [self._row(field, changed.get(field.path)) for field in FIELDS if field.path != "env"]
        made = []
        for name in SECTIONS:
            mine = tuple(row for row in rows if row.field.section == name)
            is_env = name == field_for("env").section
            wrong = [row for row in mine if row.error]
            wrong_env = [row for row in self.env if row.error] if is_env else []
            made.append(
                Section(
                    name=name,
                    slug=suggest_name(name),
                    help=SECTION_HELP[name],
                    rows=mine,
                    is_env=is_env,
                    changed=sum(change.section == name for change in self.changes),
                    wrong=len(wrong) + len(wrong_env),
                )
            )
        return tuple(made)

    def _row(self, field: Field, change: FieldChange | None) -> Row:
        path = field.path
        error = self.shown_errors.get(path, "") if texts.is_relevant(path, self.texts) else ""
        needs = texts.condition(path)
        is_wrong_change = bool(error) and self.baseline is not None and self.texts[path] != self.start[path]
        return Row(
            field=field,
            name=path_name(path),
            value=self.texts[path],
            kind=_kind(path),
            error=error,
            choices=self._choices(path),
            unit=UNITS.get(path, ""),
            placeholder=self.runtime.image if path == "image_override" and self.runtime else "",
            origin=self._origin(path),
            note=self._note(path),
            when=f"when-{needs[1].strip('-').lower()}" if needs else "",
            is_changed=change is not None or is_wrong_change,
            before=change.before if change else self.start[path] if is_wrong_change else "",
        )

    def _choices(self, path: str) -> tuple[tuple[str, str], ...]:
        if path == "runtime":
            offered = tuple((slug, runtime.name) for slug, runtime in self.choices.runtimes.items())
            return (("", "Choose a runtime"), *offered) if self.baseline is None else offered
        if path == "profile":
            sizes = [(slug, f"{item.name}: {size_in_words(item)}") for slug, item in self.choices.profiles.items()]
            first = [("", "Choose a size")] if self.baseline is None else []
            return (*first, *sizes, (texts.OWN_SIZE, "Numbers of your own"))
        return {"replicas.mode": MODES, "strategy.type": STRATEGIES}.get(path, ())

    def _origin(self, path: str) -> str:
        """Where the value comes from when it is not set here."""
        if path == "image_override" and not self.texts[path] and self.runtime:
            return f"from {self.runtime.name}"
        return ""

    def _note(self, path: str) -> str:
        if path == "image_override" and not self.texts[path] and self.runtime:
            return f"Now the runtime's: {self.runtime.image}"
        if path == "profile" and self.profile and self.profile.node_selector:
            nodes = ", ".join(f"{name}={value}" for name, value in self.profile.node_selector.items())
            return f"Runs on nodes with {nodes}."
        return ""


def path_name(path: str) -> str:
    """A field's name in HTML: no dots, so that it can be part of an id."""
    return path.replace(".", "__")


def data_of(values: Texts, env: tuple[tuple[str, str], ...]) -> QueryDict:
    """Texts and variables as if they had been posted."""
    data = QueryDict(mutable=True)
    for path, text in values.items():
        data[path_name(path)] = text
    data.setlist(env_rows.NAME, [name for name, _ in env] + [""] * env_rows.BLANKS)
    data.setlist(env_rows.VALUE, [value for _, value in env] + [""] * env_rows.BLANKS)
    return data


def _posted(data: QueryDict) -> Texts:
    return {path: data.get(path_name(path), "").strip() for path in texts.PATHS}


def _kind(path: str) -> str:
    if path in ("runtime", "profile"):
        return "select"
    if path in ("replicas.mode", "strategy.type"):
        return "radios"
    return "number" if path in NUMBERS else "quantity" if path in QUANTITIES else "text"
