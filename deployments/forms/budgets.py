"""The form of a budget: what it covers, its month, its limits, and who is told."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from baristaweb.lib.clock import now
from baristaweb.lib.refusals import SaysWhatFits
from deployments.domain.catalogue import Environment
from deployments.domain.cost.budgets import Limits, month_of
from deployments.domain.roles import Permission, is_allowed
from deployments.models import Budget, Deployment, Membership, ServedModel, Team, User

MOST_TOLD = 20


def limit(label: str, help_text: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=False, min_value=Decimal(0), max_digits=14, decimal_places=2, help_text=help_text
    )


def editable_teams(user: User) -> list[Team]:
    """Teams whose budgets the user may set."""
    teams = Team.objects.all() if user.is_platform_admin else Team.objects.filter(pk__in=list(user.roles))
    return [
        team
        for team in teams.order_by("name")
        if is_allowed(user.roles.get(team.pk), Permission.BUDGET_EDIT, None, is_platform=user.is_platform_admin)
    ]


class BudgetForm(SaysWhatFits, forms.Form):
    """`row` is what it says, once it is valid. What a budget covers and its month are chosen once."""

    covers = forms.ChoiceField(label="What it covers")
    month = forms.CharField(
        label="Month",
        required=False,
        max_length=7,
        widget=forms.TextInput(attrs={"type": "month", "placeholder": "2026-12"}),
        help_text="Like 2026-12. Empty: every month; one with a month stands in for it.",
    )
    soft = limit("Soft limit", "A forecast above it is told to people; nothing is held up.")
    hard = limit("Hard limit", "A change that takes the forecast above it needs a maintainer's reason.")
    currency = forms.CharField(
        label="Currency", max_length=3, initial="USD", help_text="That of the price lists; others are not added to it."
    )
    told = forms.CharField(
        label="Told besides the team's maintainers",
        required=False,
        max_length=500,
        help_text="User names, with commas between them. They see it on their home page.",
    )
    note = forms.CharField(label="Why?", required=False, max_length=500, help_text="Kept in the audit log.")

    def __init__(
        self, *args: Any, user: User, row: Budget | None = None, deployment: Deployment | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.base = row
        if row is not None:
            del self.fields["covers"], self.fields["month"]
            return
        self._rows = _offered(user, deployment)
        groups: dict[str, list[tuple[str, str]]] = {}
        for key, (group, words, _) in self._rows.items():
            groups.setdefault(group, []).append((key, words))
        self.fields["covers"].choices = list(groups.items())  # type: ignore[attr-defined]

    def clean_month(self) -> date | None:
        text = self.cleaned_data["month"].strip()
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
            raise ValidationError("Write the year and the month, like 2026-12.")
        try:
            month = date(int(text[:4]), int(text[5:]), 1)
        except ValueError:
            raise ValidationError("There is no such month.") from None
        if month < month_of(now())[0].date():
            raise ValidationError("This month is over.")
        return month

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].strip().upper()
        if not re.fullmatch(r"[A-Z]{3}", currency):
            raise ValidationError("Write the three letters of the currency, like USD or EUR.")
        return currency

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if "soft" in data and "hard" in data:
            try:
                Limits(currency="", soft=data["soft"], hard=data["hard"])
            except ValueError as problem:
                self.add_error("hard", str(problem))
        if "told" in data and "covers" not in self.errors:
            data["told"] = self._told(data["told"], self.row.team)
        return data

    def _told(self, text: str, team: Team | None) -> str:
        names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
        if len(names) > MOST_TOLD:
            self.add_error("told", f"At most {MOST_TOLD} people are told.")
            return ""
        found = User.objects.filter(username__in=names, is_active=True)
        members = set(Membership.objects.filter(team=team).values_list("user_id", flat=True)) if team else set()
        may_see = {user.username for user in found if user.sees_everything or user.pk in members}
        for name in names:
            if name not in may_see:
                whose = f"a member of {team}" if team else "a platform admin or an auditor"
                self.add_error("told", f"{name} is not {whose}.")
        return ", ".join(names)

    @property
    def row(self) -> Budget:
        """The budget with what was typed; one that is changed keeps what it covers."""
        data = self.cleaned_data
        row = self.base or Budget(**self._rows[data["covers"]][2], month=data.get("month"))
        for name in ("soft", "hard", "currency", "told"):
            if name in data:
                setattr(row, name, data[name])
        return row


def initial_of(row: Budget) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("soft", "hard", "currency", "told")}


def _offered(user: User, deployment: Deployment | None) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Key, then its group, its words and what it says of a row."""
    teams = editable_teams(user)
    rows: dict[str, tuple[str, str, dict[str, Any]]] = {}
    if deployment is not None and deployment.team in teams:
        words = f"{deployment.name} in {deployment.namespace.name}"
        rows[f"deployment:{deployment.pk}"] = (
            "Deployment",
            words,
            {"team": deployment.team, "deployment": deployment},
        )
    for team in teams:
        rows[f"team:{team.pk}"] = ("Team", team.name, {"team": team})
        for environment in Environment:
            words = f"{team.name} in {environment.value}"
            rows[f"team:{team.pk}:{environment.value}"] = (
                "Team in one environment",
                words,
                {"team": team, "environment": environment.value},
            )
    for model in ServedModel.objects.filter(team__in=teams).select_related("team"):
        rows[f"model:{model.pk}"] = ("Model", f"{model.name} of {model.team}", {"team": model.team, "model": model})
    if user.is_platform_admin:
        for environment in Environment:
            words = f"{environment.value} of all teams"
            rows[f"environment:{environment.value}"] = ("Environment", words, {"environment": environment.value})
    return rows
