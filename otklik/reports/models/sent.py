"""Reports somebody has named: what is in them, when they go out by themselves, what went to whom."""

from __future__ import annotations

from django.db import models

from otklik.appeals.models import Topic
from otklik.correspondence.models import ChannelCode, StaffLetter
from otklik.people.models import Employee, Unit


class SavedReport(models.Model):
    """A report under a name: its kind, its relative period, what narrows it; with a plan it goes out by itself."""

    class Kind(models.TextChoices):
        FIGURES = "figures", "показатели"
        SHEET = "sheet", "сводка руководителя"
        OVERVIEW = "overview", "обзор обращений"
        EXECUTION = "execution", "справка об исполнении Порядка"

    class Period(models.TextChoices):
        YESTERDAY = "yesterday", "вчера"
        LAST_WEEK = "last_week", "прошлая неделя"
        LAST_MONTH = "last_month", "прошлый месяц"
        LAST_QUARTER = "last_quarter", "прошлый квартал"
        LAST_YEAR = "last_year", "прошлый год"
        THIS_MONTH = "this_month", "этот месяц"
        THIS_QUARTER = "this_quarter", "этот квартал"
        THIS_YEAR = "this_year", "этот год"

    class Plan(models.TextChoices):
        NEVER = "", "не присылать"
        DAILY = "daily", "каждый рабочий день в 8:30"
        WEEKLY = "weekly", "в первый рабочий день недели в 8:30"
        MONTHLY = "monthly", "в первый рабочий день месяца в 8:30"

    owner = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто сохранил")
    name = models.CharField("название", max_length=100)
    kind = models.CharField("какой отчёт", max_length=10, choices=Kind, default=Kind.FIGURES)
    period = models.CharField("за какое время", max_length=12, choices=Period, default=Period.LAST_MONTH)
    measures = models.JSONField("показатели", default=list, blank=True, help_text="Коды; пусто — все.")
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="подразделение"
    )
    channel = models.CharField("канал", max_length=32, choices=ChannelCode, blank=True)
    topic = models.ForeignKey(Topic, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="тема")
    plan = models.CharField("когда присылать", max_length=8, choices=Plan, blank=True, default=Plan.NEVER)
    planned_since = models.DateTimeField("присылается с", null=True, blank=True)
    people = models.ManyToManyField(Employee, blank=True, related_name="+", verbose_name="кому")
    removed_at = models.DateTimeField("удалён", null=True, blank=True)

    class Meta:
        verbose_name = "сохранённый отчёт"
        verbose_name_plural = "сохранённые отчёты"
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                "owner", "name", condition=models.Q(removed_at=None), name="saved_report_once"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name


class SentReport(models.Model):
    """A report that went out at its planned time, once whatever is retried; of which days it told."""

    report = models.ForeignKey(SavedReport, models.CASCADE, related_name="sent", verbose_name="отчёт")
    planned_at = models.DateTimeField("на какое время")
    first = models.DateField("с")
    last = models.DateField("по")
    at = models.DateTimeField("когда отправлено", auto_now_add=True)

    class Meta:
        verbose_name = "отправка отчёта"
        verbose_name_plural = "отправки отчётов"
        ordering = ["-planned_at", "-pk"]
        constraints = [models.UniqueConstraint("report", "planned_at", name="report_sent_once")]

    def __str__(self) -> str:
        return f"{self.report_id} на {self.planned_at:%d.%m.%Y}"


class SentTo(models.Model):
    """One employee a report went to, or why no letter was written to him."""

    class Why(models.TextChoices):
        WRITTEN = "", "письмо отправлено"
        NO_ADDRESS = "no_address", "нет адреса почты"
        NO_RIGHT = "no_right", "отчёт ему больше не открыт"

    sent = models.ForeignKey(SentReport, models.CASCADE, related_name="to", verbose_name="отправка")
    employee = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кому")
    letter = models.ForeignKey(StaffLetter, models.SET_NULL, null=True, related_name="+", verbose_name="письмо")
    why = models.CharField("что стало", max_length=10, choices=Why, blank=True, default=Why.WRITTEN)

    class Meta:
        verbose_name = "получатель отчёта"
        verbose_name_plural = "получатели отчётов"
        constraints = [models.UniqueConstraint("sent", "employee", name="report_sent_to_once")]

    def __str__(self) -> str:
        return f"{self.sent_id} → {self.employee_id}"
