"""Resolutions of an appeal, one under another, and the parts that co-executors hand in."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otklik.appeals.models.spine import Appeal
from otklik.core.models import StoredFile
from otklik.people.models import Employee, Unit


class Resolution(models.Model):
    """Резолюция: what an official tells one person or unit to do with an appeal. `parent`: the one it carries out.

    `version` grows with every change and with every resolution written under it: whoever closes it names the version
    he has seen, so that nothing is written under what is being closed.
    """

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="resolutions", verbose_name="обращение")
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="во исполнение"
    )
    author = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="чья резолюция")
    entered_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто внёс")
    to_person = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кому"
    )
    to_unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="какому подразделению"
    )
    text = models.TextField("текст")
    due_on = models.DateField("срок", null=True, blank=True)
    control = models.BooleanField("на контроле", default=False)
    at = models.DateTimeField("когда", auto_now_add=True)
    report = models.TextField("что сделано", blank=True)
    done_at = models.DateTimeField("исполнена", null=True, blank=True)
    done_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто исполнил"
    )
    closed_at = models.DateTimeField("закрыта", null=True, blank=True)
    closed_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто закрыл"
    )
    remark = models.CharField("что доделать", max_length=500, blank=True)
    version = models.PositiveIntegerField("версия", default=1)

    class Meta:
        verbose_name = "резолюция"
        verbose_name_plural = "резолюции"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(to_person__isnull=False, to_unit=None) | Q(to_person=None, to_unit__isnull=False),
                name="resolution_to_one",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="resolution_has_text"),
            models.CheckConstraint(condition=Q(parent=None) | ~Q(parent=F("id")), name="resolution_not_under_itself"),
        ]
        indexes = [
            models.Index(fields=["due_on"], condition=Q(closed_at=None), name="resolution_open_by_term"),
        ]

    def __str__(self) -> str:
        return f"резолюция {self.pk}"

    @property
    def addressee(self) -> str:
        """Return to whom it is, in words."""
        return self.to_person.short_name if self.to_person else str(self.to_unit or "")


class HelperPart(models.Model):
    """Часть соисполнителя: what he was asked for by a day inside the department, and what he has handed in."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="parts", verbose_name="обращение")
    employee = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="соисполнитель")
    asked_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто попросил")
    asked_at = models.DateTimeField("когда попросили", auto_now_add=True)
    what = models.CharField("что нужно", max_length=500)
    due_on = models.DateField("сдать до")
    text = models.TextField("текст части", blank=True)
    handed_at = models.DateTimeField("сдана", null=True, blank=True)
    handed_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто сдал"
    )
    taken_at = models.DateTimeField("вошла в проект", null=True, blank=True)
    taken_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто собрал"
    )

    class Meta:
        verbose_name = "часть соисполнителя"
        verbose_name_plural = "части соисполнителей"
        ordering = ["due_on", "id"]
        constraints = [
            # One is asked for one part at a time; the next one after it went into the draft.
            models.UniqueConstraint("appeal", "employee", condition=Q(taken_at=None), name="one_part_asked_at_a_time"),
            models.CheckConstraint(
                condition=Q(taken_at=None) | Q(handed_at__isnull=False), name="part_taken_if_handed"
            ),
        ]
        indexes = [models.Index(fields=["due_on"], condition=Q(handed_at=None), name="part_not_handed_by_term")]

    def __str__(self) -> str:
        return f"часть {self.pk}"


class HelperPartFile(models.Model):
    """A file handed in with a part."""

    part = models.ForeignKey(HelperPart, models.CASCADE, related_name="files", verbose_name="часть")
    stored = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="файл")
    name = models.CharField("имя", max_length=300)

    class Meta:
        verbose_name = "файл части соисполнителя"
        verbose_name_plural = "файлы частей соисполнителей"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"файл части {self.pk}"
