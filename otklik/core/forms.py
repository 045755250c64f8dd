"""Forms that look like the rest of the pages."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from otklik.core import typed
from otklik.core.typed import FIRST_YEAR, LAST_YEAR

DATE_INPUT = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
CHECKS = (forms.CheckboxInput, forms.RadioSelect, forms.CheckboxSelectMultiple)


def _check_year(given: date) -> None:
    if not FIRST_YEAR <= given.year <= LAST_YEAR:
        raise ValidationError(f"Проверьте год: нужен от {FIRST_YEAR} до {LAST_YEAR}.")


class TidyForm(forms.Form):
    """A form whose widgets wear the design's classes; shown field by field with `core/field.html`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            widget = field.widget
            if isinstance(field, forms.DateField):
                field.validators.append(_check_year)
            if isinstance(widget, CHECKS):
                css = "form-check-input"
            elif isinstance(widget, forms.Select):
                css = "form-select"
            else:
                css = "form-control"
            widget.attrs["class"] = f"{widget.attrs.get('class', '')} {css}".strip()


class SeveralField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Several rows of a table; a key no table can have is no choice, not a defect."""

    def clean(self, value: Any) -> Any:
        """Refuse keys beyond what a database holds in the words of any wrong choice."""
        for one in value or ():
            if str(one).strip().isdecimal() and typed.number(str(one).strip()) is None:
                raise ValidationError(self.error_messages["invalid_choice"], params={"value": str(one)[:20]})
        return super().clean(value)
