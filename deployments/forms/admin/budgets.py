"""The admin's form of a budget: what the page of budgets asks, with every team, model and deployment."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError

from deployments.domain.cost.budgets import Limits
from deployments.forms.admin.fields import ReasonForm
from deployments.models import Budget, Deployment, ServedModel, User


class BudgetAdminForm(ReasonForm):
    class Meta:
        model = Budget
        fields = ("team", "environment", "model", "deployment", "month", "currency", "soft", "hard", "told")

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].strip().upper()
        if not re.fullmatch(r"[A-Z]{3}", currency):
            raise ValidationError("Write the three letters of the currency, like USD or EUR.")
        return currency

    def clean_told(self) -> str:
        names = list(dict.fromkeys(part.strip() for part in self.cleaned_data["told"].split(",") if part.strip()))
        known = set(User.objects.filter(username__in=names, is_active=True).values_list("username", flat=True))
        for name in names:
            if name not in known:
                raise ValidationError(f"There is no user {name}.")
        return ", ".join(names)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if month := data.get("month"):
            data["month"] = month.replace(day=1)
        try:
            Limits(currency="", soft=data.get("soft"), hard=data.get("hard"))
        except ValueError as problem:
            self.add_error("hard", str(problem))
        if "team" in self.fields:
            self._check_scope(data)
        return data

    def _check_scope(self, data: dict[str, Any]) -> None:
        model: ServedModel | None = data.get("model")
        deployment: Deployment | None = data.get("deployment")
        if model and deployment:
            self.add_error("deployment", "Choose a model or a deployment, not both.")
        owned = model or deployment
        if owned and data.get("environment"):
            self.add_error("environment", "A model's or a deployment's budget is of no environment.")
        if owned and data.get("team") not in (None, owned.team):
            self.add_error("team", f"{owned} belongs to {owned.team}.")
        if owned and not data.get("team"):
            data["team"] = owned.team
        if not owned and not data.get("team") and not data.get("environment"):
            self.add_error(None, "Choose a team, an environment, a model or a deployment.")
