"""Calendar, regimes and terms in `/cms/`."""

from __future__ import annotations

from typing import Any

from django import forms
from wagtail import hooks
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, ObjectList
from wagtail.admin.ui.tables import BooleanColumn
from wagtail.admin.viewsets.base import ViewSetGroup

from otklik.core import calendar, cms
from otklik.core.models import CalendarDay, CalendarYear, Regime, TermRule

VALIDITY = FieldRowPanel([FieldPanel("valid_from"), FieldPanel("valid_to")], heading="Когда действует")


class SetDay(cms.JournalledEdit):
    """One day, changed through the calendar so that every process sees it."""

    def save_instance(self) -> CalendarDay:
        """Set the day instead of saving the form."""
        day, typed = self.form.instance, self.form.cleaned_data
        return calendar.set_day(
            day.date, typed["kind"], title=typed["title"], source=typed["source"], by=self.request.user
        )


class DayForm(WagtailAdminModelForm):  # type: ignore[misc]
    """A day is changed on some ground."""

    source = forms.CharField(label="Основание", max_length=300, help_text="Постановление, распоряжение, приказ.")


class DayDictionary(cms.Dictionary):
    """Days of the production calendar. Every day of a loaded year is there; none is added or removed by hand."""

    model = CalendarDay
    power = "calendar.edit"
    actions = cms.MAY_CHANGE
    edit_view_class = SetDay
    icon = "date"
    menu_label = "Дни календаря"
    list_display = [
        "date",
        "kind",
        "title",
        "moved_from",
        "source",
        BooleanColumn("edited_by_hand", label="Изменён вручную"),
    ]
    list_filter = {"date": ["year", "month"], "kind": ["exact"], "edited_by_hand": ["exact"]}
    list_per_page = 31
    ordering = "date"
    edit_handler = ObjectList([FieldPanel("kind"), FieldPanel("title"), FieldPanel("source")], base_form_class=DayForm)


class _Year:
    """Saves a year through the calendar: its days appear, its approval is written down."""

    def save_instance(self) -> CalendarYear:
        """Fill the year's days, and note the decree where there is one."""
        view: Any = self
        typed = view.form.cleaned_data
        year = typed.get("year") or view.form.instance.year
        calendar.load([year])
        if typed["approved"]:
            calendar.approve_year(year, source=typed["source"], by=view.request.user)
        return CalendarYear.objects.get(year=year)


class AddYear(_Year, cms.JournalledCreate):
    """A year that nobody has loaded."""


class EditYear(_Year, cms.JournalledEdit):
    """A year whose decree has come out."""


class YearForm(WagtailAdminModelForm):  # type: ignore[misc]
    """A year is approved by a decree that is named."""

    def clean(self) -> dict[str, Any]:
        """Ask for the decree."""
        typed: dict[str, Any] = super().clean()
        if typed.get("approved") and not typed.get("source"):
            self.add_error("source", "Укажите постановление Правительства РФ о переносе выходных дней.")
        return typed


class YearDictionary(cms.Dictionary):
    """Which years the government has decreed."""

    model = CalendarYear
    power = "calendar.edit"
    add_view_class = AddYear
    edit_view_class = EditYear
    icon = "calendar-alt"
    menu_label = "Годы календаря"
    list_display = ["year", BooleanColumn("approved", label="Утверждён"), "source"]
    edit_handler = ObjectList(
        [FieldPanel("year"), FieldPanel("approved"), FieldPanel("source")], base_form_class=YearForm
    )


class RegimeDictionary(cms.Dictionary):
    """Legal regimes an appeal is considered under."""

    model = Regime
    power = "calendar.edit"
    icon = "clipboard-list"
    menu_label = "Режимы рассмотрения"
    list_display = [
        "name",
        "code",
        "law",
        BooleanColumn("statutory", label="Установлен законом"),
        "valid_from",
        "valid_to",
    ]
    panels = [
        FieldPanel("name"),
        FieldRowPanel([FieldPanel("code"), FieldPanel("citizen_word"), FieldPanel("order")]),
        FieldPanel("law"),
        FieldPanel("statutory"),
        FieldPanel("head_may_approve_dispatch"),
        FieldPanel("pause_basis"),
        VALIDITY,
    ]


class TermDictionary(cms.Dictionary):
    """Terms of the regimes. A change of law is a new row from its date on; the old one gets its last day."""

    model = TermRule
    power = "calendar.edit"
    icon = "time"
    menu_label = "Сроки"
    list_display = ["regime", "step", "channel", "days", "unit", "roll", "basis", "valid_from", "valid_to"]
    list_filter = ["regime", "step"]
    panels = [
        FieldRowPanel([FieldPanel("regime"), FieldPanel("step"), FieldPanel("channel")]),
        FieldRowPanel([FieldPanel("days"), FieldPanel("unit"), FieldPanel("roll")]),
        FieldPanel("basis"),
        VALIDITY,
    ]


class TermsGroup(ViewSetGroup):  # type: ignore[misc]
    """Calendar and terms in one menu."""

    menu_label = "Календарь и сроки"
    menu_icon = "date"
    menu_order = 310
    items = (
        DayDictionary("calendar_days", url_prefix="calendar/days"),
        YearDictionary("calendar_years", url_prefix="calendar/years"),
        RegimeDictionary("regimes", url_prefix="regimes"),
        TermDictionary("terms", url_prefix="terms"),
    )


@hooks.register("register_admin_viewset")  # type: ignore[untyped-decorator]
def viewsets() -> TermsGroup:
    """Give Wagtail the pages."""
    return TermsGroup()
