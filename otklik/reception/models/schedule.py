"""Who may receive clients, and when he does: authorities, rules, exceptions. All with dates."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from otklik.appeals.models import Topic
from otklik.people.models.staff import Validity
from otklik.reception.models.rooms import Room

CELL_MINUTES = 5  # slots begin and end on the borders of these


class Authority(Validity):
    """Power to hold personal receptions, given by an order (п. 35.1). Without one valid on the day nobody receives."""

    official = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="authorities", verbose_name="должностное лицо"
    )
    basis = models.CharField("приказ", max_length=300, help_text="Номер и дата приказа.")
    powers = models.TextField("полномочия", blank=True, help_text="Что вправе решать: видно при записи.")
    topics = models.ManyToManyField(
        Topic, blank=True, related_name="+", verbose_name="темы", help_text="Пусто — любые темы."
    )
    ended_why = models.CharField("почему прекращены", max_length=300, blank=True)

    class Meta:
        verbose_name = "полномочие на приём"
        verbose_name_plural = "полномочия на приём"
        ordering = ["official", "-valid_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")), name="authority_dates"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.official}: {self.basis}"


class ReceptionRule(Validity):
    """Reception hours of an official on one day of the week, by the production calendar (a holiday has none)."""

    class Week(models.IntegerChoices):
        """Which such days of a month."""

        EVERY = 0, "каждую неделю"
        FIRST = 1, "первую неделю месяца"
        SECOND = 2, "вторую неделю месяца"
        THIRD = 3, "третью неделю месяца"
        FOURTH = 4, "четвёртую неделю месяца"

    official = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="reception_rules", verbose_name="должностное лицо"
    )
    room = models.ForeignKey(Room, models.PROTECT, related_name="+", verbose_name="помещение")
    weekday = models.PositiveSmallIntegerField("день недели", help_text="0 — понедельник.")
    week = models.PositiveSmallIntegerField("в какие недели", choices=Week, default=Week.EVERY)
    opens = models.TimeField("с")
    closes = models.TimeField("до")
    break_from = models.TimeField("перерыв с", null=True, blank=True)
    break_to = models.TimeField("перерыв до", null=True, blank=True)
    slot_minutes = models.PositiveSmallIntegerField("на одного человека, минут", default=20)
    pause_minutes = models.PositiveSmallIntegerField("между людьми, минут", default=0)

    class Meta:
        verbose_name = "часы личного приёма"
        verbose_name_plural = "часы личного приёма"
        ordering = ["official", "weekday", "opens"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="reception_on_a_day_of_the_week"),
            models.CheckConstraint(condition=Q(opens__lt=F("closes")), name="reception_not_empty"),
            models.CheckConstraint(
                condition=Q(break_from=None, break_to=None)
                | Q(break_from__gte=F("opens"), break_to__gt=F("break_from"), break_to__lte=F("closes")),
                name="reception_break_within",
            ),
            models.CheckConstraint(condition=Q(slot_minutes__range=(5, 240)), name="reception_slot_length"),
        ]

    def __str__(self) -> str:
        return f"{self.official}: {self.weekday} {self.opens:%H:%M}–{self.closes:%H:%M}"


class ReceptionException(models.Model):
    """One day of one official unlike his rules; without hours there is no reception that day."""

    official = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="reception_exceptions", verbose_name="должностное лицо"
    )
    date = models.DateField("день")
    opens = models.TimeField("с", null=True, blank=True)
    closes = models.TimeField("до", null=True, blank=True)
    break_from = models.TimeField("перерыв с", null=True, blank=True)
    break_to = models.TimeField("перерыв до", null=True, blank=True)
    slot_minutes = models.PositiveSmallIntegerField("на одного человека, минут", default=20)
    pause_minutes = models.PositiveSmallIntegerField("между людьми, минут", default=0)
    room = models.ForeignKey(Room, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="помещение")
    why = models.CharField("почему", max_length=300)
    moved_from = models.DateField("перенесён с", null=True, blank=True)

    class Meta:
        verbose_name = "особый день приёма"
        verbose_name_plural = "особые дни приёма"
        ordering = ["date"]
        constraints = [
            models.UniqueConstraint("official", "date", name="reception_exception_once"),
            models.CheckConstraint(
                condition=Q(opens=None, closes=None) | Q(opens__lt=F("closes"), room__isnull=False),
                name="reception_exception_hours",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.official}: {self.date:%d.%m.%Y}"
