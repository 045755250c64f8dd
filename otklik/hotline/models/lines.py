"""Telephone lines and their hours: a dictionary with dates. Ours are answered here, the ЕКЦ by somebody else."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from otklik.people.models import Unit
from otklik.people.models.staff import Validity


class Line(Validity):
    """A telephone line people call: ours (п. 27.1), or the ЕКЦ, number 110 (п. 27.4)."""

    code = models.SlugField("код", max_length=40, unique=True)
    name = models.CharField("название", max_length=200)
    phones = models.CharField("телефоны", max_length=200, help_text="Через запятую, как их показывать.")
    ours = models.BooleanField("отвечают наши консультанты", default=True)
    known_as = models.CharField(
        "как называет станция",
        max_length=300,
        blank=True,
        help_text="Очереди и набранные номера, по которым звонок относят к этой линии; через запятую.",
    )
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто ведёт журнал пропущенных"
    )
    shorter_before_holidays = models.BooleanField(
        "короче перед праздниками", default=True, help_text="На час, ст. 95 ТК РФ."
    )
    open_on_moved_days = models.BooleanField("работает в рабочие субботы", default=True)
    answer_seconds = models.PositiveSmallIntegerField("норма ответа, с", default=30)
    call_back_minutes = models.PositiveSmallIntegerField(
        "перезвонить за, рабочих минут", default=60, help_text="В часы работы линии."
    )
    attempts_enough = models.PositiveSmallIntegerField("попыток, чтобы признать недоступным", default=3)
    order = models.PositiveSmallIntegerField("порядок", default=100)

    class Meta:
        verbose_name = "телефонная линия"
        verbose_name_plural = "телефонные линии"
        ordering = ["order", "name"]

    def __str__(self) -> str:
        return self.name


class LineHours(Validity):
    """From when till when a line is answered on one day of the week; a day without a row is closed."""

    line = models.ForeignKey(Line, models.CASCADE, related_name="hours", verbose_name="линия")
    weekday = models.PositiveSmallIntegerField("день недели", help_text="0 — понедельник.")
    opens = models.TimeField("с")
    closes = models.TimeField("до")
    break_from = models.TimeField("перерыв с", null=True, blank=True)
    break_to = models.TimeField("перерыв до", null=True, blank=True)

    class Meta:
        verbose_name = "часы линии"
        verbose_name_plural = "часы линии"
        ordering = ["line", "weekday", "valid_from"]
        constraints = [
            models.UniqueConstraint("line", "weekday", "valid_from", name="line_hours_once"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="line_hours_on_a_day_of_the_week"),
            models.CheckConstraint(condition=Q(opens__lt=F("closes")), name="line_hours_not_empty"),
            models.CheckConstraint(
                condition=Q(break_from=None, break_to=None)
                | Q(break_from__gte=F("opens"), break_to__gt=F("break_from"), break_to__lte=F("closes")),
                name="line_break_within_hours",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line}: {self.weekday} {self.opens:%H:%M}–{self.closes:%H:%M}"


class LineException(models.Model):
    """One day that is unlike its rule; without hours the line is closed that day."""

    line = models.ForeignKey(Line, models.CASCADE, related_name="exceptions", verbose_name="линия")
    date = models.DateField("день")
    opens = models.TimeField("с", null=True, blank=True)
    closes = models.TimeField("до", null=True, blank=True)
    break_from = models.TimeField("перерыв с", null=True, blank=True)
    break_to = models.TimeField("перерыв до", null=True, blank=True)
    why = models.CharField("почему", max_length=300)

    class Meta:
        verbose_name = "исключение в часах линии"
        verbose_name_plural = "исключения в часах линии"
        ordering = ["date"]
        constraints = [
            models.UniqueConstraint("line", "date", name="line_exception_once"),
            models.CheckConstraint(
                condition=Q(opens=None, closes=None) | Q(opens__lt=F("closes")), name="line_exception_hours"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line}: {self.date:%d.%m.%Y}"


class Extension(Validity):
    """By which inner number, or agent's name, the exchange knows an employee."""

    employee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="extensions", verbose_name="сотрудник"
    )
    name = models.CharField("внутренний номер", max_length=60)

    class Meta:
        verbose_name = "внутренний номер"
        verbose_name_plural = "внутренние номера"
        ordering = ["name", "valid_from"]
        constraints = [models.UniqueConstraint("name", "valid_from", name="extension_once")]

    def __str__(self) -> str:
        return self.name
