"""The form of a cluster's price list: typed as CSV, or taken from a file."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from baristaweb.lib.clock import now
from deployments.domain.cost.own_list import COLUMNS, OwnLine, WrongList, read_csv
from deployments.domain.text.naming import InvalidText, clean_text
from deployments.forms.admin.fields import ReasonForm
from deployments.models import PriceTerm, PriceVersion

LARGEST_FILE: Final = 256 * 1024
EXAMPLE: Final = (
    f"{','.join(COLUMNS)}\ncpu,,,0.031611\nmemory,,,0.004237\ngpu,,nvidia-l4,0.56\ncpu,e2-standard,,0.021811"
)


class PriceVersionForm(ReasonForm):
    prices = forms.CharField(
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 12, "cols": 80, "placeholder": EXAMPLE, "spellcheck": "false"}),
        help_text="One line a price: for one vCPU, GiB or GPU and one hour. price_class is that of a hardware profile; "
        "left empty, the price holds for all others. The first line names the columns: " + ",".join(COLUMNS),
    )
    file = forms.FileField(
        required=False, allow_empty_file=True, label="CSV file", help_text="The same lines from a file, instead."
    )

    class Meta:
        model = PriceVersion
        fields = ("cluster", "name", "currency", "effective_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "currency" in self.fields:
            self.fields["currency"].initial = "USD"
            self.fields["effective_at"].initial = now().replace(second=0, microsecond=0)

    def clean_name(self) -> str:
        try:
            return clean_text(self.cleaned_data["name"], limit=80)
        except InvalidText as problem:
            raise ValidationError(str(problem)) from problem

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].strip().upper()
        if not re.fullmatch(r"[A-Z]{3}", currency):
            raise ValidationError("Write the three letters of the currency, like USD or EUR.")
        return currency

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        file, text = data.get("file"), data.get("prices", "")
        if file and text:
            self.add_error("file", "Give the prices as text or as a file, not both.")
            return data
        try:
            data["lines"] = read_csv(_text_of(file) if file else text, currency=data.get("currency", ""))
        except WrongList as wrong:
            self.add_error("file" if file else "prices", [ValidationError(problem) for problem in wrong.problems[:20]])
        return data

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            lines: tuple[OwnLine, ...] = self.cleaned_data["lines"]
            self.instance.lines = [line.to_json() for line in lines]
            is_file = bool(self.cleaned_data.get("file"))
            self.instance.source = PriceVersion.Source.CSV if is_file else PriceVersion.Source.TYPED


TERM_FIELDS: Final = ("cluster", "kind", "value", "component", "price_class", "gpu", "effective_at", "ends_at")


class PriceTermForm(ReasonForm):
    class Meta:
        model = PriceTerm
        fields = TERM_FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "effective_at" in self.fields:
            self.fields["effective_at"].initial = now().replace(second=0, microsecond=0)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if self.errors:
            return data
        for name in ("price_class", "gpu"):
            data[name] = data[name].strip()
        try:
            PriceTerm(**{name: data[name] for name in TERM_FIELDS if name != "cluster"}).to_domain()
        except ValueError as problem:
            self.add_error("value", str(problem))
        return data


def _text_of(file: Any) -> str:
    if file.size > LARGEST_FILE:
        raise WrongList([f"The file has {file.size:,} bytes; at most {LARGEST_FILE:,} are read."])
    try:
        return str(file.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise WrongList(["The file is not UTF-8 text. Save it as CSV (UTF-8)."]) from None
