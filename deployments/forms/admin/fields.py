"""Fields of the admin's forms: a reason for every write, quantities, lists of lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString

from baristaweb.lib.refusals import SaysWhatFits
from deployments.domain.text import unseen
from deployments.domain.text.images import ImageReference, InvalidImage
from deployments.domain.text.naming import InvalidName, InvalidText, check_env_name, check_storable
from deployments.domain.text.quantities import QuantityError, format_cpu, format_memory, parse_cpu, parse_memory
from deployments.domain.text.unseen import Unclean

CLEAN, KEEP = "_clean", "_keep"


class ReasonForm(SaysWhatFits, forms.ModelForm):
    """A form whose save says why; the reason goes to the audit log.

    What nobody sees in a text is shown and offered to be cleaned before it is saved; who means it keeps it.
    """

    reason = forms.CharField(
        max_length=500,
        error_messages={"required": "Say why: the audit log keeps it beside what changed."},
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="Why. It is kept in the audit log beside what changed.",
    )

    def _clean_fields(self) -> None:
        texts = {
            self.add_prefix(name): (name, field, str(self.data.get(self.add_prefix(name), "")))
            for name, field in self.fields.items()
            if isinstance(field, forms.CharField) and not isinstance(field.widget, forms.PasswordInput)
        }
        if CLEAN in self.data:
            cleaned = {key: _cleaned(field, text) for key, (_, field, text) in texts.items() if _unclean(field, text)}
            data = QueryDict(mutable=True)
            data.update(self.data)
            for key, text in cleaned.items():
                data[key] = text
            self.data = data
        super()._clean_fields()  # type: ignore[misc]
        if CLEAN in self.data or KEEP in self.data:
            return
        for name, field, text in texts.values():
            if found := _unclean(field, text):
                self.add_error(name, ValidationError(_offer(found), code="unseen"))


def _is_prose(field: forms.Field) -> bool:
    return isinstance(field.widget, forms.Textarea) and not isinstance(field, LinesField)


def _unclean(field: forms.Field, text: str) -> Unclean | None:
    """Values are looked at closer than text for people, in which quotes and wide blanks may be meant."""
    text = text.strip()
    if _is_prose(field):
        return Unclean.of_prose(text)
    is_value = isinstance(field, (LinesField, ImageField, _Quantity))
    return Unclean.of(text) if is_value else Unclean.of_name(text)


def _cleaned(field: forms.Field, text: str) -> str:
    return unseen.cleaned_prose(text) if _is_prose(field) else unseen.cleaned_lines(text)


def _offer(found: Unclean) -> SafeString:
    return format_html(
        "It holds {}: \u201c{}\u201d. "
        '<button class="button" name="{}" value="1">Clean and save</button> or '
        '<button class="button" name="{}" value="1">save as it is</button>',
        " and ".join(found.kinds), found.shown[:120], CLEAN, KEEP,
    )  # fmt: skip


class _Quantity(forms.CharField):
    """Text such as "500m" or "4Gi" in the form, a whole number for Python."""

    parse: Callable[[str], int]
    write: Callable[[int], str]

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text in self.empty_values:
            return None
        try:
            return type(self).parse(str(text))
        except QuantityError as problem:
            raise ValidationError(str(problem)) from problem

    def prepare_value(self, value: Any) -> Any:
        return type(self).write(value) if isinstance(value, int) else value


class CpuField(_Quantity):
    parse = staticmethod(parse_cpu)
    write = staticmethod(format_cpu)


class MemoryField(_Quantity):
    parse = staticmethod(parse_memory)
    write = staticmethod(format_memory)


class ImageField(forms.CharField):
    """An image reference by the real grammar."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.TextInput(attrs={"size": 80}), **options)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if text:
            try:
                ImageReference.parse(text)
            except InvalidImage as problem:
                raise ValidationError(str(problem)) from problem
        return text


class LinesField(forms.CharField):
    """One item a line; a tuple of texts for Python. Spaces at the end of a line are dropped, empty lines too."""

    def __init__(self, *, rows: int = 4, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows, "cols": 80}), strip=False, **options)

    def to_python(self, value: Any) -> Any:
        text = str(super().to_python(value) or "").replace("\r\n", "\n")
        try:
            check_storable(text)
        except InvalidText as problem:
            raise ValidationError(str(problem)) from problem
        return tuple(self.item(line.rstrip()) for line in text.split("\n") if line.strip())

    def item(self, line: str) -> Any:
        return line

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, (list, tuple)) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class PairsField(LinesField):
    """NAME=value, one a line; a tuple of pairs for Python."""

    def item(self, line: str) -> tuple[str, str]:
        name, equals, value = line.partition("=")
        if not equals:
            raise ValidationError(f'"{line[:60]}" has no "=". Write one NAME=value a line.')
        self.check_name(name.strip())
        return name.strip(), value.strip()

    def check_name(self, name: str) -> None:
        """Raise ValidationError unless the name may stand on the left."""

    def to_python(self, value: Any) -> Any:
        pairs = super().to_python(value)
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValidationError(f"{', '.join(twice)} is set twice.")
        return pairs

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            value = tuple(value.items())
        if isinstance(value, (list, tuple)):
            return "\n".join(f"{name}={text}" for name, text in value)
        return value


class EnvField(PairsField):
    """Environment variables that a runtime sets."""

    def check_name(self, name: str) -> None:
        try:
            check_env_name(name, in_runtime=True)
        except InvalidName as problem:
            raise ValidationError(f"{name[:60]}: {problem}") from problem


class NodeLabelsField(PairsField):
    """Labels that a node must have."""

    _KEY = re.compile(r"(?:[a-z0-9.-]{1,253}/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z", re.ASCII)

    def check_name(self, name: str) -> None:
        if not self._KEY.match(name):
            raise ValidationError(f'"{name[:60]}" is not a label, such as cloud.google.com/gke-accelerator.')
