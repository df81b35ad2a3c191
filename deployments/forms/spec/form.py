"""The form of a spec: rows in sections, what is wrong with them, and what they change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import Enum
from functools import cached_property

from django.http import QueryDict

from baristaweb.lib.numbers import whole
from baristaweb.lib.refusals import named
from deployments.domain.catalogue import HardwareProfile, Runtime
from deployments.domain.changes import diff
from deployments.domain.changes.diff import FieldChange
from deployments.domain.spec.checks.validate import validate
from deployments.domain.spec.fields.resources import OWN_SIZE
from deployments.domain.spec.fields.table import INPUTS, OWNERS, field_for, place_of
from deployments.domain.spec.reader import SpecInvalid
from deployments.domain.spec.spec import Spec
from deployments.domain.text.naming import InvalidText, check_storable
from deployments.domain.text.secrets import has_secret_shape
from deployments.forms.choices import Choices
from deployments.forms.problem import Problem
from deployments.forms.spec import environment, texts
from deployments.forms.spec.environment import EnvRow, Removed
from deployments.forms.spec.inputs import Errors, Texts


class Show(Enum):
    """Which errors are shown: none on a page just opened; those of touched fields while typing; all when sent."""

    NONE = 0
    TOUCHED = 1
    ALL = 2


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
        notes: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data
        self.choices = choices
        self.baseline = baseline
        self.start = texts.of_spec(baseline, baseline_profile) if baseline else dict(texts.DEFAULTS)
        self.show = show
        self.trigger = trigger
        self.notes = notes or {}
        self.texts = _posted(data, self.start)
        self.posted_env = environment.read(data)
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
                continue
            place = place_of(path)
            member = path.removeprefix(f"{place}.") if path.startswith(f"{place}.") else ""
            self.errors.setdefault(place, f"{member}: {message}" if member else message)

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
        offered: dict[str, Iterable[str]] = {
            "runtime": self.choices.runtimes.keys(),
            "profile": self.choices.profiles.keys() | {OWN_SIZE},
        }
        offered |= {path: dict(item.choices).keys() for path, item in INPUTS.items() if item.choices}
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
                row = whole(rest.split(".")[0])
                if head == "env" and row is not None:
                    self.env_errors[numbers[row - 1]] = message
                else:
                    self.errors.setdefault(place_of(path), message)
            return None

    def _validate(self, spec: Spec) -> None:
        found = validate(
            spec,
            environment=self.choices.environment,
            runtime=self.runtime,
            profile=self.profile if spec.profile else None,
            allowlist=self.choices.allowlist,
            max_replicas=self.choices.max_replicas,
            metadata_prefixes=self.choices.metadata_prefixes,
            permitted=self.choices.permits_of(spec),
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
        return tuple(self._shown_change(change) for change in self.changes)

    def _shown_change(self, change: FieldChange) -> tuple[FieldChange, bool]:
        place = place_of(change.path)
        if place in self.shown_errors:
            # The candidate has the baseline's value, or a stand-in, for what cannot be read.
            return replace(change, after=self.texts.get(place) or change.after), False
        is_own = change.path == "profile" and not change.after
        return (replace(change, after=field_for(change.path).unset) if is_own else change), True

    @property
    def is_changed(self) -> bool:
        return bool(self.changes)

    @property
    def shows_all(self) -> bool:
        return self.show is Show.ALL

    @cached_property
    def shown_errors(self) -> Errors:
        """Those that the page shows now, each with what was typed."""
        if self.show is Show.NONE:
            return {}
        return {
            path: named(message, "" if has_secret_shape(self.texts.get(path, "")) else self.texts.get(path, ""))
            for path, message in self.errors.items()
            if self.show is Show.ALL or self.texts.get(path) not in ("", None) or texts.path_name(path) == self.trigger
        }

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """Everything shown as wrong, in the form's order, for the list on top."""
        order = {path: index for index, path in enumerate(texts.PATHS)}
        found = [
            Problem(
                anchor=f"id_{texts.path_name(path)}",
                label=_label(path),
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
        return environment.compared(
            self.posted_env,
            baseline=dict(self.baseline.env) if self.baseline else None,
            defaults=dict(runtime.env) if runtime else {},
            errors={} if self.show is Show.NONE else self.env_errors,
        )

    @property
    def env_removed(self) -> tuple[Removed, ...]:
        return environment.removed(self.posted_env, dict(self.baseline.env)) if self.baseline else ()

    @property
    def env_defaults(self) -> tuple[tuple[str, str], ...]:
        """Variables that the runtime sets and no row replaces."""
        typed = {row.name for row in self.posted_env}
        return tuple(item for item in self.runtime.env if item[0] not in typed) if self.runtime else ()

    def error_at(self, path: str) -> str:
        """The error shown at one text, empty while the field does not count."""
        return self.shown_errors.get(path, "") if texts.is_relevant(path, self.texts) else ""


def _label(path: str) -> str:
    if path not in INPUTS:
        return field_for(path).label if path == "env" else path.capitalize()
    owner, item = OWNERS[path], INPUTS[path]
    return item.label if item == owner.inputs[0] else f"{owner.label}, {item.label.lower()}"


def data_of(values: Texts, env: tuple[tuple[str, str], ...]) -> QueryDict:
    """Texts and variables as if they had been posted."""
    data = QueryDict(mutable=True)
    for path, text in values.items():
        data[texts.path_name(path)] = text
    data.setlist(environment.NAME, [name for name, _ in env] + [""] * environment.BLANKS)
    data.setlist(environment.VALUE, [value for _, value in env] + [""] * environment.BLANKS)
    return data


def _posted(data: QueryDict, start: Texts) -> Texts:
    # What is folded and was not sent stays as it is: an old tab need not know every setting.
    absent = {path: start[path] if OWNERS[path].is_folded else "" for path in texts.PATHS}
    return {path: _clean(data.get(texts.path_name(path), absent[path])) for path in texts.PATHS}


def _clean(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
