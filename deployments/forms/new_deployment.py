"""Where a new deployment goes: its model, its namespace and its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.http import QueryDict

from deployments import access
from deployments.domain.catalogue import Environment, ModelType
from deployments.domain.roles import Permission
from deployments.domain.text.naming import InvalidName, InvalidText, check_label, check_name, clean_text, suggest_name
from deployments.domain.text.unseen import Unclean
from deployments.forms.problem import Problem
from deployments.models import Namespace, ServedModel, User
from deployments.queries import rules

NEW_MODEL = "-new"
LABELS = {
    "namespace": "Namespace",
    "model": "Model",
    "model_name": "Name of the new model",
    "model_type": "Type of the new model",
    "name": "Name",
}


def namespaces_for(user: User) -> list[Namespace]:
    """Where the user may propose a deployment, or create one at once."""
    rows = Namespace.objects.select_related("team", "cluster").filter(cluster__is_active=True)
    if not user.is_platform_admin:
        rows = rows.filter(team_id__in=list(user.roles))

    def may_create(row: Namespace) -> bool:
        environment = Environment(row.environment)
        return access.may(user, Permission.DEPLOYMENT_CREATE, team_id=row.team_id, environment=environment)

    return [row for row in rows if may_create(row)]


@dataclass
class PlaceForm:
    """`namespace` and `model` are None until they are chosen rightly; `new_model` is not saved yet."""

    data: QueryDict
    user: User
    namespaces: Sequence[Namespace]
    shows_errors: bool = True
    trigger: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    namespace: Namespace | None = None
    model: ServedModel | None = None
    new_model: ServedModel | None = None

    def __post_init__(self) -> None:
        team_ids = {row.team_id for row in self.namespaces}
        self.models = list(ServedModel.objects.filter(team_id__in=team_ids).select_related("team"))
        self._read_namespace()
        self._read_model()
        self._read_name()

    def value(self, name: str) -> str:
        return self.data.get(name, "").strip()

    @property
    def values(self) -> dict[str, str]:
        return {name: self.value(name) for name in LABELS}

    @property
    def model_types(self) -> list[ModelType]:
        return list(ModelType)

    @property
    def is_new_model(self) -> bool:
        return self.value("model") == NEW_MODEL

    @property
    def shown_errors(self) -> dict[str, str]:
        if self.shows_errors:
            return self.errors
        return {name: text for name, text in self.errors.items() if self.value(name) or name == self.trigger}

    @property
    def unclean(self) -> dict[str, Unclean | None]:
        """By name of a field that is refused, what its text holds that nobody sees."""
        return {name: Unclean.of(self.value(name)) for name in self.shown_errors}

    @property
    def problems(self) -> list[Problem]:
        return [
            Problem(anchor=f"id_{name}", label=LABELS[name], message=text)
            for name, text in sorted(self.shown_errors.items(), key=lambda item: list(LABELS).index(item[0]))
        ]

    def _read_namespace(self) -> None:
        chosen = self.value("namespace")
        self.namespace = next((row for row in self.namespaces if str(row.pk) == chosen), None)
        if self.namespace is None:
            self.errors["namespace"] = "Choose a namespace from the list." if chosen else "Choose a namespace."

    def _read_model(self) -> None:
        chosen = self.value("model")
        if chosen == NEW_MODEL:
            self._read_new_model()
            return
        self.model = next((row for row in self.models if str(row.pk) == chosen), None)
        if self.model is None:
            self.errors["model"] = "Choose a model from the list." if chosen else "Choose a model, or a new one."
        elif self.namespace is not None and self.model.team_id != self.namespace.team_id:
            self.errors["model"] = (
                f"{self.model.name} belongs to {self.model.team}; {self.namespace.name} belongs to "
                f"{self.namespace.team}. Choose a model of {self.namespace.team}, or another namespace."
            )

    def _read_new_model(self) -> None:
        try:
            name = clean_text(self.value("model_name"), limit=120)
        except InvalidText as problem:
            self.errors["model_name"] = str(problem)
            return
        slug = suggest_name(name, limit=63)
        try:
            check_label(slug, "name of the model")
        except InvalidName:
            self.errors["model_name"] = "Give the model a name with letters or digits, such as Query ranker."
        if ServedModel.objects.filter(slug=slug).exists():
            self.errors["model_name"] = f"A model {slug} exists already. Choose it from the list, or another name."
        if self.value("model_type") not in {item.value for item in ModelType}:
            self.errors["model_type"] = "Choose a type from the list."
        if self.namespace is not None and not self.errors.keys() & {"model_name", "model_type"}:
            self.new_model = ServedModel(slug=slug, name=name, type=self.value("model_type"), team=self.namespace.team)

    def _read_name(self) -> None:
        name = self.value("name")
        if self.namespace is not None:
            if problem := rules.name_problem(self.namespace, name):
                self.errors["name"] = problem
            return
        try:
            check_name(name)
        except InvalidName as problem_of_name:
            self.errors["name"] = str(problem_of_name)
