"""A refusal names what was typed, says what is allowed, and gives an example that would be accepted.

Forms take `SaysWhatFits`; what a check says by itself already is not said twice.
"""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorList

SHOWN: Final = 60
MOST_CHOICES: Final = 8
# What tells a reader what would be accepted, or what to do instead.
_FITS: Final = re.compile(
    r"such as|for example|\blike\b|between|at least|at most|less than|more than|allowed|\bfrom\b|choose|write|use |"
    r"ask |did you mean|leave|fill in|say why|one of:|must be|is set twice|lower-case",
    re.IGNORECASE,
)
_SECRET: Final = (forms.PasswordInput, forms.HiddenInput, forms.FileInput)
_EXAMPLES: Final[tuple[tuple[type[forms.Field], str], ...]] = (
    (forms.DateTimeField, "2026-12-01T18:00"),
    (forms.DateField, "2026-12-01"),
    (forms.TimeField, "20:00"),
    (forms.EmailField, "pat@example.com"),
    (forms.URLField, "https://wiki.example.com/ranker"),
)


def named(message: str, typed: str) -> str:
    """`message` behind what was typed, unless it names that already, or nobody could read it."""
    text = " ".join(typed.split())
    if not text or len(text) > SHOWN or not text.isprintable() or _names(message, text):
        return message
    return f"You typed \N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}. {message}"


def _names(message: str, text: str) -> bool:
    if any(f"{mark}{text}" in message for mark in "\"'\N{LEFT DOUBLE QUOTATION MARK}"):
        return True
    # A number alone may stand in the message as a bound.
    return not text.isdigit() and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", message) is not None


def says_what_fits(message: str) -> bool:
    return _FITS.search(message) is not None


def fitting(field: forms.Field) -> str:
    """What a field takes, in words: its range, its choices or an example; empty when the field does not say."""
    least, most = getattr(field, "min_value", None), getattr(field, "max_value", None)
    if isinstance(field, forms.IntegerField | forms.DecimalField):
        whole = "" if isinstance(field, forms.FloatField | forms.DecimalField) else "whole "
        if least is not None and most is not None:
            return f"Allowed: a {whole}number from {least} to {most}, such as {most if least == 0 else least}."
        if least is not None or most is not None:
            bound = f"at least {least}" if least is not None else f"at most {most}"
            return f"Allowed: a {whole}number, {bound}, such as {least if least is not None else most}."
        return f"Allowed: a {whole}number, such as 10."
    if isinstance(field, forms.ModelChoiceField):
        return "Choose one from the list."
    if isinstance(field, forms.ChoiceField):
        offered: Any = field.choices
        labels = [str(label) for value, label in offered if value and isinstance(label, str)]
        few = 0 < len(labels) <= MOST_CHOICES
        return f"Choose one of: {', '.join(labels)}." if few else "Choose one from the list."
    example = next((text for kind, text in _EXAMPLES if isinstance(field, kind)), field.widget.attrs.get("placeholder"))
    return f"Write it such as {example}." if example else ""


class SaysWhatFits(forms.BaseForm):
    """Completes the messages of all fields once they are known."""

    def full_clean(self) -> None:
        super().full_clean()
        errors: dict[str, ErrorList] = self.errors
        for name, found in errors.items():
            field = self.fields.get(name)
            if field is not None:
                found.data = [self._complete(name, field, error) for error in found.as_data()]

    def _complete(self, name: str, field: forms.Field, error: ValidationError) -> ValidationError:
        if error.code == "unseen" or any(hasattr(text, "__html__") for text in error.messages):
            return error  # it shows what was typed already, with what can be done
        message = " ".join(str(text) for text in error.messages)
        if not says_what_fits(message):
            message = f"{message} {fitting(field)}".rstrip()
        return ValidationError(named(message, self._typed(name, field)), code=error.code)

    def _typed(self, name: str, field: forms.Field) -> str:
        if isinstance(field.widget, _SECRET) or isinstance(field, forms.FileField):
            return ""
        raw: Any = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
        if isinstance(raw, list | tuple):
            return ", ".join(str(item) for item in raw)
        return str(raw) if isinstance(raw, str) else ""
